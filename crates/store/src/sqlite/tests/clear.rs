//! Nothing of a conversation lies in the folder in a form that a reader of the disk could make out.

use std::fs;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use domain::{Action, AttemptEnd, Metric};
use serde_json::json;
use tempfile::TempDir;

use super::open;
use crate::NewConversation;
use crate::conformance::given::{
    Given, accept, after, apply, claim, conversation, failed, failure_report, log, queued, report, returned,
    run_id, start,
};

const PHONE: &str = "+15558675309";
const SAID: &str = "the spare key is under the blue flowerpot";
const EXTERNAL_ID: &str = "acme-call-7f3c9a51e2";
const RAISED: &str = "no customer named Ottoline Featherstonehaugh";
const LOGGED: &str = "looked up policy QX-4471-90";
const REMEMBERED: &str = "diagnosis: recurrent vertigo";
const MEASURED: &str = "wants to cancel because of the dog";
const QUEUED: &str = "Your appointment with Dr Abernathy is confirmed";
const PLANTED: [&str; 8] = [
    PHONE,
    SAID,
    EXTERNAL_ID,
    RAISED,
    LOGGED,
    REMEMBERED,
    MEASURED,
    QUEUED,
];
/// What may be read, to show that the search finds what is there.
const IN_CLEAR: &str = "resolved_in_one_call";

/// A text as it may be found in a file: as it is, and in the encodings that something might have put it into.
fn encodings(text: &str) -> Vec<(&'static str, Vec<u8>)> {
    let units = || text.encode_utf16();
    let hex = |upper: bool| {
        let digits = text.bytes().map(|byte| {
            if upper {
                format!("{byte:02X}")
            } else {
                format!("{byte:02x}")
            }
        });
        digits.collect::<String>().into_bytes()
    };
    let percent = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    let mut all = vec![
        ("utf-8", text.as_bytes().to_vec()),
        ("utf-16le", units().flat_map(u16::to_le_bytes).collect()),
        ("utf-16be", units().flat_map(u16::to_be_bytes).collect()),
        ("hex", hex(false)),
        ("upper-case hex", hex(true)),
        ("percent", percent.collect::<String>().into_bytes()),
        ("plus", text.replace(' ', "+").into_bytes()),
    ];
    for alignment in 0..3 {
        // What stands before the text shifts its digits; those that depend on what stands around it are left out.
        let shifted = [&b"\0\0\0"[..alignment], text.as_bytes()].concat();
        let (first, last) = ((alignment * 8).div_ceil(6), shifted.len() * 8 / 6);
        for (name, engine) in [("base64", &STANDARD_NO_PAD), ("base64url", &URL_SAFE_NO_PAD)] {
            all.push((name, engine.encode(&shifted).as_bytes()[first..last].to_vec()));
        }
    }
    all
}

/// Every byte as the character of its number, so that any bytes can be looked for as text.
fn as_text(bytes: &[u8]) -> String {
    bytes.iter().copied().map(char::from).collect()
}

fn find(folder: &Path, texts: &[&str]) -> Vec<(String, &'static str, PathBuf)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let content = as_text(&fs::read(&file).unwrap());
        for text in texts {
            let hits = encodings(text)
                .into_iter()
                .filter(|(_, bytes)| content.contains(&as_text(bytes)));
            found.extend(hits.map(|(name, _)| (text.to_string(), name, file.clone())));
        }
    }
    found
}

fn assert_sealed(folder: &Path, when: &str) {
    assert_eq!(find(folder, &PLANTED), [], "{when}");
    assert!(
        !find(folder, &[IN_CLEAR]).is_empty(),
        "the search is blind, {when}"
    );
}

async fn live_through_everything(store: &Given) {
    queued(store, 1..2).await;
    let new = NewConversation {
        external_id: EXTERNAL_ID.into(),
        numbers: vec![PHONE.into()],
        document: json!({"id": EXTERNAL_ID, "caller_number": PHONE, "turns": [{"text": SAID}]})
            .to_string()
            .into_bytes(),
        ..conversation(2)
    };
    accept(store, new, start()).await;
    let run = claim(store, 1, after(60)).await.remove(0);
    let mut left = failure_report(run.number, after(60));
    if let AttemptEnd::Failed { message, error, .. } = &mut left.end {
        *message = RAISED.into();
        let error = error.as_mut().unwrap();
        (error.message, error.traceback) = (RAISED.into(), format!("KeyError: {RAISED}"));
    }
    left.logs = vec![log(LOGGED)];
    apply(store, run.run, failed(&run), Some(left), after(60)).await;

    for run in claim(store, 10, after(3_600)).await {
        let mut left = report(run.number, after(3_600));
        left.logs = vec![log(LOGGED)];
        let metric = |name: &str, value| Metric {
            name: name.into(),
            value,
        };
        left.metrics = vec![metric(IN_CLEAR, json!(1)), metric("reason", json!(MEASURED))];
        let action = json!({"kind": "sms", "to_number": PHONE, "content": QUEUED});
        left.actions = vec![serde_json::from_value::<Action>(action).unwrap()];
        left.state = Some(json!({ "note": REMEMBERED }));
        apply(store, run.run, returned(&run), Some(left), after(3_600)).await;
    }
    let kept = store.run(run_id(2)).await.unwrap().unwrap();
    assert_eq!(kept.summary.external_id, EXTERNAL_ID);
    assert_eq!(kept.state_after, Some(json!({ "note": REMEMBERED })));
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_conversation_can_be_read_from_the_folder() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path());
    live_through_everything(&store).await;
    assert_sealed(folder.path(), "while it is open, as a killed process leaves it");
    drop(store);
    assert_sealed(folder.path(), "after it was dropped");
    let store = open(folder.path());
    store.close().await;
    assert_sealed(folder.path(), "after it was closed");
}

#[test]
fn the_search_finds_every_encoding() {
    let folder = TempDir::new().unwrap();
    for (name, bytes) in encodings(SAID) {
        let file = folder.path().join("file");
        fs::write(&file, [b"noise ", &bytes[..], b" noise"].concat()).unwrap();
        assert!(
            find(folder.path(), &[SAID])
                .iter()
                .any(|(_, found, _)| *found == name),
            "{name}"
        );
    }
    for before in ["", "x", "xy"] {
        let text = STANDARD_NO_PAD.encode(format!("{before}{SAID}yz"));
        fs::write(folder.path().join("file"), text).unwrap();
        assert!(
            !find(folder.path(), &[SAID]).is_empty(),
            "base64 after {before:?}"
        );
    }
}
