//! Whatever a project does when it is imported, it runs or is refused with the reason, and is told how it forks.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde_json::{Value, json};
use system_tests::{Place, Project, Server, add_extension, conversation, now, test_python};

const ENDS: &str = "\n\ndef end_function(conv):\n    conv.state.ended = True\n";

/// Deploys, runs one conversation, and gives the deployment.
#[track_caller]
fn runs(server: &Server<'_>, project: &Project, name: &str) -> Value {
    let deployment = server.deploy(project.path(), name);
    let run = server.send_all(name, &[conversation(name, &json!({}))]).remove(0);
    let detail = server.finished(&run);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    let status = server.get("/v1/status");
    let zygotes = status["runner"]["zygotes"].as_array().unwrap();
    let zygote = zygotes
        .iter()
        .find(|zygote| zygote["deployment"] == deployment["id"])
        .unwrap();
    assert_eq!(
        zygote["fork_way"], deployment["fork_way"],
        "status and deploy agree"
    );
    println!(
        "{name}: {} ({})",
        deployment["fork_way"], deployment["fork_reason"]
    );
    deployment
}

#[test]
fn the_way_to_fork_follows_from_what_the_imports_leave_behind() {
    let place = Place::new();
    let server = place.server().start();

    let plain = runs(&server, &Project::of(ENDS), "plain");
    assert_eq!(plain["fork_way"], "_fork");

    let thread = "import threading\nimport time\n\nthreading.Thread(target=time.sleep, args=(3600,), name='poller', daemon=True).start()\n";
    let thread = runs(&server, &Project::of(&format!("{thread}{ENDS}")), "thread");
    assert_eq!(thread["fork_way"], "late_import");
    let reason = "its imports leave a thread behind (poller)";
    assert_eq!(thread["fork_reason"], reason);

    let told = server.cli(&["status"]).expect(0).out;
    assert!(told.contains("late_import") && told.contains("_fork"), "{told}");
}

/// Uses the native parts of libraries that many projects import, and leaves what they answered.
const LIBRARIES: &str = r##"
import jsonschema
import pydantic
import requests


class Call(pydantic.BaseModel):
    turns: int
    tags: list[str]


def end_function(conv):
    call = Call.model_validate_json('{"turns": 3, "tags": ["billing"]}')
    schema = {"$defs": {"n": {"type": "integer"}}, "properties": {"turns": {"$ref": "#/$defs/n"}}}
    jsonschema.Draft202012Validator(schema).validate(call.model_dump())
    response = requests.Response()
    response._content = "Größe überall, naïve café".encode() * 10
    conv.state.answers = [call.turns, response.apparent_encoding]
"##;

#[test]
fn libraries_whose_native_parts_are_known_are_forked_the_fast_way() {
    let place = Place::new();
    let server = place.server().set("python", test_python().display()).start();
    let project = Project::of(LIBRARIES);
    let deployment = server.deploy(project.path(), "libraries");
    assert_eq!(deployment["fork_way"], "_fork", "{deployment:#}");
    let conversations: Vec<_> = (0..20)
        .map(|number| conversation(&format!("libraries-{number}"), &json!({})))
        .collect();
    for run in server.send_all("libraries", &conversations) {
        let detail = server.finished(&run);
        assert_eq!(
            detail["state_after"]["answers"],
            json!([3, "utf-8"]),
            "{detail:#}"
        );
    }
}

fn with_extension(flags: &[&str]) -> Project {
    let project = Project::of(&format!(
        "from functions import native\n\n\n{}",
        ENDS.replace("True", "native.answer()")
    ));
    add_extension(&project, flags);
    project
}

#[test]
fn a_c_extension_is_forked_with_its_handlers_and_one_that_starts_a_thread_is_imported_in_the_child() {
    let place = Place::new();
    let server = place.server().start();

    let plain = runs(&server, &with_extension(&[]), "extension");
    assert_eq!(plain["fork_way"], "fork");
    assert!(
        plain["fork_reason"].as_str().unwrap().contains("native"),
        "{}",
        plain["fork_reason"]
    );

    let thread = runs(&server, &with_extension(&["-DTHREAD"]), "native-thread");
    assert_eq!(thread["fork_way"], "late_import");
    assert!(
        thread["fork_reason"].as_str().unwrap().contains("native"),
        "{}",
        thread["fork_reason"]
    );
}

/// Deploys what must be refused, and gives the problem.
#[track_caller]
fn refused(server: &Server<'_>, project: &Project, code: &str) -> Value {
    let folder = project.path().display().to_string();
    let ended = server
        .cli(&["deploy", &folder, "--project", "refused", "--json"])
        .expect(1);
    let told: Value = serde_json::from_str(&ended.err).unwrap_or_else(|_| panic!("{ended:#?}"));
    let problem = told["error"].clone();
    assert_eq!(problem["code"], code, "{problem:#}");
    assert!(
        problem["fix"].as_str().is_some_and(|fix| !fix.is_empty()),
        "{problem:#}"
    );
    problem
}

