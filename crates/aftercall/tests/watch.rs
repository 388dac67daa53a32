//! `invoke --watch`, as somebody meets it who edits a project.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)] // a test may wait

mod support;

use std::io::{BufRead as _, BufReader, Lines};
use std::process::{Child, ChildStderr, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use support::Place;

/// How long a test waits for a line: a watch that says nothing more would keep it for ever.
const PATIENCE: Duration = Duration::from_secs(60);

/// A watch that is under way; ended when dropped, and when it says nothing for too long.
struct Watch {
    child: Arc<Mutex<Child>>,
    out: Lines<BufReader<ChildStdout>>,
    err: Lines<BufReader<ChildStderr>>,
}

impl Watch {
    fn start(place: &Place, more: &[&str]) -> Self {
        let tmp = format!("tmp_root={}", place.path("memory").display());
        std::fs::create_dir_all(place.path("memory")).unwrap();
        let mut arguments = vec!["invoke", "p.py", "c.ndjson", "--watch", "--set", &tmp];
        arguments.extend(more);
        let mut child = place
            .command(&arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let out = BufReader::new(child.stdout.take().unwrap()).lines();
        let err = BufReader::new(child.stderr.take().unwrap()).lines();
        let child = Arc::new(Mutex::new(child));
        let watched = Arc::downgrade(&child);
        std::thread::spawn(move || {
            std::thread::sleep(PATIENCE);
            // Its end closes the pipes, at which whoever reads them goes on and fails.
            if let Some(child) = watched.upgrade() {
                let _ = child.lock().unwrap().kill();
            }
        });
        Self { child, out, err }
    }

    /// The lines up to the next of standard output that holds this.
    #[track_caller]
    fn until(&mut self, text: &str) -> Vec<String> {
        let mut seen = Vec::new();
        for line in self.out.by_ref() {
            seen.push(line.unwrap());
            if seen.last().unwrap().contains(text) {
                return seen;
            }
        }
        panic!("{text:?} was never said: {seen:#?}");
    }

    /// The line of standard error that ends a round.
    fn round(&mut self) -> String {
        let all = self.err.by_ref().map(Result::unwrap);
        let mut said = Vec::new();
        for line in all {
            if line.contains("watching; Ctrl-C ends it") {
                return said.join("\n");
            }
            said.push(line);
        }
        panic!("no round ended: {said:#?}");
    }

    fn json(&mut self) -> Value {
        serde_json::from_str(&self.out.next().unwrap().unwrap()).unwrap()
    }

    /// Interrupts it as Ctrl-C does.
    fn interrupt(self) -> Option<i32> {
        let mut child = self.child.lock().unwrap();
        let pid = child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-INT", &pid])
                .status()
                .unwrap()
                .success()
        );
        child.wait().unwrap().code()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        let mut child = self.child.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = child.kill();
        let _ = child.wait();
    }
}

const CONVERSATIONS: &str = "{\"id\": \"one\", \"state\": {\"n\": 1}}\n{\"id\": \"two\"}\n";

#[test]
fn only_what_became_different_is_shown() {
    let place = Place::new();
    place.write(
        "p.py",
        "def end_function(conv):\n    conv.log.info('same'); conv.log.info('first')\n    conv.write_metric('A', 1)\n    conv.write_metric('B', conv.state.n)\n    conv.state.kept = 1\n    conv.state.was = True\n",
    );
    place.write("c.ndjson", CONVERSATIONS);
    let mut watch = Watch::start(&place, &[]);
    watch.until("one");
    watch.until("two");
    assert_eq!(watch.round(), "2 succeeded");
    place.write(
        "p.py",
        "def end_function(conv):\n    conv.log.info('same'); conv.log.info('second', n=2)\n    conv.write_metric('A', 2)\n    conv.write_metric('B', conv.state.n)\n    conv.state.kept = 2\n    conv.send_sms('+15550100001', '+15550100002', 'hello')\n    if conv.id == 'two':\n        raise ValueError('no')\n",
    );
    watch.until("changed: p.py");
    let one = watch.until("two: succeeded → failed");
    assert_eq!(watch.round(), "1 succeeded, 1 failed");
    let said: Vec<_> = one.iter().map(|line| line.trim_end()).collect();
    let (heading, changes) = said.split_first().unwrap();
    assert!(heading.starts_with("one: succeeded in "), "{heading}");
    let expected = [
        "  logs",
        "    - info first",
        "    + info second {\"n\":2}",
        "  metrics",
        "    - A = 1",
        "    + A = 2",
        "  queued actions",
        "    + sms {\"content\":\"hello\",\"to\":\"+15550100001\",\"from\":\"+15550100002\"}",
        "  state",
        "    ~ kept = 2 (was 1)",
        "    - was = true",
    ];
    assert_eq!(changes[..changes.len() - 1], expected, "{said:#?}");
    let two = watch.until("more: aftercall explain AC0301").join("\n");
    assert!(two.contains("+ AC0301 ValueError: no at p.py:8"), "{two}");
    assert!(!said.join("").contains('\u{1b}'), "no colours into a pipe");
    assert_eq!(watch.interrupt(), Some(130));
    let left: Vec<_> = std::fs::read_dir(place.path("memory")).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn half_written_code_is_survived_and_what_is_as_before_is_counted() {
    let place = Place::new();
    let good = "def end_function(conv):\n    conv.state.x = 1\n";
    place.write("p.py", good);
    place.write("c.ndjson", CONVERSATIONS);
    let mut watch = Watch::start(&place, &[]);
    watch.round();
    place.write("p.py", "def end_function(conv:\n");
    watch.until("changed: p.py");
    let said = watch.round();
    assert!(said.contains("AC0204") && said.contains("p.py:1"), "{said}");
    place.write("p.py", &format!("# saved again\n{good}"));
    watch.until("changed: p.py");
    assert_eq!(
        watch.round(),
        "2 succeeded, 2 as before",
        "against the last run that was one"
    );
    place.write("c.ndjson", "{\"id\": \"three\"}\n");
    watch.until("changed: c.ndjson");
    watch.until("three succeeded");
    assert_eq!(watch.interrupt(), Some(130));
}

#[test]
fn many_saves_at_once_are_one_run() {
    let place = Place::new();
    let code = |n: u32| format!("def end_function(conv):\n    conv.state.n = {n}\n");
    place.write("p.py", &code(0));
    place.write("c.ndjson", "{\"id\": \"one\"}\n");
    let mut watch = Watch::start(&place, &["--json"]);
    assert_eq!(watch.json()["changes"], Value::Null);
    for n in 1..=10 {
        place.write("p.py", &code(n));
        std::thread::sleep(Duration::from_millis(60));
    }
    let next = watch.json();
    assert_eq!(
        next["changes"],
        json!({"state": {"n": {"was": 0, "now": 10}}}),
        "one run, of the last of them"
    );
    place.write("p.py", "def end_function(conv):\n    raise KeyError('k')\n");
    let failed = watch.json();
    assert_eq!(failed["status"], "failed");
    assert_eq!(
        failed["changes"]["status"],
        json!({"was": "succeeded", "now": "failed"})
    );
    assert_eq!(
        failed["changes"]["error"],
        json!({"was": null, "now": {"code": "AC0301", "message": "KeyError: 'k'", "at": "p.py:2"}})
    );
    assert_eq!(watch.interrupt(), Some(130));
}
