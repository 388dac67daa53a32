//! `kill -9` of the supervisor while a child is there of which it has not heard, and which is not confined yet.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::fs;

use serde_json::{Value, json};
use system_tests::{Place, Project, add_extension, conversation};

const PROJECT: &str = "mid-fork";
/// Its attempt names itself in all that it leaves.
const FUNCTION: &str = "\
from functions import native


def end_function(conv):
    conv.log.info('ran', attempt=conv.run.attempt)
    conv.state.attempts = [*(conv.state.attempts or []), conv.run.attempt]
    conv.send_email('desk@example.com', conv.id, str(native.answer()))
";
/// While this file is there, a child never comes out of its fork.
const HANGS_WHERE: &str = "children-hang";

#[test]
fn a_child_that_hangs_in_its_fork_does_not_outlive_the_server_that_had_not_heard_of_it_and_its_run_ends_once()
{
    let place = Place::new();
    let project = Project::of(FUNCTION);
    add_extension(&project, &[&format!("-DHANGS_WHERE=\"{HANGS_WHERE}\"")]);
    // It has heard of two children before: of its own canary, as it started, and of the deployment's.
    let server = place.server().fail_point("runner.fork_unheard", 3).start();
    let deployment = server.deploy(project.path(), PROJECT);
    assert_eq!(deployment["fork_way"], "fork", "{deployment:#}");
    let mut folders = fs::read_dir(place.tmp_root()).unwrap();
    fs::write(folders.next().unwrap().unwrap().path().join(HANGS_WHERE), "").unwrap();

    let run = server.send_all(PROJECT, &[conversation("mid-fork", &json!({}))]);
    let status = server.wait_until_ended();
    assert!(server.was_killed(), "{status}\n{}", server.log_tail());
    println!(
        "nothing left {:?} after the kill, with a child that hangs in its fork",
        server.wait_until_nothing_is_left()
    );

    let server = place.server().set("backoff.base_s", 0).start();
    server.wait_until_done();
    let detail = server.run(&run[0]);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    let attempts = detail["attempts"].as_array().unwrap();
    let ends: Vec<_> = attempts.iter().map(|attempt| &attempt["outcome"]).collect();
    assert_eq!(ends, ["interrupted", "returned"], "{detail:#}");
    assert_eq!(attempts[0]["logs"], json!([]), "{detail:#}");
    assert_eq!(detail["state_after"]["attempts"], json!([2]), "{detail:#}");
    assert_eq!(detail["actions"].as_array().map(Vec::len), Some(1), "{detail:#}");
    let runs: Vec<Value> = server.runs("");
    assert_eq!(runs.len(), 1, "{runs:#?}");
}
