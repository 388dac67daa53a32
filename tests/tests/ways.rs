//! Whichever way an attempt gets its process, it runs, is ended at its deadline, and leaves the same record.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde_json::{Value, json};
use system_tests::{Place, Project, Server, add_extension, conversation};

/// What an attempt of [`FUNCTION`] that returns has resident at least, KiB.
const TOUCHED_KIB: u64 = 48 * 1024;

/// Leaves what its process has used, as far as it can tell itself.
const FUNCTION: &str = r#"
import os
import resource
import time

IMPORTED_IN = os.getcwd()


def end_function(conv):
    print("printed")
    conv.log.info("logged", way=conv.state.way)
    if conv.state.way == "raises":
        return {}["caller"]
    if conv.state.way == "hangs":
        time.sleep(3600)
    touched = b"x" * (48 << 20)
    ends = time.process_time() + 0.3
    while time.process_time() < ends:
        pass
    usage = resource.getrusage(resource.RUSAGE_SELF)
    conv.state.imported_in_its_folder = IMPORTED_IN == os.getcwd()
    conv.state.used = {
        "cpu_us": int((usage.ru_utime + usage.ru_stime) * 1_000_000),
        "max_rss_kib": usage.ru_maxrss,
        "minor_faults": usage.ru_minflt,
        "touched": len(touched),
    }
"#;

const THREAD: &str = "import threading\nimport time\n\nthreading.Thread(target=time.sleep, args=(3600,), daemon=True).start()\n";

#[test]
fn a_forked_attempt_is_recorded_whole() {
    is_recorded_whole("_fork", || Project::of(FUNCTION));
}

#[test]
fn an_attempt_of_a_project_that_starts_a_thread_at_its_import_is_recorded_whole() {
    is_recorded_whole("late_import", || Project::of(&format!("{THREAD}{FUNCTION}")));
}

#[test]
fn an_attempt_of_a_project_whose_c_extension_starts_a_thread_is_recorded_whole() {
    is_recorded_whole("late_import", || native("-DTHREAD"));
}

#[test]
fn an_attempt_of_a_project_that_hangs_at_a_fork_runs_cold_and_is_recorded_whole() {
    is_recorded_whole("cold", || native("-DHANGS"));
}

fn native(flag: &str) -> Project {
    let project = Project::of(&format!("from functions import native\n{FUNCTION}"));
    add_extension(&project, &[flag]);
    project
}

fn is_recorded_whole(way: &str, project: impl Fn() -> Project) {
    let place = Place::new();
    let server = place.server().set("attempts", 1).start();
    let deployment = server.deploy(project().path(), "ways");
    assert_eq!(deployment["fork_way"], way, "{deployment:#}");
    // Only what is meant to run into a deadline gets a short one: the machine may be busy.
    let short = project();
    short.write("project.yaml", b"aftercall:\n  deadline_s: 5\n");
    server.deploy(short.path(), "short");

    returned(&server, way);
    raised(&server);
    hung(&server);
    assert_eq!(server.get("/v1/status")["runner"]["running"], 0);
}

/// The run of one conversation, with its one attempt.
fn attempt(server: &Server<'_>, project: &str, what: &str) -> (Value, Value) {
    let run = server.send_all(project, &[conversation(what, &json!({"way": what}))]);
    let detail = server.finished(&run[0]);
    let attempts = detail["attempts"].as_array().unwrap();
    assert_eq!(attempts.len(), 1, "{detail:#}");
    let attempt = attempts[0].clone();
    let logs = attempt["logs"].as_array().unwrap().iter();
    let said: Vec<_> = logs
        .map(|entry| json!([entry["logger"], entry["content"]]))
        .collect();
    let expected = [
        json!(["print", "printed"]),
        json!(["conversation_logger", "logged"]),
    ];
    assert_eq!(said[..2], expected, "{attempt:#}");
    let confinement = attempt["confinement"].as_str().unwrap();
    assert!(confinement.ends_with("trial escapes refused"), "{confinement}");
    for used in ["max_rss_kib", "minor_faults"] {
        assert!(attempt["usage"][used].as_u64().unwrap() > 0, "{attempt:#}");
    }
    assert!(cpu_us(&attempt["usage"]) > 0, "{attempt:#}");
    (detail, attempt)
}

fn cpu_us(usage: &Value) -> u64 {
    usage["user_us"].as_u64().unwrap() + usage["system_us"].as_u64().unwrap()
}

fn returned(server: &Server<'_>, way: &str) {
    let (detail, attempt) = attempt(server, "ways", "returns");
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    let (usage, used) = (&attempt["usage"], &detail["state_after"]["used"]);
    println!("{way}: {usage}, and by its own account {used}");
    assert!(
        cpu_us(usage) >= used["cpu_us"].as_u64().unwrap(),
        "{usage} {used}"
    );
    for name in ["max_rss_kib", "minor_faults"] {
        assert!(usage[name].as_u64() >= used[name].as_u64(), "{usage} {used}");
    }
    assert!(usage["max_rss_kib"].as_u64().unwrap() >= TOUCHED_KIB, "{usage}");
    // With threads, or where nothing is forked, no line of the project's runs before the process is confined as a child is.
    let imports_confined = way != "_fork";
    assert_eq!(
        detail["state_after"]["imported_in_its_folder"], imports_confined,
        "{detail:#}"
    );
}

fn raised(server: &Server<'_>) {
    let (detail, attempt) = attempt(server, "ways", "raises");
    assert_eq!(detail["run"]["status"], "failed", "{detail:#}");
    assert_eq!(attempt["code"], "AC0301", "{attempt:#}");
    shows(&attempt, "return {}[\"caller\"]");
    assert!(
        attempt["error"]["traceback"]
            .as_str()
            .unwrap()
            .contains("KeyError: 'caller'"),
        "{attempt:#}"
    );
}

fn hung(server: &Server<'_>) {
    let (_, attempt) = attempt(server, "short", "hangs");
    assert_eq!(attempt["code"], "AC0302", "{attempt:#}");
    assert!(
        attempt["message"].as_str().unwrap().contains("after 5 s"),
        "{attempt:#}"
    );
    shows(&attempt, "time.sleep(3600)");
}

/// Its traceback has the user's own line, with source.
fn shows(attempt: &Value, line: &str) {
    let traceback = attempt["error"]["traceback"].as_str().unwrap_or_default();
    let at = traceback.find("File \"functions/end_function.py\", line ");
    assert!(at.is_some_and(|at| traceback[at..].contains(line)), "{attempt:#}");
}
