//! What code says of its connection (`verify`, `cert`, `proxies`) is done where the operator has it for the project, and refused
//! otherwise, by the exception that it meets outside and with the lines that would allow it.

use serde_json::{Value, json};
use system_tests::{Authority, Place, Project, Receiver, Server, conversation};

use crate::support::{send, setup};

const FUNCTION: &str = r#"
import pathlib

import requests

HERE = pathlib.Path(__file__).parent


def end_function(conv):
    conv.state.told = {name: told(name, **asked) for name, asked in conv.state.tries.items()}


def told(name, url, **more):
    for file in ("verify", "cert"):
        if isinstance(more.get(file), str):
            more[file] = str(HERE / more[file])
    try:
        return requests.post(url, json={"mark": name}, timeout=20, **more).status_code
    except requests.RequestException as error:
        return f"{type(error).__name__}: {error}"
"#;

/// Runs the tries in a project, and gives what came of each.
fn told(server: &Server<'_>, project: &str, tries: &Value) -> Value {
    let run = send(server, project, &conversation(project, &json!({"tries": tries})));
    let detail = server.finished(&run);
    detail["state_after"]["told"].clone()
}

/// A line of a refusal. Exceptions show line ends as they are, or as Python spells them within another text.
fn has_line(told: &Value, section: &str, line: &str) -> bool {
    let told = told.as_str().unwrap();
    [format!("{section}\n{line}"), format!("{section}\\n{line}")]
        .iter()
        .any(|lines| told.contains(lines.as_str()))
}

fn project(files: &[(&str, &[u8])]) -> Project {
    let project = Project::of(FUNCTION);
    for (name, content) in files {
        project.write(&format!("functions/{name}"), content);
    }
    project
}

#[test]
fn whom_code_believes_is_the_operators_to_say_for_each_project() {
    let place = Place::new();
    let (ours, theirs) = (place.path("ours.pem"), place.path("theirs.pem"));
    let crm = Receiver::https(&Authority::new(&ours), false);
    let old = Receiver::https(&Authority::new(&theirs), false);
    let server = setup(&place)
        .set("gateway.projects.one.ca_files", ours.display())
        .set("gateway.projects.one.sandbox.allow_unverified", "127.0.0.0/8")
        .start();
    let (ours, theirs) = (std::fs::read(&ours).unwrap(), std::fs::read(&theirs).unwrap());
    let project = project(&[("ours.pem", &ours), ("theirs.pem", &theirs), ("client.pem", b"")]);
    for name in ["one", "two"] {
        server.deploy(project.path(), name);
    }
    let tries = json!({
        "usual": {"url": crm.url()},
        "named": {"url": crm.url(), "verify": "ours.pem"},
        "unknown": {"url": old.url(), "verify": "theirs.pem"},
        "stranger": {"url": old.url()},
        "unverified": {"url": old.url(), "verify": false},
        "certified": {"url": crm.url(), "cert": "client.pem"},
    });

    let one = told(&server, "one", &tries);
    for (name, came) in [("usual", 201), ("named", 201), ("unverified", 201)] {
        assert_eq!(one[name], came, "{name}: {one:#}");
    }
    let of_one = "[gateway.projects.one]";
    assert!(
        has_line(&one["unknown"], of_one, "ca_files = [\"/path/to/theirs.pem\"]"),
        "{one:#}"
    );
    assert!(has_line(&one["stranger"], of_one, "ca_files = ["), "{one:#}");
    let certificate = "certificate = \"/path/to/client.pem\"";
    let host = crm.host().split(':').next().unwrap().to_owned();
    let section = format!("[gateway.client_certificates.\"{host}\"]");
    assert!(has_line(&one["certified"], &section, certificate), "{one:#}");

    let two = told(&server, "two", &tries);
    for (name, line) in [
        ("usual", "ca_files = ["),
        ("named", "ca_files = [\"/path/to/ours.pem\"]"),
        ("unknown", "ca_files = [\"/path/to/theirs.pem\"]"),
        ("stranger", "ca_files = ["),
    ] {
        assert!(has_line(&two[name], "[gateway]", line), "{name}: {two:#}");
    }
    let host = old.host().split(':').next().unwrap().to_owned();
    let line = format!("allow_unverified = [\"{host}\"]");
    assert!(
        has_line(&two["unverified"], "[gateway.projects.two]", &line),
        "{two:#}"
    );
    assert!(has_line(&two["certified"], &section, certificate), "{two:#}");

    for refused in [&one["unknown"], &one["stranger"], &one["certified"]]
        .into_iter()
        .chain(two.as_object().unwrap().values())
    {
        let refused = refused.as_str().unwrap();
        assert!(refused.starts_with("SSLError: "), "{refused}");
    }
    let marks =
        |receiver: &Receiver| -> Vec<String> { receiver.seen().iter().map(|seen| seen.mark()).collect() };
    assert_eq!(marks(&crm), ["usual", "named"]);
    assert_eq!(marks(&old), ["unverified"]);
}

