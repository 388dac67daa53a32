//! What `aftercall bridge` prints, run as a platform runs it: by one Aftercall, which hands its conversation over to another.
#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};
use system_tests::{Answer, Place, Project, Server, Target, run, test_python};

/// Classes of the agent's own, which a platform keeps in state.
const MODELS: &str = r#"
import dataclasses
import datetime as dt
import decimal
import enum
import uuid
from zoneinfo import ZoneInfo

import pydantic
from _gen import Address, Variant

MADRID = ZoneInfo("Europe/Madrid")


class Mood(enum.Enum):
    GOOD = "good"


@dataclasses.dataclass
class Order:
    size: int
    at: dt.datetime
    total: decimal.Decimal


class Guest(pydantic.BaseModel):
    name: str
    mood: Mood = Mood.GOOD


def of_the_call():
    """What `STATE` of the test stands for."""
    return {
        "plain": ["é 饭店", None, True, 1.5, -3, {"a": [1]}, {}],
        "numbers": [2**53 + 1, -(2**70), float("inf")],
        "moments": [
            dt.datetime(2026, 10, 25, 2, 30, tzinfo=MADRID, fold=1),
            dt.datetime(2026, 1, 5, 10),
            dt.datetime(2026, 1, 5, 10, tzinfo=dt.timezone(dt.timedelta(hours=1))),
            dt.time(10, 30),
            dt.date(2026, 1, 5),
            dt.timedelta(days=-1, seconds=5, microseconds=7),
            MADRID,
        ],
        "exact": decimal.Decimal("1.10"),
        "raw": b"\0\xff",
        "several": [(1, (2,)), {1, 2, 3}, frozenset({"a", "b"}), {"x": {1: "one", (2, 3): "two"}}, {"$type": "mine"}],
        "id": uuid.UUID(int=7),
        "orders": {"first": Order(4, dt.datetime(2026, 1, 5, 20, tzinfo=MADRID), decimal.Decimal("80.00"))},
        "guest": Guest(name="Ada"),
        "mood": Mood.GOOD,
        "address": Address(street_number="1", street_name="Main", city="York", state="", postcode="", country="GB"),
        "variant": Variant({"phone": "1"}),
    }
"#;

/// The platform's vault, which Aftercall has none of yet: a package's `__init__` runs before the module that is printed.
fn vault(secret: &str, key: &str) -> String {
    format!(
        "from _gen import Utils\n\nKEYS = {{{secret:?}: {key:?}}}\nUtils.get_secret = lambda self, secret_name: KEYS[secret_name]\n"
    )
}

/// Tells what `conv` shows. Where state is not what it stands for, value by value and type by type, the run fails.
const WITNESS: &str = r#"
import dataclasses

from functions.models import of_the_call

SHOWN = ("id", "account_id", "project_id", "env", "channel_type", "caller_number", "callee_number", "sip_headers",
         "integration_attributes", "language", "variant_name", "current_flow", "current_step", "transcript_alternatives")


def end_function(conv):
    expected = of_the_call()
    assert list(conv.state) == list(expected), list(conv.state)
    for name, value in expected.items():
        assert conv.state[name] == value and typed(conv.state[name]) == typed(value), (name, conv.state[name])
    fold = conv.state.moments[0]
    assert fold.fold == 1 and fold.tzinfo.key == "Europe/Madrid"
    conv.state.seen = {
        **{name: getattr(conv, name) for name in SHOWN},
        "history": [repr(turn) for turn in conv.history],
        "metrics": [[event.name, event.value, type(event.value).__name__] for event in conv.metric_events],
        "sender": conv.state.from_,
        "entities": {name: vars(entity) for name, entity in conv.entities.items()},
        "memory": {name: conv.memory[name] for name in conv.memory.fields()},
        "real_time_config": dict(conv.real_time_config),
        "variant": dict(conv.variant),
    }
    conv.log.info("seen", platform=conv.platform)
    conv.write_metric("TURNS", len(conv.history))


