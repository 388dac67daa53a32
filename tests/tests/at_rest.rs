//! What callers said and who they are is sealed wherever it lies, even when the server is gone from one moment to the next.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use system_tests::{Chance, Needle, Place, Project, Server, conversation, search, until};

/// Leaves what it was given in every way that the run keeps: state, logs, prints, actions, exceptions.
const FUNCTION: &str = r#"
import sys
import time


def end_function(conv):
    text = conv.history[-1].text
    conv.log.info(text, number=conv.caller_number)
    print(conv.caller_number, text)
    print(text, file=sys.stderr)
    conv.write_metric("SAID", text)
    conv.send_sms(conv.caller_number, conv.callee_number, text)
    conv.state.said = {"text": text, conv.caller_number: text.encode()}
    if conv.state.then == "raises":
        raise ValueError(f"cannot cope with {text} of {conv.caller_number}: {conv.state.trouble}")
    if conv.state.then == "stays":
        open("begun", "w").close()
        time.sleep(600)
"#;

/// What must never lie anywhere as it is.
struct Planted {
    number: String,
    id: String,
    text: String,
    trouble: String,
}

impl Planted {
    fn new(chance: &mut Chance) -> Self {
        Self {
            number: chance.digits(12),
            id: format!("call-{}", chance.hex()),
            text: format!("Größe {} bitte", chance.hex()),
            trouble: format!("trouble {}", chance.hex()),
        }
    }

    fn document(&self, then: &str) -> Value {
        let state = json!({"then": then, "trouble": self.trouble});
        let mut document = conversation(&format!("{}-{then}", self.id), &state);
        document["caller_number"] = json!(format!("+{}", self.number));
        document["turns"] = json!([{"role": "user", "text": self.text}]);
        document["note"] = json!(self.text);
        document
    }

    /// Has them accepted, refused and looked up in every way; gives an API key, which is another secret.
    fn spread(&self, server: &Server<'_>, place: &Place) -> String {
        for then in ["returns", "raises", "stays"] {
            let mut document = self.document(then);
            let accepted = server.send("sealed", &document).expect(202).json();
            if then == "stays" {
                until("it stays", || staying(place));
            } else {
                let _ = server.finished(accepted["run_id"].as_str().unwrap());
            }
            document["turns"] = json!([{"role": "user", "text": format!("{} again", self.text)}]);
            server.send("sealed", &document).expect(409);
            document["turns"] = json!(self.text);
            server.send("sealed", &document).expect(400);
        }
        assert_eq!(server.runs(&format!("conversation={}-raises", self.id)).len(), 1);
        assert_eq!(server.runs(&format!("number=%2B{}", self.number)).len(), 3);
        let key = server
            .cli(&["keys", "create", "at rest", "--env", "live", "--json"])
            .expect(0)
            .json();
        key["secret"].as_str().unwrap().to_owned()
    }

    fn needles(&self, key: &str) -> [Needle; 6] {
        [
            Needle::new("the phone number", &self.number),
            Needle::new("the external id", &self.id),
            Needle::new("what the caller said", &self.text),
            Needle::new("a part of it", self.text.split(' ').nth(1).unwrap()),
            Needle::new("the exception's text", &self.trouble),
            Needle::new("the API key", key),
        ]
    }

    /// All is there for those who may read it.
    fn is_readable(&self, server: &Server<'_>) {
        let found = server.get(&format!("/v1/conversations/{}-raises", self.id));
        assert_eq!(found["document"]["note"], self.text);
        let detail = server.run(found["runs"][0]["run_id"].as_str().unwrap());
        let message = detail["attempts"][1]["error"]["message"].as_str().unwrap();
        assert!(message.contains(&self.trouble), "{detail:#}");
    }
}

/// The folder of the attempt that stays.
fn staying(place: &Place) -> Option<PathBuf> {
    place
        .attempt_folders()
        .into_iter()
        .find(|folder| folder.join("begun").exists())
}

#[test]
fn after_kill_9_no_file_holds_a_number_a_text_an_id_or_an_exception_in_any_encoding() {
    let planted = Planted::new(&mut Chance::new("at_rest"));
    let place = Place::new();
    let setup = place
        .server()
        .set("log", "debug")
        .set("attempts", 2)
        .set("backoff.base_s", 0)
        .set("drain_s", 1);
    let server = setup.start();
    server.deploy(Project::of(FUNCTION).path(), "sealed");
    let key = planted.spread(&server, &place);
    planted.is_readable(&server);
    server.kill();

    let needles = planted.needles(&key);
    let log = place.path("serve.log");
    let everywhere: [&Path; 3] = [place.data(), &log, place.tmp_root()];
    assert!(
        place.data().join("aftercall.db-wal").exists(),
        "the log of the database is part of it"
    );
    let (files, sightings) = search(&everywhere, &needles);
    println!("{files} files looked at");
    assert!(sightings.is_empty(), "{sightings:#?}");

    // What user code itself wrote into its folder is gone with the next start.
    let before = staying(&place).expect("the attempt that was cut off left its folder");
    fs::write(before.join("own"), &planted.text).unwrap();
    let server = setup.start();
    until("it runs again", || staying(&place));
    assert_eq!(
        place.attempt_folders().len(),
        1,
        "the folder of the attempt that was cut off is gone"
    );
    planted.is_readable(&server);
    server.terminate();
    server.wait_until_ended();
    let (files, sightings) = search(&everywhere, &needles);
    println!("{files} files looked at after a stop in good order");
    assert!(sightings.is_empty(), "{sightings:#?}");
}