#[test]
fn by_which_proxy_a_request_leaves_is_the_operators_to_say_for_each_project() {
    let place = Place::new();
    let (own, other, direct) = (Receiver::new(), Receiver::new(), Receiver::new());
    let server = setup(&place).set("gateway.projects.one.proxy", own.url()).start();
    let project = project(&[]);
    for name in ["one", "two"] {
        server.deploy(project.path(), name);
    }
    let by = |proxy: &Receiver| json!({"http": proxy.url(), "https": proxy.url()});
    let tries = json!({
        "silent": {"url": direct.url()},
        "own": {"url": direct.url(), "proxies": by(&own)},
        "other": {"url": direct.url(), "proxies": by(&other)},
        "tunnel": {"url": "https://127.0.0.1:1/", "proxies": by(&other)},
    });
    let one = told(&server, "one", &tries);
    assert_eq!(
        (&one["silent"], &one["own"]),
        (&json!(201), &json!(201)),
        "{one:#}"
    );
    let two = told(&server, "two", &tries);
    assert_eq!(two["silent"], 201, "{two:#}");

    for (name, told, section, proxy) in [
        ("other", &one, "[gateway.projects.one]", &other),
        ("tunnel", &one, "[gateway.projects.one]", &other),
        ("other", &two, "[gateway.projects.two]", &other),
        ("tunnel", &two, "[gateway.projects.two]", &other),
        ("own", &two, "[gateway.projects.two]", &own),
    ] {
        let refused = told[name].as_str().unwrap();
        assert!(
            refused.starts_with("ProxyError: ") && refused.contains("AC0401"),
            "{refused}"
        );
        let line = format!("proxy = \"{}\"", proxy.url());
        assert!(has_line(&told[name], section, &line), "{refused}");
    }
    let seen = |receiver: &Receiver| -> Vec<String> {
        let all = receiver.seen();
        all.iter()
            .map(|seen| format!("{} {}", seen.mark(), seen.path))
            .collect()
    };
    let whole = format!("{}/", direct.url());
    assert_eq!(seen(&own), [format!("silent {whole}"), format!("own {whole}")]);
    assert_eq!(seen(&direct), ["silent /"]);
    assert!(seen(&other).is_empty());
}

#[test]
fn a_section_of_a_project_that_is_not_there_is_named_at_the_start() {
    let place = Place::new();
    let first = setup(&place).start();
    first.deploy(project(&[]).path(), "refunds");
    first.kill();
    let server = setup(&place)
        .set("gateway.projects.refunds.live.proxy", "")
        .set("gateway.projects.refnuds.live.proxy", "")
        .start();
    let log = server.log_tail();
    assert!(log.contains("gateway.projects.refnuds.live"), "{log}");
    assert!(!log.contains("gateway.projects.refunds"), "{log}");
}