def typed(value):
    """The types within a value, which `==` is not told of: True is 1."""
    if dataclasses.is_dataclass(value):
        value_within = vars(value)
    elif hasattr(value, "model_dump"):
        value_within = vars(value)
    else:
        value_within = value
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    if isinstance(value_within, dict):
        return kind, [(typed(key), typed(item)) for key, item in value_within.items()]
    if isinstance(value_within, (list, tuple)):
        return kind, [typed(item) for item in value_within]
    if isinstance(value_within, (set, frozenset)):
        return kind, sorted(map(repr, map(typed, value_within)))
    return kind, repr(value)
"#;

/// State as it comes in, written by hand as docs/conversation.md tells it.
fn state() -> Value {
    let tagged = |kind: &str, value: &str| json!({"$type": kind, "value": value});
    json!({
        "plain": ["é 饭店", null, true, 1.5, -3, {"a": [1]}, {}],
        "numbers": [
            tagged("int", "9007199254740993"), tagged("int", "-1180591620717411303424"), tagged("float", "inf"),
        ],
        "moments": [
            {"$type": "datetime", "value": "2026-10-25T02:30:00+01:00", "fold": 1, "zone": "Europe/Madrid"},
            tagged("datetime", "2026-01-05T10:00:00"),
            tagged("datetime", "2026-01-05T10:00:00+01:00"),
            tagged("time", "10:30:00"),
            tagged("date", "2026-01-05"),
            {"$type": "timedelta", "days": -1, "seconds": 5, "microseconds": 7},
            tagged("zoneinfo", "Europe/Madrid"),
        ],
        "exact": tagged("decimal", "1.10"),
        "raw": tagged("bytes", "AP8="),
        "several": [
            {"$type": "tuple", "items": [1, {"$type": "tuple", "items": [2]}]},
            {"$type": "set", "items": [1, 2, 3]},
            {"$type": "frozenset", "items": ["a", "b"]},
            {"x": {"$type": "dict", "items": [[1, "one"], [{"$type": "tuple", "items": [2, 3]}, "two"]]}},
            {"$type": "dict", "items": [["$type", "mine"]]},
        ],
        "id": {"$type": "object", "class": "uuid.UUID", "fields": {"hex": "00000000000000000000000000000007"}},
        "orders": {"first": {"$type": "object", "class": "functions.models.Order", "fields": {
            "size": 4,
            "at": {"$type": "datetime", "value": "2026-01-05T20:00:00+01:00", "zone": "Europe/Madrid"},
            "total": tagged("decimal", "80.00"),
        }}},
        "guest": {"$type": "object", "class": "functions.models.Guest", "fields": {
            "name": "Ada",
            "mood": {"$type": "enum", "class": "functions.models.Mood", "name": "GOOD"},
            "__pydantic_fields_set__": {"$type": "set", "items": ["name"]},
        }},
        "mood": {"$type": "enum", "class": "functions.models.Mood", "name": "GOOD"},
        "address": {"$type": "object", "class": "_gen.Address", "fields": {
            "street_number": "1", "street_name": "Main", "city": "York", "state": "", "postcode": "", "country": "GB",
        }},
        "variant": {"$type": "object", "class": "_gen.Variant", "fields": {"phone": "1"}},
    })
}

/// A call as the platform keeps it, of everything that `conv` has there and a bridge hands over.
fn call(id: &str) -> Value {
    json!({
        "id": id,
        "environment": "live",
        "account_id": "acme",
        "project_id": "front-desk",
        "channel": "sms",
        "caller_number": "+15550101001",
        "callee_number": "+15550100000",
        "sip_headers": {"X-Reason": "räum"},
        "integration_attributes": {"crm": {"vip": true, "score": 1.5}},
        "language": "es-ES",
        "current_flow": "booking",
        "current_step": "confirm",
        "variant": "leeds",
        "variants": {"leeds": {"phone": "1"}},
        "entities": {
            "guests": {"id": "E-1", "valid": true, "value": "4", "type": "numeric"},
            "day": {"id": "E-2", "valid": false, "value": "some day", "type": "date", "error": "no date"},
        },
        "memory": {"REPEAT_CALLER_CONV_ID": "CA-16", "seats": [1, {"by": "window"}]},
        "real_time_config": {"opening": {"monday": null}, "limit": 3},
        "transcript_alternatives": ["boot", "book"],
        "turns": [
            {"role": "agent", "text": "¿Qué tal? 😀"},
            {"role": "user", "text": ""},
            {"role": "user", "text": "line one\nline \"two\""},
        ],
        "metrics": [
            {"name": "INTENT", "value": "book"},
            {"name": "AGAIN", "value": null},
            {"name": "AGAIN", "value": true},
            {"name": "SCORE", "value": 0.25},
            {"name": "COUNT", "value": 3},
        ],
        "state": state(),
    })
}

