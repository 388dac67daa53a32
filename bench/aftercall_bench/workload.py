"""The conversation that all are given, and the projects that hold the end function."""

from __future__ import annotations

import json
import random
from dataclasses import dataclass
from pathlib import Path

#: The file that everyone runs.
FUNCTION = Path(__file__).resolve().parents[1] / "project" / "functions" / "end_function.py"
#: What stands for the id where a conversation is sent many times.
ID = "@ID@"
TURNS = 20
#: The size of the document; its turns are filled up to it.
DOCUMENT_BYTES = 6_100

_WORDS = str.split(
    "the delivery was late again and I would like to know when somebody can look at it because we have waited since "
    "Monday for the second parcel which your colleague said had left the warehouse on Friday afternoon"
)


def conversation(pause_s: float = 0, crm: str = "") -> str:
    """One line of JSON of 6.1 KB: twenty turns, a dozen keys of state.

    `pause_s`: the function waits that long. `crm`: the back end's address, for functions that have one.
    """
    chance = random.Random(4711)
    state: dict[str, object] = {
        "name": "Ana Lopez", "customer_id": "C-104233", "topic": "late delivery", "sentiment": "annoyed",
        "resolved": False, "language": "en-GB", "city": "Leeds", "plan": "business", "callback": True, "priority": 2,
        "agent": "orders-3", "pause_s": pause_s,
    }  # fmt: skip
    if crm:
        state["crm"] = crm
    turns = []
    for number in range(TURNS):
        words = " ".join(chance.choice(_WORDS) for _ in range(34))
        opening = f"It is order {10_400 + number}, " if number % 3 == 0 else ""
        turns.append({"role": "user" if number % 2 else "agent", "text": f"{opening}{words}"})
    document: dict[str, object] = {
        "id": ID, "channel": "voice", "direction": "inbound", "started_at": "2026-02-13T09:00:00Z",
        "ended_at": "2026-02-13T09:04:10Z", "caller_number": "+15550101001", "callee_number": "+15550100000",
        "language": "en-GB", "state": state, "metrics": [{"name": "INTENT", "value": "delivery"}], "turns": turns,
    }  # fmt: skip
    while (over := len(json.dumps(document)) - DOCUMENT_BYTES) > 0:
        longest = max(turns, key=lambda turn: len(turn["text"]))
        longest["text"] = longest["text"][: -min(over, 8)]
    turns[-1]["text"] += "." * -over
    return json.dumps(document)


@dataclass(frozen=True)
class Case:
    """What is put before the end function in its file, and so decides how it may be forked."""

    name: str
    before: str = ""
    after: str = ""

    def write(self, folder: Path) -> Path:
        """A project of it below `folder`."""
        project = folder / self.name
        target = project / "functions" / "end_function.py"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(self.before + FUNCTION.read_text() + self.after)
        return project


_EXTENSION = """import importlib.machinery
import sys
import types

# Stands for an extension module that nobody knows: the server then forks by `os.fork`, with Python's handlers.
_unknown = types.ModuleType("unknown_extension")
_unknown.__loader__ = importlib.machinery.ExtensionFileLoader("unknown_extension", "/nowhere/unknown_extension.so")
sys.modules["unknown_extension"] = _unknown
"""

#: One read and two writes over HTTPS, as user code makes them.
_WRITING = """

read_conversation = end_function


def end_function(conv):
    read_conversation(conv)
    crm = conv.state["crm"]
    found = requests.get(f"{crm}/customers/{conv.state['customer_id']}", timeout=30)
    found.raise_for_status()
    report = {**conv.state["report"], "owner": found.json()["owner"]}
    requests.post(f"{crm}/notes", json=report, timeout=30).raise_for_status()
    ticket = {"topic": report["topic"], "orders": report["orders"]}
    requests.post(f"{crm}/tickets", json=ticket, timeout=30).raise_for_status()
"""
#: How many writes the first attempt of `REPLAYED` makes, which fails; the second is given back their answers.
REPLAYED_EFFECTS = 200
_REPLAYED = f"""

def end_function(conv):
    for number in range({REPLAYED_EFFECTS}):
        requests.post(f"{{conv.state['crm']}}/notes", json={{"number": number}}, timeout=30).raise_for_status()
    if conv.run.attempt == 1:
        raise RuntimeError("the first attempt fails")
"""
_HANGING_HOST = """

def end_function(conv):
    requests.get(f"{conv.state['crm']}/hang", timeout=300)
"""

LEAN = Case("lean")
REQUESTS = Case("requests", "import requests\n")
WRITING = Case("https", "import requests\n", _WRITING)
REPLAYED = Case("replayed", "import requests\n", _REPLAYED)
#: Waits for a host that accepts connections and never answers.
WAITING = Case("waiting", "import requests\n", _HANGING_HOST)
#: Forked by `os.fork`.
EXTENSION = Case("extension", _EXTENSION)
#: Imported in each child.
THREAD = Case("thread", "import threading\n\nthreading.Thread(target=threading.Event().wait, daemon=True).start()\n")
#: A forked child hangs, so every run has an interpreter of its own.
HANGING = Case("hanging", _EXTENSION + "import os\nimport time as _time\n\n"
               "os.register_at_fork(after_in_child=lambda: _time.sleep(3600))\n")  # fmt: skip
