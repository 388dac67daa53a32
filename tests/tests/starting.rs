//! While a project's process starts: who waits for it, and who need not wait any longer.
#![allow(clippy::unwrap_used)]

use std::time::Duration;

use rustix::process::Signal;
use serde_json::json;
use system_tests::{Place, Process, Project, Server, conversation, now, until, wall_clock};

/// A project whose import is quick while it is deployed and slow later, and `then` does this.
fn slow_later(deployed_for: Duration, slow: Duration, then: &str) -> (Project, jiff::Timestamp) {
    let later = wall_clock() + deployed_for;
    let project = Project::of(&format!(
        "import time\n\nif time.time() > {}:\n    time.sleep({})\n    {then}\n\n\ndef end_function(conv):\n    conv.state.done = True\n",
        later.as_second(),
        slow.as_secs(),
    ));
    (project, later)
}

/// Ends a project's zygote, so that the next attempt needs another; not before that time.
fn end_zygote(server: &Server<'_>, project: &str, from: jiff::Timestamp) {
    until("the import is slow from now on", || {
        (wall_clock() > from + Duration::from_secs(1)).then_some(())
    });
    let status = server.get("/v1/status");
    let zygotes = status["runner"]["zygotes"].as_array().unwrap();
    let zygote = zygotes
        .iter()
        .find(|zygote| zygote["project"] == project)
        .unwrap();
    let process = Process::find(i32::try_from(zygote["pid"].as_i64().unwrap()).unwrap()).unwrap();
    process.signal(Signal::KILL);
    until("the zygote is gone", || (!process.is_alive()).then_some(()));
    // That it is gone is noticed by whoever asks it for a process, a moment later at the latest.
    std::thread::sleep(Duration::from_millis(200));
}

#[test]
fn who_waited_for_a_start_that_failed_does_not_start_it_again() {
    let place = Place::new();
    let server = place.server().set("attempts", 1).set("concurrency", 6).start();
    let slow = Duration::from_secs(3);
    let (broken, later) = slow_later(Duration::from_secs(8), slow, "raise LookupError('broken')");
    server.deploy(broken.path(), "broken");
    end_zygote(&server, "broken", later);
    let began = now();
    let six: Vec<_> = (0..6)
        .map(|number| conversation(&format!("broken-{number}"), &json!({})))
        .collect();
    for run in server.send_all("broken", &six) {
        let detail = server.finished(&run);
        assert_eq!(detail["run"]["status"], "failed", "{detail:#}");
        let told = &detail["attempts"][0]["message"];
        assert_eq!(told, "LookupError: broken", "{detail:#}");
    }
    // Else all but the last would hold a place that others wait for.
    let waited = began.elapsed();
    assert!(waited < 3 * slow, "one start after the other: {waited:?}");
}

#[test]
fn an_attempt_that_waits_for_its_process_is_stopped_at_once_and_costs_its_run_nothing() {
    let place = Place::new();
    let setup = place.server().set("import_timeout_s", 100).set("drain_s", 60);
    let server = setup.start();
    let (project, later) = slow_later(Duration::from_secs(8), Duration::from_secs(90), "pass");
    server.deploy(project.path(), "slow");
    end_zygote(&server, "slow", later);
    let two = ["cancelled", "drained"].map(|id| conversation(id, &json!({})));
    let runs = server.send_all("slow", &two);
    let running = |count: u32| {
        until("so many attempts are under way", || {
            (server.get("/v1/status")["runner"]["running"] == count).then_some(())
        });
    };
    running(2);
    let began = now();
    server.cli(&["runs", "cancel", &runs[0]]).expect(0);
    running(1);
    let detail = server.run(&runs[0]);
    assert_eq!(detail["attempts"][0]["outcome"], "cancelled", "{detail:#}");
    server.terminate();
    let status = server.wait_until_ended();
    assert_eq!(status.code(), Some(0), "{}", server.log_tail());
    let took = began.elapsed();
    assert!(
        took < Duration::from_secs(20),
        "it waited for the import: {took:?}"
    );
    server.wait_until_nothing_is_left();

    let server = setup.start();
    let detail = server.run(&runs[1]);
    assert_eq!(detail["attempts"][0]["outcome"], "interrupted", "{detail:#}");
    assert_eq!(detail["run"]["failures"], 0, "{detail:#}");
}

const FIRST_STAYS: &str = "import time\n\n\ndef end_function(conv):\n    if conv.id == 'stays' and conv.run.attempt == 1:\n        time.sleep(600)\n";

#[test]
fn a_zygote_that_hangs_is_ended_and_that_is_counted_to_no_function() {
    let place = Place::new();
    let server = place.server().set("attempts", 1).start();
    server.deploy(Project::of(FIRST_STAYS).path(), "hangs");
    let send = |id: &str| {
        server
            .send_all("hangs", &[conversation(id, &json!({}))])
            .remove(0)
    };
    let zygote = || server.get("/v1/status")["runner"]["zygotes"][0].clone();
    let stays = send("stays");
    let old = until("a child is there", || {
        Some(zygote()).filter(|zygote| zygote["children"] == 1)
    });
    let process = Process::find(i32::try_from(old["pid"].as_i64().unwrap()).unwrap()).unwrap();
    process.signal(Signal::STOP);
    let asked = send("asked");
    let outcomes = |run: &str| {
        let detail = server.finished(run);
        assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
        let attempts = detail["attempts"].as_array().unwrap().iter();
        let told: Vec<_> = attempts
            .map(|one| (one["outcome"].clone(), one["code"].clone()))
            .collect();
        told
    };
    let again = (json!("returned"), json!(null));
    assert_eq!(
        outcomes(&asked),
        [(json!("failed"), json!("AC0311")), again.clone()]
    );
    assert_eq!(outcomes(&stays), [(json!("interrupted"), json!(null)), again]);
    assert!(!process.is_alive());
    assert_ne!(zygote()["pid"], old["pid"]);
}

#[test]
fn a_deadline_before_the_fork_is_not_the_functions() {
    let place = Place::new();
    let server = place.server().set("attempts", 1).set("deadline_s", 2).start();
    server.deploy(Project::of("def end_function(conv):\n    pass\n").path(), "hangs");
    let zygote = server.get("/v1/status")["runner"]["zygotes"][0]["pid"]
        .as_i64()
        .unwrap();
    let process = Process::find(i32::try_from(zygote).unwrap()).unwrap();
    process.signal(Signal::STOP);
    let run = server
        .send_all("hangs", &[conversation("asked", &json!({}))])
        .remove(0);
    let code = until("its first attempt is over", || {
        let code = server.run(&run)["attempts"][0]["code"].clone();
        (!code.is_null()).then_some(code)
    });
    assert_eq!(code, "AC0311");
}

#[test]
fn a_process_that_cannot_be_confined_is_not_the_functions_fault() {
    let place = Place::new();
    let server = place.server().set("attempts", 1).start();
    server.deploy(
        Project::of("def end_function(conv):\n    pass\n").path(),
        "folderless",
    );
    for folder in std::fs::read_dir(place.tmp_root()).unwrap() {
        std::fs::remove_dir(folder.unwrap().path()).unwrap();
    }
    let run = server
        .send_all("folderless", &[conversation("asked", &json!({}))])
        .remove(0);
    let attempt = until("its first attempt is over", || {
        let attempt = server.run(&run)["attempts"][0].clone();
        (!attempt["code"].is_null()).then_some(attempt)
    });
    assert_eq!(attempt["code"], "AC0311", "{attempt:#}");
    let message = attempt["message"].as_str().unwrap();
    assert!(message.ends_with("failed at making its folder"), "{message}");
}
