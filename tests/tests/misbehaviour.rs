//! Whatever an end function does, its attempt ends with a code of its own, its neighbours succeed and the server lives.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::BTreeSet;

use rustix::process::Signal;
use serde_json::{Value, json};
use system_tests::{Place, Process, Project, conversation, now, until};

/// One way to misbehave, and what must come of it.
struct Misdeed {
    way: &'static str,
    /// `""`: the attempt succeeds.
    code: &'static str,
    body: &'static str,
    /// The user's own line that the error must show; `""` where no exception can be caught.
    line: &'static str,
}

const fn misdeed(way: &'static str, code: &'static str, line: &'static str, body: &'static str) -> Misdeed {
    Misdeed {
        way,
        code,
        body,
        line,
    }
}

/// `{line}` in a body stands for the line.
const MISDEEDS: &[Misdeed] = &[
    misdeed(
        "raises",
        "AC0301",
        "raise LookupError(f\"no order {conv.id}\")",
        "{line}",
    ),
    misdeed(
        "raises_a_bare_base_exception",
        "AC0301",
        "raise BaseException(\"bare\")",
        "{line}",
    ),
    misdeed(
        "raises_what_cannot_be_shown",
        "AC0301",
        "raise Unshowable()",
        "class Unshowable(Exception):\n    def __str__(self):\n        return 1 / 0\n{line}",
    ),
    misdeed("interrupts", "AC0301", "raise KeyboardInterrupt", "{line}"),
    misdeed("exits", "AC0303", "sys.exit(3)", "{line}"),
    misdeed("exits_at_once", "AC0303", "", "os._exit(7)"),
    misdeed(
        "kills_itself",
        "AC0304",
        "",
        "os.kill(os.getpid(), signal.SIGKILL)",
    ),
    misdeed("aborts", "AC0304", "", "os.abort()"),
    misdeed(
        "reads_address_zero",
        "AC0304",
        "",
        "import ctypes\nctypes.string_at(0)",
    ),
    misdeed(
        "allocates_without_end",
        "AC0305",
        "kept.append(bytearray(16 * 1024 * 1024))",
        "kept = []\nwhile True:\n    {line}",
    ),
    misdeed(
        "allocates_at_once",
        "AC0305",
        "huge = bytearray(8 * 1024 ** 3)",
        "{line}",
    ),
    misdeed(
        "recurses_for_ever",
        "AC0306",
        "return deeper(n + 1) + 1",
        "def deeper(n):\n    {line}\ndeeper(0)",
    ),
    misdeed(
        "prints_for_ever",
        "AC0302",
        "",
        "while True:\n    print('x' * 1000)",
    ),
    misdeed(
        "floods_descriptor_1",
        "AC0308",
        "",
        "while True:\n    os.write(1, b'y' * 65536)",
    ),
    misdeed(
        "never_ends",
        "AC0302",
        "time.sleep(1)  # for ever",
        "while True:\n    {line}",
    ),
    misdeed(
        "ignores_sigterm_and_never_ends",
        "AC0302",
        "time.sleep(2)",
        "signal.signal(signal.SIGTERM, signal.SIG_IGN)\nwhile True:\n    {line}",
    ),
    misdeed(
        "spins_with_signals_blocked",
        "AC0302",
        "",
        "signal.pthread_sigmask(signal.SIG_BLOCK, set(signal.Signals))\nwhile True:\n    pass",
    ),
    misdeed(
        "catches_everything_for_ever",
        "AC0302",
        "time.sleep(3)",
        "while True:\n    try:\n        {line}\n    except BaseException:\n        pass",
    ),
    misdeed(
        "writes_rubbish_to_descriptor_3",
        "AC0307",
        "",
        "os.write(3, b'\\xff' * 64)\ntime.sleep(60)",
    ),
    misdeed(
        "forges_a_result",
        "AC0307",
        "",
        "os.write(3, b'\\x00\\x00\\x00\\x01\\x08\\x05')\ntime.sleep(60)",
    ),
    misdeed("closes_descriptor_3", "AC0303", "", "os.close(3)"),
    misdeed("closes_everything", "AC0303", "", "os.closerange(0, 256)"),
    misdeed(
        "leaves_too_much",
        "AC0314",
        "",
        "conv.state.huge = 'z' * (20 * 1024 * 1024)",
    ),
    misdeed("forks_for_ever", "AC0301", "os.fork()", "while True:\n    {line}"),
    misdeed(
        "starts_a_program",
        "AC0301",
        "subprocess.run([\"/bin/true\"])",
        "import subprocess\n{line}",
    ),
    misdeed(
        "kills_its_parent",
        "AC0301",
        "os.kill(os.getppid(), signal.SIGKILL)",
        "{line}",
    ),
    misdeed(
        "kills_everybody",
        "AC0301",
        "os.kill(-1, signal.SIGKILL)",
        "{line}",
    ),
    misdeed(
        "opens_too_many_files",
        "AC0301",
        "kept.append(open(__file__))",
        "kept = []\nwhile True:\n    {line}",
    ),
    misdeed(
        "writes_too_large_a_file",
        "AC0301",
        "file.write(bytes(1024 * 1024)); file.flush()",
        "with open('large', 'wb') as file:\n    while True:\n        {line}",
    ),
    misdeed(
        "sends_a_request",
        "AC0301",
        "urllib.request.urlopen(\"http://127.0.0.1:9/\")",
        "import urllib.request\n{line}",
    ),
    misdeed(
        "opens_a_socket",
        "AC0301",
        "socket.create_connection((\"127.0.0.1\", 9))",
        "import socket\n{line}",
    ),
    misdeed(
        "prints_much_and_returns",
        "",
        "",
        "for _ in range(30000):\n    print('w' * 300)",
    ),
    misdeed(
        "leaves_a_thread",
        "",
        "",
        "import threading\nthreading.Thread(target=time.sleep, args=(0.3,)).start()",
    ),
    misdeed(
        "leaves_a_thread_that_never_ends",
        "",
        "",
        "import threading\ndef spin():\n    while True:\n        time.sleep(1)\nthreading.Thread(target=spin).start()",
    ),
    misdeed(
        "raises_at_exit",
        "",
        "",
        "import atexit\natexit.register(lambda: 1 / 0)",
    ),
    misdeed("returns_something_odd", "", "", "return lambda: (yield object())"),
    misdeed(
        "keeps_something_odd_in_state",
        "",
        "",
        "conv.state.odd = [object(), open(__file__), lambda: 1]",
    ),
    misdeed(
        "logs_something_odd",
        "",
        "",
        "conv.log.info('odd', value=object(), error=ValueError('v'), nan=float('nan'))",
    ),
];

fn function() -> String {
    let mut source = "import os\nimport signal\nimport sys\nimport time\n\n\n".to_owned();
    for Misdeed { way, body, line, .. } in MISDEEDS {
        let body = body.replace("{line}", line).replace('\n', "\n    ");
        source += &format!("def {way}(conv):\n    {body}\n\n\n");
    }
    source
        + "def behaves(conv):\n    conv.state.behaved = True\n\n\ndef end_function(conv):\n    return globals()[conv.state.way](conv)\n"
}

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
    assert_eq!(logs.len(), 10_001);
    assert_eq!(
        (&logs[9_999]["content"], &logs[9_999]["level"]),
        (&json!("line 9999"), &json!("stdout"))
    );
    assert!(
        logs[10_000]["content"].as_str().unwrap().contains("10,000"),
        "{}",
        logs[10_000]
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
}

#[test]
fn when_a_zygote_is_killed_its_attempts_say_so_and_the_next_ones_get_a_new_one() {
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
    Process::find(pid).unwrap().signal(Signal::KILL);
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
