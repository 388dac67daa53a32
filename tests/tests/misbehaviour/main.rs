//! Whatever an end function does, its attempt ends with a code of its own, its neighbours succeed and the server lives.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod misdeeds;

use std::collections::BTreeSet;

use misdeeds::{MISDEEDS, Misdeed, function};
use rustix::process::Signal;
use serde_json::{Value, json};
use system_tests::{Place, Process, Project, conversation, now, until};

#[test]
fn every_misdeed_gets_a_code_of_its_own_and_shows_the_line_while_neighbours_succeed_and_the_server_lives() {
    let place = Place::new();
    let server = place.server().set("attempts", 1).set("grace_s", 1).start();
    let project = Project::of(&function());
    server.deploy(project.path(), "misdeeds");
    project.write("project.yaml", b"aftercall:\n  deadline_s: 4\n");
    server.deploy(project.path(), "hangs");
    let pids = || {
        let status = server.get("/v1/status");
        let zygotes = status["runner"]["zygotes"].as_array().unwrap().iter();
        zygotes
            .map(|zygote| (zygote["deployment"].to_string(), zygote["pid"].to_string()))
            .collect::<BTreeSet<_>>()
    };
    let zygotes = pids();
    let send = |misdeed: &Misdeed| {
        // Only what is meant to run into a deadline gets a short one: the machine may be busy.
        let project = if misdeed.code == "AC0302" {
            "hangs"
        } else {
            "misdeeds"
        };
        let both = [misdeed.way, "behaves"]
            .map(|way| conversation(&format!("{way} {}", misdeed.way), &json!({"way": way})));
        server.send_all(project, &both)
    };
    let runs: Vec<_> = MISDEEDS.iter().map(send).collect();
    let mut wrong = Vec::new();
    for (misdeed, pair) in MISDEEDS.iter().zip(runs) {
        let detail = server.finished(&pair[0]);
        println!(
            "{:35} {:>6} {}",
            misdeed.way,
            detail["run"]["last_error"].as_str().unwrap_or("fine"),
            detail["attempts"][0]["message"]
        );
        if let Err(what) = check(misdeed, &detail) {
            wrong.push(format!("{}: {what}\n{:#}", misdeed.way, shortened(detail)));
        }
        let neighbour = server.finished(&pair[1]);
        assert_eq!(
            neighbour["run"]["status"], "succeeded",
            "beside {}: {neighbour:#}",
            misdeed.way
        );
        assert_eq!(neighbour["attempts"].as_array().unwrap().len(), 1);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert_eq!(
        pids(),
        zygotes,
        "the zygotes outlived all that their children did"
    );
    let runner = &server.get("/v1/status")["runner"];
    assert_eq!(runner["running"], 0);
    assert!(
        runner["zygotes"]
            .as_array()
            .unwrap()
            .iter()
            .all(|zygote| zygote["children"] == 0),
        "no child is left: {runner:#}"
    );
}

fn check(misdeed: &Misdeed, detail: &Value) -> Result<(), String> {
    let attempt = &detail["attempts"][0];
    if misdeed.code.is_empty() {
        return match detail["run"]["status"].as_str() {
            Some("succeeded") => Ok(()),
            other => Err(format!("it is {other:?}")),
        };
    }
    if attempt["code"] != misdeed.code || detail["run"]["status"] != "failed" {
        return Err(format!("expected {}", misdeed.code));
    }
    if attempt["message"].as_str().is_none_or(str::is_empty) {
        return Err("it has no message".to_owned());
    }
    if misdeed.line.is_empty() {
        return Ok(());
    }
    let error = &attempt["error"];
    let frames = error["frames"].as_array().ok_or("it shows no frames")?;
    let shows = |frame: &&Value| {
        frame["source"].as_str().unwrap_or_default().trim() == misdeed.line && frame["own"] == true
    };
    let frame = frames.iter().rev().find(shows).ok_or("no frame shows the line")?;
    let place = format!("File \"functions/end_function.py\", line {}", frame["line"]);
    let traceback = error["traceback"].as_str().unwrap_or_default();
    if traceback.contains(&place) && traceback.contains(misdeed.line) {
        Ok(())
    } else {
        Err(format!("the traceback lacks {place}"))
    }
}

/// Without the floods.
fn shortened(mut detail: Value) -> Value {
    for attempt in detail["attempts"].as_array_mut().unwrap() {
        attempt["logs"].as_array_mut().unwrap().truncate(5);
    }
    detail
}

#[test]
fn a_log_keeps_what_was_printed_first_and_says_that_there_was_more() {
    let place = Place::new();
    let server = place.server().start();
    let project = Project::of(
        "def end_function(conv):\n    for number in range(12000):\n        print('line', number)\n",
    );
    server.deploy(project.path(), "talks");
    let run = server
        .send_all("talks", &[conversation("talks", &json!({}))])
        .remove(0);
    let detail = server.finished(&run);
    assert_eq!(detail["run"]["status"], "succeeded");
    let logs = detail["attempts"][0]["logs"].as_array().unwrap();
    assert_eq!(logs.len(), 10_002);
    assert_eq!(
        (&logs[9_999]["content"], &logs[9_999]["level"]),
        (&json!("line 9999"), &json!("stdout"))
    );
    assert!(
        logs[10_000]["content"].as_str().unwrap().contains("10,000"),
        "{}",
        logs[10_000]
    );
    assert_eq!(
        logs[10_001]["content"],
        "log limit reached: 2,000 entries were left out"
    );
}

#[test]
fn processor_time_has_a_limit_of_its_own() {
    let place = Place::new();
    let server = place.server().set("attempts", 1).start();
    let project = Project::files(&[
        (
            "functions/end_function.py",
            "def end_function(conv):\n    while True:\n        pass\n",
        ),
        ("project.yaml", "aftercall:\n  limits: {cpu_s: 1}\n"),
    ]);
    server.deploy(project.path(), "spins");
    let run = server
        .send_all("spins", &[conversation("spins", &json!({}))])
        .remove(0);
    let detail = server.finished(&run);
    assert_eq!(detail["run"]["last_error"], "AC0309", "{detail:#}");
    let message = detail["attempts"][0]["message"].as_str().unwrap();
    assert!(message.contains("of 1 s (limits.cpu_s)"), "{message}");
}

#[test]
fn when_a_zygote_is_killed_its_attempts_say_so_and_the_next_ones_get_a_new_one() {
    six_attempts_outlive_the_end_of(|zygote| zygote);
}

#[test]
fn when_the_launcher_is_killed_another_takes_its_place() {
    six_attempts_outlive_the_end_of(|zygote| Process::find(zygote.parent).unwrap());
}

/// Six attempts lose their processes at the end of one above them, and the next attempts succeed.
fn six_attempts_outlive_the_end_of(victim: fn(Process) -> Process) {
    let place = Place::new();
    let server = place.server().set("backoff.base_s", 0).set("attempts", 3).start();
    let project = Project::of(
        "import time\n\n\ndef end_function(conv):\n    if conv.run.attempt == 1:\n        time.sleep(600)\n    conv.state.attempt = conv.run.attempt\n",
    );
    server.deploy(project.path(), "orphans");
    let conversations: Vec<_> = (0..6)
        .map(|number| conversation(&format!("orphan-{number}"), &json!({})))
        .collect();
    let runs = server.send_all("orphans", &conversations);
    let zygote = || server.get("/v1/status")["runner"]["zygotes"][0].clone();
    let old = until("all are in their first attempt", || {
        Some(zygote()).filter(|zygote| zygote["children"] == 6)
    });
    let pid = i32::try_from(old["pid"].as_i64().unwrap()).unwrap();
    let children: Vec<_> = server
        .processes()
        .into_iter()
        .filter(|process| process.parent == pid)
        .collect();
    let began = now();
    victim(Process::find(pid).unwrap()).signal(Signal::KILL);
    for run in &runs {
        let detail = server.finished(run);
        assert_eq!(detail["attempts"][0]["code"], "AC0310", "{detail:#}");
        assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
        assert_eq!(detail["state_after"]["attempt"], 2);
    }
    println!(
        "six attempts lost their zygote and succeeded in a new one {:?} later",
        began.elapsed()
    );
    assert_ne!(zygote()["pid"], old["pid"]);
    assert!(
        children.iter().all(|child| !child.is_alive()),
        "the children ended with their zygote"
    );
}

#[test]
fn an_async_function_runs_to_its_end() {
    let place = Place::new();
    let server = place.server().start();
    let project = Project::of(
        "import asyncio\n\n\nasync def end_function(conv):\n    parts = await asyncio.gather(*(part(n) for n in range(3)))\n    conv.state.parts = parts\n\n\nasync def part(n):\n    await asyncio.sleep(0.01)\n    return n\n",
    );
    server.deploy(project.path(), "async");
    let run = server
        .send_all("async", &[conversation("async", &json!({}))])
        .remove(0);
    let detail = server.finished(&run);
    assert_eq!(detail["state_after"]["parts"], json!([0, 1, 2]), "{detail:#}");
}

#[test]
fn at_the_deadline_a_thread_that_outlived_its_function_is_told_by_its_name_and_its_own_line() {
    const LINE: &str = "time.sleep(1)  # in the thread";
    let place = Place::new();
    let server = place
        .server()
        .set("attempts", 1)
        .set("deadline_s", 3)
        .set("grace_s", 60)
        .start();
    // Whether or not its event loop had the signal before.
    for function in ["def", "async def"] {
        let project = Project::of(&format!(
            "import threading\nimport time\n\n\ndef spin():\n    while True:\n        {LINE}\n\n\n{function} end_function(conv):\n    threading.Thread(target=spin, name='reports').start()\n",
        ));
        server.deploy(project.path(), "outlived");
        let sent = [conversation(function, &json!({}))];
        let detail = server.finished(&server.send_all("outlived", &sent)[0]);
        let attempt = &detail["attempts"][0];
        assert_eq!(attempt["code"], "AC0302", "{detail:#}");
        assert_eq!(
            attempt["message"],
            "end_function had returned, but its thread \"reports\" was still running after 3 s and was ended"
        );
        let frames = attempt["error"]["frames"].as_array().unwrap();
        let own = frames.iter().rfind(|frame| frame["own"] == true).unwrap();
        assert_eq!(own["source"].as_str().unwrap().trim(), LINE, "{detail:#}");
    }
}
