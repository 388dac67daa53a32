from _gen import *  # <AUTO GENERATED>

import base64
import datetime
import decimal
import enum
import json
import uuid
import zoneinfo

import requests
from requests.adapters import HTTPAdapter, Retry

# Made by `aftercall bridge`: hands each finished conversation over to Aftercall, where its end function runs.
URL = "@URL@"
KEY = "@SECRET@"  # the name of the secret that holds the API key: `aftercall keys create polyai --env live`

AS_THEY_ARE = ("id", "account_id", "project_id", "caller_number", "callee_number", "sip_headers", "language",
               "current_flow", "current_step", "integration_attributes", "transcript_alternatives")  # fmt: skip
OF_AN_ENTITY = ("id", "valid", "value", "type", "error")
# The same conversation under the same id is one run: sending it again is safe.
RETRY = Retry(4, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), allowed_methods=None)
JSON = {"Content-Type": "application/json"}
CHANNELS = {"sip.polyai": "voice", "webchat.polyai": "chat", "sms.twilio": "sms"}


def end_function(conv: Conversation):
    document = {name: getattr(conv, name, None) for name in AS_THEY_ARE}
    document.update(known(conv), platform="polyai", variant=conv.variant_name, channel=CHANNELS.get(conv.channel_type, conv.channel_type))
    document["environment"] = conv.env if conv.env in ("pre-release", "live") else "sandbox"
    document["turns"] = [{"role": turn.role, "text": turn.text} for turn in conv.history]
    document["metrics"] = [{"name": event.name, "value": event.value} for event in conv.metric_events]
    document["state"] = {str(name): on_the_wire(value) for name, value in conv.state.items()}
    with requests.Session() as session:
        session.mount(URL, HTTPAdapter(max_retries=RETRY))
        session.headers["Authorization"] = f"Bearer {conv.utils.get_secret(KEY)}"
        session.post(URL, data=json.dumps(document, default=str), headers=JSON, timeout=30).raise_for_status()


def known(conv):
    """What the call collected, what was known before it, and what its variant says, as far as the platform has it."""
    entities, memory, variant = (getattr(conv, name, None) for name in ("entities", "memory", "variant"))
    return {
        "entities": {str(name): {key: plain(getattr(entity, key, None)) for key in OF_AN_ENTITY}
                     for name, entity in dict(entities or {}).items() if entity is not None},
        "memory": {name: memory[name] for name in memory.fields()} if memory else None,
        "real_time_config": dict(getattr(conv, "real_time_config", None) or {}),
        "variants": {conv.variant_name: dict(variant)} if variant and conv.variant_name else None,
    }  # fmt: skip


def plain(value):
    return value.value if isinstance(value, enum.Enum) else value


def on_the_wire(value):
    """A value of conv.state as JSON; what JSON lacks is tagged with its type, so that it arrives as what it is."""
    kind = type(value)
    if value is None or kind in (bool, str) or (kind is int and abs(value) <= 2**53):
        return value
    if kind is float:
        return value if value - value == 0 else {"$type": "float", "value": str(value)}
    if isinstance(value, enum.Enum):
        return {"$type": "enum", "class": class_name(kind), "name": value.name}
    for base, tag, write in SCALARS:  # the order matters: a datetime is a date too
        if isinstance(value, base):
            return {"$type": tag, **write(value)}
    if kind in (list, tuple, set, frozenset):
        items = [on_the_wire(item) for item in value]
        if kind in (set, frozenset):
            items.sort(key=lambda item: json.dumps(item, sort_keys=True, separators=(",", ":")))
        return items if kind is list else {"$type": kind.__name__, "items": items}
    if isinstance(value, dict) and class_name(kind).split(".")[0] != "_gen":
        if all(type(key) is str and key != "$type" for key in value):
            return {key: on_the_wire(item) for key, item in value.items()}
        return {"$type": "dict", "items": [[on_the_wire(key), on_the_wire(item)] for key, item in value.items()]}
    return {"$type": "object", "class": class_name(kind), "fields": fields(value)}


def moment(value):
    zone = {"zone": value.tzinfo.key} if isinstance(value.tzinfo, zoneinfo.ZoneInfo) else {}
    return {"value": value.isoformat(), **({"fold": 1} if value.fold else {}), **zone}


SCALARS = (
    (int, "int", lambda value: {"value": str(value)}),
    (bytes, "bytes", lambda value: {"value": base64.b64encode(value).decode()}),
    (decimal.Decimal, "decimal", lambda value: {"value": str(value)}),
    (datetime.datetime, "datetime", moment),
    (datetime.time, "time", moment),
    (datetime.date, "date", lambda value: {"value": value.isoformat()}),
    (datetime.timedelta, "timedelta", lambda v: {"days": v.days, "seconds": v.seconds, "microseconds": v.microseconds}),
    (zoneinfo.ZoneInfo, "zoneinfo", lambda value: {"value": value.key}),
    (uuid.UUID, "object", lambda value: {"class": "uuid.UUID", "fields": {"hex": value.hex}}),
)  # fmt: skip


def class_name(kind):
    """The platform's own classes live in modules of its own; every project knows them as names of `_gen`."""
    is_the_platforms = kind.__module__.split(".")[0] not in ("functions", "flows") and globals().get(kind.__name__) is kind
    return f"_gen.{kind.__name__}" if is_the_platforms else f"{kind.__module__}.{kind.__qualname__}"


def fields(value):
    """The attributes of an object: a dataclass, a model, a plain class. Of anything else, how it looks."""
    found = dict(value) if isinstance(value, dict) else getattr(value, "__dict__", None)
    names = getattr(value, "__slots__", None) if found is None else None
    if isinstance(names, (list, tuple)):
        found = {name: getattr(value, name) for name in names if hasattr(value, name)}
    if found is None:
        return {"repr": repr(value)[:1000]}
    given = getattr(value, "__pydantic_fields_set__", None)
    more = {"__pydantic_fields_set__": given} if given is not None and given != set(found) else {}
    return {str(name): on_the_wire(item) for name, item in {**found, **more}.items()}