#[test]
fn what_cannot_be_imported_is_refused_with_the_reason_and_the_place_and_the_server_goes_on() {
    let place = Place::new();
    let server = place
        .server()
        .set("import_timeout_s", 3)
        .set("python", test_python().display())
        .start();

    let began = now();
    let hangs = Project::of(&format!("import time\n\ntime.sleep(3600)\n{ENDS}"));
    let problem = refused(&server, &hangs, "AC0207");
    assert_eq!(problem["place"], "functions/end_function.py:3", "{problem:#}");
    assert!(!problem.to_string().contains("importlib"), "{problem:#}");
    println!(
        "a project whose import hangs was refused after {:?}",
        began.elapsed()
    );

    for (line, says, place) in [
        ("os.kill(os.getpid(), 9)", "was killed by SIGKILL", Value::Null),
        ("os._exit(3)", "exited with status 3", Value::Null),
        ("os.close(3)", "closed file descriptor 3", Value::Null),
        (
            "os.abort()",
            "was killed by SIGABRT",
            json!("functions/end_function.py:3"),
        ),
    ] {
        let ends = Project::of(&format!("import os\n\n{line}\n{ENDS}"));
        let problem = refused(&server, &ends, "AC0203");
        assert!(problem["message"].as_str().unwrap().contains(says), "{problem:#}");
        assert_eq!(problem["place"], place, "{problem:#}");
    }

    for (module, line) in [
        ("requests", "requests.get('http://127.0.0.1:9/')"),
        ("urllib.request", "urllib.request.urlopen('http://127.0.0.1:9/')"),
    ] {
        let asks = Project::files(&[
            (
                "functions/end_function.py",
                &format!("from .rates import RATES\n{ENDS}"),
            ),
            (
                "functions/rates.py",
                &format!("import {module}\n\n\nRATES = {line}\n"),
            ),
        ]);
        let problem = refused(&server, &asks, "AC0205");
        assert_eq!(problem["place"], "functions/rates.py:4", "{module}: {problem:#}");
    }

    let broken = Project::of("def end_function(conv):\n    return (\n");
    assert_eq!(
        refused(&server, &broken, "AC0204")["place"],
        "functions/end_function.py:2"
    );
    let raises = Project::of(&format!("LIMIT = int('many')\n{ENDS}"));
    let problem = refused(&server, &raises, "AC0203");
    assert_eq!(problem["place"], "functions/end_function.py:1", "{problem:#}");
    let nameless = Project::of("def end(conv):\n    pass\n");
    let problem = refused(&server, &nameless, "AC0202");
    assert_eq!(
        problem["message"], "There is no function end_function.",
        "{problem:#}"
    );

    // After all that, what can be imported still is: the packages that functions count on.
    let packages = Project::of(&format!("import requests, pydantic, jsonschema, urllib3\n{ENDS}"));
    runs(&server, &packages, "packages");
}

/// A project as the vendor's tools write it.
const VENDOR: &[(&str, &str)] = &[
    (
        "project.yaml",
        "region: us-1\naccount_id: account-7\nproject_id: project-9\n",
    ),
    // The vendor's stubs need a newer Python and have no behaviour: ours must win.
    ("_gen/__init__.py", "type Broken = never[\n"),
    (
        "_gen/conversation.py",
        "raise RuntimeError('the stub was imported')\n",
    ),
    ("imports.py", "raise RuntimeError('the wrong imports')\n"),
    ("functions/__init__.py", ""),
    (
        "functions/end_function.py",
        "from _gen import *  # <AUTO GENERATED>\nfrom _gen.conversation import Conversation as Again\nimport plog\nfrom polyai.history import UserInput\n\
             from .helper import relative\nfrom functions.helper import absolute\n\n\n\
             @func_description('Ends it.')\ndef end_function(conv: Conversation):\n    assert Again is Conversation and isinstance(conv, Conversation)\n    \
             plog.info('by plog', is_pii=True, count=1)\n    log.info('by log')\n    \
             conv.state.parts = [relative(), absolute(), conv.functions.named(2), conv.functions.bare(), conv.functions.old(), [type(t) is UserInput for t in conv.history]]\n",
    ),
    (
        "functions/helper.py",
        "def relative():\n    return 'relative'\n\n\ndef absolute():\n    return 'absolute'\n",
    ),
    (
        "functions/named.py",
        "from _gen import *\nfrom flows.refund.functions.amount import amount\nfrom functions.refund.amount import amount as same\n\n\ndef named(conv: Conversation, times: int):\n    assert amount is same\n    return amount() * times\n",
    ),
    (
        "functions/bare.py",
        "def bare(conv: Conversation):\n    log.warning('nothing imported')\n    return conv.channel_type\n",
    ),
    (
        "functions/old.py",
        "from imports import *\n\n\ndef old(conv: Conversation):\n    return MetricEvent('name', 1).name\n",
    ),
    (
        "flows/refund/functions/amount.py",
        "def amount():\n    return 21\n",
    ),
];

#[test]
fn a_project_laid_out_as_the_vendor_does_and_a_single_file_both_run_unchanged() {
    let place = Place::new();
    let server = place.server().start();
    let project = Project::files(VENDOR);
    server.deploy(project.path(), "vendor");
    let run = server
        .send_all("vendor", &[conversation("vendor", &json!({}))])
        .remove(0);
    let detail = server.finished(&run);
    let parts = json!(["relative", "absolute", 42, "sip.polyai", "name", [false, true]]);
    assert_eq!(detail["state_after"]["parts"], parts, "{detail:#}");
    let logs = detail["attempts"][0]["logs"].as_array().unwrap();
    let said: Vec<_> = logs
        .iter()
        .map(|entry| json!([entry["logger"], entry["content"], entry["is_pii"]]))
        .collect();
    let expected = [
        json!(["plog", "by plog", true]),
        json!(["conversation_logger", "by log", false]),
        json!(["conversation_logger", "nothing imported", false]),
    ];
    assert_eq!(said, expected);

    let alone = Project::files(&[(
        "end_function.py",
        "def helper(conv):\n    return conv.id\n\n\ndef end_function(conv: Conversation):\n    conv.state.same = conv.functions.helper()\n",
    )]);
    let path = alone.file("end_function.py");
    server.deploy(&path, "alone");
    let run = server
        .send_all("alone", &[conversation("alone", &json!({}))])
        .remove(0);
    let detail = server.finished(&run);
    assert_eq!(detail["state_after"]["same"], "alone", "{detail:#}");
}
