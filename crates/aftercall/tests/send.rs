//! `send` against a server that has a bad day: one that answers from a script.
#![allow(clippy::unwrap_used)]

mod support;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;

use serde_json::{Value, json};
use support::Place;

/// One answer of the script. `None` closes the connection without any.
type Answer = Option<(u16, &'static str, String)>;

/// Serves the script, one answer a request, and hands over the bodies that came.
fn server(script: Vec<Answer>) -> (String, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let (send, bodies) = sync_channel(64);
    thread::spawn(move || {
        let mut script = script.into_iter().peekable();
        for stream in listener.incoming() {
            let mut stream = BufReader::new(stream.unwrap());
            while let Some(body) = request(&mut stream) {
                send.send(body).unwrap();
                let Some(Some((status, headers, answer))) = script.next() else {
                    break;
                };
                let length = answer.len();
                write!(
                    stream.get_mut(),
                    "HTTP/1.1 {status} X\r\ncontent-length: {length}\r\n{headers}\r\n{answer}"
                )
                .unwrap();
            }
            if script.peek().is_none() {
                return;
            }
        }
    });
    (address, bodies)
}

fn request(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap();
        }
        if line == "\r\n" {
            break;
        }
    }
    let mut body = vec![0; length];
    stream.read_exact(&mut body).unwrap();
    Some(String::from_utf8(body).unwrap())
}

fn accepted(line: u64, id: &str) -> Value {
    let run = "01a20fa1-8e73-726e-8fe8-38e7c424b372";
    json!({"line": line, "status": 202, "accepted": {"run_id": run, "conversation_id": run, "external_id": id,
        "status": "queued", "hold": null}})
}

fn problem(code: &str, status: u16) -> Value {
    json!({"type": "t", "code": code, "title": "t", "status": status, "detail": "d", "fix": "f", "errors": []})
}

fn lines(answers: &[Value]) -> Answer {
    Some((200, "", answers.iter().map(|one| format!("{one}\n")).collect()))
}

const THREE: &str = "{\"id\":\"a\"}\n{\"id\":\"b\"}\n{\"id\":\"c\"}\n";

#[test]
fn what_was_not_taken_is_sent_again_and_what_was_taken_is_not() {
    let busy = (503, "retry-after: 1\r\n", problem("AC0105", 503).to_string());
    let second_is_busy = json!({"line": 2, "status": 503, "problem": problem("AC0105", 503)});
    let (address, bodies) = server(vec![
        Some(busy),
        // The first is taken, the second not, and the answer to the third never comes.
        lines(&[accepted(1, "a"), second_is_busy]),
        None,
        lines(&[accepted(1, "b"), accepted(2, "c")]),
    ]);
    let place = Place::new();
    place.write("three.ndjson", THREE);
    let said = place
        .run(&[
            "send",
            "three.ndjson",
            "--server",
            &address,
            "--report",
            "report",
            "--json",
        ])
        .expect(0);
    let sent: Vec<String> = bodies.iter().collect();
    let rest = "{\"id\":\"b\"}\n{\"id\":\"c\"}\n";
    assert_eq!(sent, [THREE, THREE, rest, rest]);
    let ids: Vec<_> = said
        .lines()
        .iter()
        .map(|line| line["external_id"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert_eq!(std::fs::read_to_string(place.path("report")).unwrap(), said.out);
}

#[test]
fn patience_ends_and_the_report_says_how_far_it_came() {
    let busy = || Some((503, "retry-after: 1\r\n", problem("AC0106", 503).to_string()));
    let mut script = vec![lines(&[accepted(1, "a")])];
    script.extend((0..4).map(|_| busy()));
    let (address, _bodies) = server(script);
    let place = Place::new();
    place.write("three.ndjson", THREE);
    let said = place
        .run(&[
            "send",
            "three.ndjson",
            "--server",
            &address,
            "--patience",
            "2",
            "--report",
            "report",
        ])
        .expect(3);
    assert!(
        said.err.contains("AC0106") && said.err.contains("has taken nothing for 2 s"),
        "{}",
        said.err
    );
    let report = std::fs::read_to_string(place.path("report")).unwrap();
    assert_eq!(
        (report.lines().count(), report.contains("\"external_id\":\"a\"")),
        (1, true),
        "{report}"
    );
}

#[test]
fn a_refusal_of_all_is_told_at_once() {
    let (address, _bodies) = server(vec![Some((401, "", problem("AC0701", 401).to_string()))]);
    let place = Place::new();
    place.write("three.ndjson", THREE);
    let said = place
        .run(&["send", "three.ndjson", "--server", &address])
        .expect(2);
    assert!(said.err.contains("AC0701"), "{}", said.err);
}
