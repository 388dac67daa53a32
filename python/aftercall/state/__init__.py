"""State on the wire: what ``conv.state`` looks like as JSON.

State travels as JSON text in UTF-8. What JSON has needs no mark: null, booleans, strings, finite floats,
integers from -2**53 to 2**53, arrays (a Python list), and objects (a dict whose keys are all strings).
Everything else is an object with the key ``$type``, a *tag*:

=============  =================================================================================
``$type``      other members
=============  =================================================================================
``int``        ``value``: decimal digits with an optional ``-``, at most 4,300 digits; for integers beyond
               2**53 in size. A reader takes plain integers of any size too
``float``      ``value``: ``"nan"``, ``"inf"`` or ``"-inf"``
``str``        ``value``: base64 of the text in UTF-16LE; for text with lone surrogates, which no UTF-8 has. (Two
               surrogates side by side that make a pair come back as the character that they stand for)
``bytes``      ``value``: base64 (``bytearray`` and ``memoryview`` are written so too)
``decimal``    ``value``: ``str(decimal)``
``datetime``   ``value``: ``isoformat()``, with the offset when aware; ``"fold": 1`` only when it is 1;
               ``zone``: the key, when the tzinfo is a ``ZoneInfo``
``date``       ``value``: ``isoformat()``
``time``       ``value``, ``fold``, ``zone`` as for ``datetime``
``timedelta``  ``days``, ``seconds``, ``microseconds``: integers, normalised as Python keeps them
``zoneinfo``   ``value``: the key, such as ``Europe/Madrid``
``tuple``      ``items``: array, in order
``set``        ``items``: array, in the order of the members' own canonical JSON text, each once
``frozenset``  ``items``: as for ``set``
``dict``       ``items``: array of ``[key, value]``, in the dict's order; for a dict with a key that is not a
               string, that has a lone surrogate, or that is ``$type``. (A key that is a ``str`` by a subclass, as
               a member of ``class Field(str, Enum)`` is, equals the plain text and is written as that)
``enum``       ``class``, and ``name``: the member's name (``A|B`` for a combination of flags)
``object``     ``class``, and ``fields``: object from attribute to value
=============  =================================================================================

The root is always a plain object, so that every reader finds its variables: entries whose keys no object can have
stand together under ``$other_keys``, as one ``dict`` tag. (A reader takes a root that is itself a ``dict`` tag, too.)

``class`` is the module and the qualified name: ``functions.orders.Order``, ``_gen.Address``. A reader rebuilds objects
without calling ``__init__`` and only from classes of the project, of ``_gen`` and of a short list of standard ones
(`aftercall.state.standard`); any other class gives a `StandIn`: read-only, attribute access, written again as it was
read. In ``fields``, a pydantic model's private attributes are the keys that begin with ``_``, and the set of the fields
that were given explicitly travels as ``__pydantic_fields_set__`` when it is not the set of all fields.

A tag with other members than these is refused, since it could not be written again. An unknown ``$type`` (or one that
is not a string) is refused. Errors carry the path of the place: a JSON pointer into the wire document.

Limits: containers (list, dict, tuple, set, object) nest at most `MAX_DEPTH` deep, the root being 1; the brackets
inside a tag (``items``, its pairs, ``fields``) do not count. A dict or object has at most `MAX_KEYS` keys. Nothing here
knows of pickle, and nothing ever will: state comes from outside.
"""

from __future__ import annotations

from aftercall.state.decode import decode_state, has_tags
from aftercall.state.encode import encode_state
from aftercall.state.errors import MAX_DEPTH, MAX_INT_DIGITS, MAX_KEYS, StateError
from aftercall.state.standin import StandIn

__all__ = [
    "MAX_DEPTH",
    "MAX_INT_DIGITS",
    "MAX_KEYS",
    "StandIn",
    "StateError",
    "decode_state",
    "encode_state",
    "has_tags",
]
