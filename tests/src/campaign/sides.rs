//! To whom the runs of a campaign write: each a receiver, what the project says of it, and how the function goes about it.

use std::time::Duration;

use crate::chance::Chance;
use crate::place::Place;
use crate::project::Project;
use crate::receiver::{Authority, Receiver, Reply};
use crate::server::Setup;
use crate::test_python;

/// One project for all: a server that starts over and over imports it once each time.
const FUNCTION: &str = r#"
import concurrent.futures
import time
import uuid

import requests


def end_function(conv):
    def post(name):
        made_up = {"id": str(uuid.uuid4()), "at": time.time()}
        note = {"mark": f"{conv.id}/{name}", **made_up}
        requests.post(f"{conv.state.crm}/notes", json=note, timeout=60).raise_for_status()
        time.sleep(conv.state.pause_ms / 1000)
        return name

    if conv.state.parallel:
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            futures = [pool.submit(post, name) for name in ("first", "second")]
            done = [future.result() for future in concurrent.futures.as_completed(futures)]
        assert len(done) == 2
    else:
        post("first")
        post("second")
    post("third")
"#;
/// What each of them writes.
pub(super) const WRITES: [&str; 3] = ["first", "second", "third"];

/// What the project says of its host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Policy {
    /// It honours keys, and does.
    Keys,
    /// Nothing, and it honours none.
    None,
    /// What nobody can know is sent again; it honours no keys.
    Resend,
}

pub(super) struct Side {
    pub name: &'static str,
    pub policy: Policy,
    pub receiver: Receiver,
    /// Two of its three writes go out side by side.
    pub parallel: bool,
}

pub(super) struct Sides {
    all: Vec<Side>,
    ca_file: String,
}

impl Sides {
    pub fn new(place: &Place, chance: &mut Chance) -> Self {
        let ca_file = place.path("ca.pem");
        let authority = Authority::new(&ca_file);
        let mut side = |name, policy, parallel, https: bool| {
            let keys = policy == Policy::Keys;
            let receiver = match (https, keys) {
                (true, keys) => Receiver::https(&authority, keys),
                (false, true) => Receiver::honouring_keys(),
                (false, false) => Receiver::new(),
            };
            misbehave(&receiver, keys, chance.branch());
            Side {
                name,
                policy,
                receiver,
                parallel,
            }
        };
        Self {
            all: vec![
                side("keys", Policy::Keys, false, false),
                side("keys-tls", Policy::Keys, true, true),
                side("plain", Policy::None, true, false),
                side("plain-tls", Policy::None, false, true),
                side("resend", Policy::Resend, false, false),
            ],
            ca_file: ca_file.display().to_string(),
        }
    }

    pub fn project(&self) -> Project {
        let project = Project::of(FUNCTION);
        let entries = self.all.iter().filter_map(|side| {
            let says = match side.policy {
                Policy::Keys => "idempotency: { window_s: 86400 }",
                Policy::None => return None,
                Policy::Resend => "on_unknown: resend",
            };
            Some(format!("  - {{ host: \"{}\", {says} }}\n", side.receiver.host()))
        });
        let hosts = entries.collect::<String>();
        project.write("config/effects.yaml", format!("hosts:\n{hosts}").as_bytes());
        project
    }

    pub fn all(&self) -> &[Side] {
        &self.all
    }

    pub fn setup<'a>(&self, place: &'a Place) -> Setup<'a> {
        place
            .server()
            .set("python", test_python().display())
            .set("gateway.allow", "127.0.0.0/8")
            .set("gateway.ca_files", &self.ca_file)
            .set("backoff.base_s", 0)
    }
}

/// Answers take their time; whoever honours keys also hangs up on some requests that it has done, and puts some off.
fn misbehave(receiver: &Receiver, hangs_up: bool, mut chance: Chance) {
    receiver.behave(move |_| {
        let after = chance.within(Duration::from_millis(40));
        match chance.between(0, 99) {
            0..=3 if hangs_up => Reply::done_and_hung_up(),
            4..=5 if hangs_up => Reply::later(1),
            _ => Reply::done().after(after),
        }
    });
}
