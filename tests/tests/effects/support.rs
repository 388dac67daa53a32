//! What these tests share.

use serde_json::Value;
use system_tests::{Place, Project, Server, Setup, test_python};

/// A server whose end functions may reach this machine, have `requests`, and try again at once.
pub fn setup(place: &Place) -> Setup<'_> {
    place
        .server()
        .set("python", test_python().display())
        .set("gateway.allow", "127.0.0.0/8")
        .set("backoff.base_s", 0)
}

/// A project that says this of the hosts that it sends to: entries of `config/effects.yaml`.
pub fn project(source: &str, hosts: &[String]) -> Project {
    let project = Project::of(source);
    if !hosts.is_empty() {
        let entries: String = hosts.iter().map(|entry| format!("  - {entry}\n")).collect();
        project.write("config/effects.yaml", format!("hosts:\n{entries}").as_bytes());
    }
    project
}

/// Hands in one conversation, and gives its run.
#[track_caller]
pub fn send(server: &Server<'_>, project: &str, conversation: &Value) -> String {
    server
        .send_all(project, std::slice::from_ref(conversation))
        .remove(0)
}

/// How each attempt of a run ended.
pub fn outcomes(detail: &Value) -> Vec<String> {
    let attempts = detail["attempts"].as_array().unwrap().iter();
    attempts
        .map(|one| one["outcome"].as_str().unwrap().to_owned())
        .collect()
}

/// Where a run stands.
pub fn status(detail: &Value) -> &str {
    detail["run"]["status"].as_str().unwrap()
}
