"""The runtime's own limits. What protects the supervisor is checked there again."""

from __future__ import annotations

KIB = 1024
MIB = 1024 * KIB

#: Payload of one frame, supervisor → child.
MAX_PAYLOAD_IN = 64 * MIB
#: Payload of one frame, child → supervisor.
MAX_PAYLOAD_OUT = 16 * MIB
#: Bytes of text in one log entry, so that its frame stays under 64 KiB with everything around it.
MAX_LOG_TEXT = 48 * KIB
#: Bytes of JSON in the fields of one log entry.
MAX_LOG_FIELDS = 14 * KIB
#: Log entries of an attempt, and bytes of their text and fields, unless the settings say otherwise.
LOG_ENTRIES = 10_000
LOG_BYTES = 4 * MIB
#: What an entry counts that is left out, beside its text, bytes; as the supervisor counts those that it is sent.
ENTRY_COST = 64
#: Bytes of entries left out at which the supervisor is told: it ends an attempt that goes on for too long.
DROPPED_NOTICE = MIB
#: Seconds for threads to end and `atexit` to run after the function returned, unless the settings say otherwise.
GRACE_S = 10.0
#: One control packet.
MAX_PACKET = MIB
#: Address space given back when memory has run out, so that the error can be told.
MEMORY_RESERVE = 2 * MIB

#: Frames of one traceback: the outermost and the innermost are kept when there are more.
MAX_FRAMES = 40
#: Exceptions along `__cause__` and `__context__`.
MAX_CAUSES = 4
#: Frames of a cause's own traceback.
MAX_CAUSE_FRAMES = 10
#: Characters of a traceback's text; its beginning and its end are kept.
MAX_TRACEBACK = 24_000
MAX_CAUSE_TRACEBACK = 6_000
#: Warnings about one project, and characters of each.
MAX_WARNINGS = 100
MAX_WARNING = 500
#: Exceptions shown of a group, and groups within groups.
MAX_GROUP = 5
MAX_GROUP_DEPTH = 3
#: Notes shown of an exception.
MAX_NOTES = 10
#: Characters of an exception's message, and of one source line.
MAX_MESSAGE = 8_000
MAX_SOURCE_LINE = 400
#: Bytes of a source file that are read to show its lines.
MAX_SOURCE_FILE = 4 * MIB
