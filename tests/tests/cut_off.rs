//! Deploys that a server does not survive.
#![allow(clippy::unwrap_used)]

use std::fs;

use serde_json::json;
use system_tests::{Place, Project, Server, conversation};

const PROJECT: &str = "desk";
const FUNCTION: &str = "def end_function(conv):\n    conv.log.info('ran')\n";

/// How many things lie among the deployments.
fn lying(place: &Place) -> usize {
    fs::read_dir(place.data().join("deployments")).unwrap().count()
}

/// Deploys a project to a server that dies of it.
fn deploy_in_vain(server: &Server<'_>, project: &Project) {
    let folder = project.path().display().to_string();
    server.cli(&["deploy", &folder, "--project", PROJECT]).expect(3);
    server.wait_until_ended();
    assert!(server.was_killed(), "{}", server.log_tail());
}

#[test]
fn what_was_unpacked_and_not_recorded_is_swept_and_what_was_recorded_stays() {
    let place = Place::new();
    let project = Project::of(FUNCTION);
    let setup = place.server();
    let dying = setup.clone();
    let server = dying.fail_point("store.put_deployment.before_commit", 1).start();
    let empty = lying(&place);
    deploy_in_vain(&server, &project);
    assert!(lying(&place) > empty, "it was unpacked");
    let server = setup.start();
    assert_eq!(lying(&place), empty, "{}", server.log_tail());
    server.terminate();
    server.wait_until_ended();

    // The same again, where only the answer was lost.
    let dying = setup.clone();
    let server = dying.fail_point("store.put_deployment.after_commit", 1).start();
    deploy_in_vain(&server, &project);
    let there = lying(&place);
    let server = setup.start();
    assert_eq!(lying(&place), there);
    server.deploy(project.path(), PROJECT);
    let run = server.send_all(PROJECT, &[conversation("call-1", &json!({}))]);
    assert_eq!(server.finished(&run[0])["run"]["status"], "succeeded");
}