/// Both ends may reach this machine and have `requests` and `pydantic`.
fn start(place: &Place) -> Server<'_> {
    let setup = place.server().set("python", test_python().display());
    setup
        .set("gateway.allow", "127.0.0.0/8")
        .set("backoff.base_s", 0)
        .start()
}

/// Deploys a project to the environment that calls come from.
#[track_caller]
fn put_live(server: &Server<'_>, name: &str, files: &[(&str, &str)]) {
    let project = Project::files(files);
    let deployed = server.deploy(project.path(), name);
    let version = deployed["id"].as_str().unwrap();
    let promote = [
        "deployments",
        "promote",
        version,
        "--to",
        "live",
        "--project",
        name,
    ];
    server.cli(&promote).expect(0);
}

/// A key with which a platform hands conversations in.
fn key(server: &Server<'_>) -> String {
    let made = server
        .cli(&["keys", "create", "polyai", "--env", "live", "--json"])
        .expect(0);
    made.json()["secret"].as_str().unwrap().to_owned()
}

/// The printed program, for this server's address.
fn printed(to: &Server<'_>, project: &str, secret: &str) -> String {
    let Target::Tcp(address) = to.address() else {
        panic!("it listens on an address");
    };
    let url = format!("http://{address}");
    let printed = run(["bridge", "--url", &url, "--project", project, "--secret", secret]);
    printed.expect(0).out
}

fn accepted(answer: Answer) -> String {
    answer.expect(202).json()["run_id"].as_str().unwrap().to_owned()
}

#[test]
fn a_conversation_is_the_same_on_the_other_side_of_a_bridge() {
    let (near, far) = (Place::new(), Place::new());
    let (platform, ours) = (start(&near), start(&far));
    let witness = [
        ("functions/end_function.py", WITNESS),
        ("functions/models.py", MODELS),
    ];
    put_live(&ours, "front-desk", &witness);
    // What the platform itself shows a function of the same call.
    put_live(&platform, "witness", &witness);
    let (program, vault) = (
        printed(&ours, "front-desk", "our_key"),
        vault("our_key", &key(&ours)),
    );
    let bridge = [
        ("functions/end_function.py", &*program),
        ("functions/__init__.py", &vault),
        ("functions/models.py", MODELS),
    ];
    put_live(&platform, "bridge", &bridge);

    let here = platform.finished(&accepted(platform.send("witness", &call("CA-17"))));
    let run = accepted(platform.send("bridge", &call("CA-17")));
    let bridged = platform.finished(&run);
    assert_eq!(here["run"]["status"], "succeeded", "{here:#}");
    assert_eq!(bridged["run"]["status"], "succeeded", "{bridged:#}");

    let there = ours.get("/v1/conversations/CA-17?project=front-desk&environment=live");
    assert_eq!(there["runs"].as_array().unwrap().len(), 1, "{there:#}");
    let ran = ours.finished(there["runs"][0]["run_id"].as_str().unwrap());
    assert_eq!(ran["run"]["status"], "succeeded", "{ran:#}");
    assert_eq!(
        ran["state_after"], here["state_after"],
        "what `conv` shows there is what it shows here"
    );
    let document = &there["document"];
    for name in [
        "turns",
        "metrics",
        "state",
        "sip_headers",
        "integration_attributes",
        "channel",
    ] {
        assert_eq!(document[name], call("CA-17")[name], "{name}");
    }
    assert_eq!(document["platform"], "polyai");

    // Handed over once more, on purpose: that is the same run.
    platform.cli(&["runs", "retry", &run, "--again"]).expect(0);
    let again = platform.finished(&run);
    assert_eq!(again["run"]["status"], "succeeded", "{again:#}");
    assert_eq!(again["attempts"].as_array().unwrap().len(), 2, "{again:#}");
    assert_eq!(ours.runs("").len(), 1);
}
