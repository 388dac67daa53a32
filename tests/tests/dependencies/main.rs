//! What a project's requirements become: found once, locked, installed for it alone, and never anything else.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod index;
mod installer;
mod refused;
mod wheels;

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use system_tests::{Place, Project, Server, begin, conversation, until};

use index::Index;
use wheels::Wheelhouse;

/// A project that tells which version of `greeting` it was given.
fn greeting(requirements: &str) -> Project {
    let project = Project::of(
        "import greeting\n\n\ndef end_function(conv):\n    conv.state.version = greeting.VERSION\n    \
         conv.state.file = greeting.__file__\n",
    );
    project.write("requirements.txt", requirements.as_bytes());
    project
}

/// Runs one conversation, and gives the state that it left.
#[track_caller]
fn state(server: &Server<'_>, project: &str, id: &str) -> Value {
    let run = server
        .send_all(project, &[conversation(id, &json!({}))])
        .remove(0);
    let detail = server.finished(&run);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    detail["state_after"].clone()
}

/// The environments that are there.
fn environments(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder.join("environments")).into_iter().flatten();
    let mut all: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    all.retain(|path| path.file_name().unwrap().len() == 64);
    all.sort();
    all
}

fn packages(deployment: &Value) -> Vec<String> {
    let all = deployment["packages"].as_array().unwrap();
    all.iter()
        .map(|one| {
            format!(
                "{} {}",
                one["name"].as_str().unwrap(),
                one["version"].as_str().unwrap()
            )
        })
        .collect()
}

#[test]
fn requirements_are_found_once_locked_and_shown_and_those_who_need_the_same_share_them() {
    let place = Place::new();
    let house = Wheelhouse::of(&[
        ("greeting", "1.0", &["manners>=2"]),
        ("manners", "1.0", &[]),
        ("manners", "2.5", &[]),
    ]);
    let server = place
        .server()
        .set("dependencies.wheelhouse", house.path().display())
        .start();
    let project = greeting("greeting  # to be polite\n");
    let first = server.deploy(project.path(), "one");
    assert_eq!(packages(&first), ["greeting 1.0", "manners 2.5"]);
    assert_eq!(first["packages"][0]["file"], "greeting-1.0-py3-none-any.whl");
    let shown = server.cli(&["deployments", "show", first["id"].as_str().unwrap()]);
    assert!(shown.expect(0).out.contains("2 (greeting 1.0, manners 2.5)"));
    let left = state(&server, "one", "one-1");
    assert_eq!(left["version"], "1.0");

    // Nothing can be installed from now on, and nothing has to be.
    house.empty();
    assert_eq!(server.deploy(project.path(), "one")["id"], first["id"]);
    project.write("functions/other.py", b"");
    let second = server.deploy(project.path(), "two");
    assert_eq!(packages(&second), packages(&first));
    assert_eq!(state(&server, "two", "two-1")["file"], left["file"]);
    assert_eq!(environments(place.data()).len(), 1);
    assert!(
        left["file"]
            .as_str()
            .unwrap()
            .starts_with(environments(place.data())[0].to_str().unwrap())
    );
}

#[test]
fn two_projects_have_each_their_own_version_of_one_package() {
    let place = Place::new();
    let house = Wheelhouse::of(&[("greeting", "1.0", &[]), ("greeting", "2.0", &[])]);
    let server = place
        .server()
        .set("dependencies.wheelhouse", house.path().display())
        .start();
    let peek = "import glob\nfrom pathlib import Path\n\nimport greeting\n\n\ndef end_function(conv):\n    \
                conv.state.version = greeting.VERSION\n    \
                own = Path(greeting.__file__).parents[2]\n    conv.state.found = []\n    \
                for name in conv.state.others:\n        try:\n            \
                conv.state.found = [*conv.state.found, (Path(name) / 'site-packages/greeting/__init__.py').read_text()] \
                if Path(name) != own else conv.state.found\n        \
                except PermissionError:\n            conv.state.refused = True\n";
    for (name, requirement) in [("old", "greeting<2"), ("new", "greeting>=2")] {
        let project = Project::of(peek);
        project.write("requirements.txt", requirement.as_bytes());
        server.deploy(project.path(), name);
    }
    let all = environments(place.data());
    assert_eq!(all.len(), 2);
    for (name, version) in [("old", "1.0"), ("new", "2.0"), ("old", "1.0")] {
        let document = conversation(&format!("{name}-{}", rand(&server)), &json!({ "others": all }));
        let run = server.send_all(name, &[document]).remove(0);
        let left = server.finished(&run)["state_after"].clone();
        assert_eq!(left["version"], version, "{left:#}");
        assert_eq!(left["refused"], true, "it cannot read the other's: {left:#}");
        assert_eq!(left["found"], json!([]));
    }
}

/// A number that no other conversation of this server has: how many there are.
fn rand(server: &Server<'_>) -> usize {
    server.runs("").len()
}

#[test]
fn an_environment_that_was_lost_is_the_same_again_whatever_there_is_by_then() {
    let place = Place::new();
    let house = Wheelhouse::of(&[("greeting", "1.0", &[])]);
    let setup = place
        .server()
        .set("dependencies.wheelhouse", house.path().display());
    let project = greeting("greeting>=1\n");
    let server = setup.start();
    let first = server.deploy(project.path(), "one");
    server.terminate();
    server.wait_until_ended();
    drop(server);

    house.add("greeting", "2.0", &[]);
    fs::remove_dir_all(place.data().join("environments")).unwrap();
    let server = setup.start();
    assert_eq!(state(&server, "one", "one-1")["version"], "1.0");
    assert_eq!(server.deploy(project.path(), "one")["id"], first["id"]);
    // What its author changes is resolved anew.
    project.write("requirements.txt", b"greeting>=1  # now with 2.0\n");
    let second = server.deploy(project.path(), "one");
    assert_ne!(second["id"], first["id"]);
    assert_eq!(packages(&second), ["greeting 2.0"]);
    assert_eq!(state(&server, "one", "one-2")["version"], "2.0");
    drop(server);

    // What no deployment names goes at the next start, the rest stays.
    let strange = place.data().join("environments").join("5e".repeat(32));
    fs::create_dir(&strange).unwrap();
    drop(setup.start());
    assert!(!strange.exists());
    assert_eq!(environments(place.data()).len(), 2);
}

#[test]
fn an_index_is_asked_with_its_password_which_is_never_told() {
    let place = Place::new();
    let house = Wheelhouse::of(&[("greeting", "1.0", &[])]);
    let index = Index::over(house.path());
    let server = place
        .server()
        .set("dependencies.index_url", index.url())
        .set("log", "debug")
        .start();
    let project = greeting("greeting\n");
    server.deploy(project.path(), "one");
    assert_eq!(state(&server, "one", "one-1")["version"], "1.0");
    let asked = index.requests();
    assert!(asked > 0);
    let again = server.cli(&["deploy", project.path().to_str().unwrap(), "--project", "one"]);
    again.expect(0);
    assert_eq!(
        index.requests(),
        asked,
        "what is locked and there is not asked for"
    );

    project.write("requirements.txt", b"greeting\nnowhere-to-be-found\n");
    let failed = server.cli(&[
        "deploy",
        project.path().to_str().unwrap(),
        "--project",
        "one",
        "--json",
    ]);
    assert!(
        failed.err.contains("AC0214") && failed.err.contains("nowhere-to-be-found"),
        "{failed:#?}"
    );
    let shown = server.cli(&["config", "show", "--running"]).expect(0).out;
    assert!(shown.contains("http://127.0.0.1"), "{shown}");
    for told in [failed.out, failed.err, shown, server.log_tail()] {
        assert!(!told.contains("hunter2"), "{told}");
    }
    server.terminate();
    server.wait_until_ended();
    let log = fs::read_to_string(place.path("serve.log")).unwrap();
    assert!(!log.contains("hunter2"), "{log}");
    for file in files_below(place.data()) {
        let content = fs::read(&file).unwrap();
        let found = content.windows(7).any(|window| window == b"hunter2");
        assert!(!found, "the password is in {}", file.display());
    }
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            all.extend(files_below(&path));
        } else if path.is_file() {
            all.push(path);
        }
    }
    all
}

#[test]
fn a_server_that_is_killed_while_it_installs_leaves_nothing_and_installs_at_the_next_try() {
    let place = Place::new();
    let house = Wheelhouse::of(&[("greeting", "1.0", &[])]);
    let index = Index::over(house.path());
    index.stall(true);
    let setup = place.server().set("dependencies.index_url", index.url());
    let project = greeting("greeting\n");
    let server = setup.start();
    let socket = place.data().to_str().unwrap().to_owned();
    let folder = project.path().to_str().unwrap();
    let mut client = begin(["--data", &*socket, "deploy", folder, "--project", "one"]);
    until("the installer waits for a file", || {
        (index.waiting() > 0).then_some(())
    });
    let under_way = server.processes().len();
    assert!(under_way >= 3, "launcher, installer and pip: {under_way}");
    server.kill();
    server.wait_until_nothing_is_left();
    client.wait().unwrap();
    drop(server);

    index.stall(false);
    let server = setup.start();
    assert_eq!(environments(place.data()).len(), 0);
    server.deploy(project.path(), "one");
    assert_eq!(state(&server, "one", "one-1")["version"], "1.0");
    let work = place.data().join("environments/work");
    let left = fs::read_dir(work).map_or(0, Iterator::count);
    assert_eq!(left, 0, "what the killed one had begun is removed");
}

#[test]
fn of_many_who_deploy_the_same_at_once_one_installs() {
    let place = Place::new();
    let house = Wheelhouse::of(&[("greeting", "1.0", &[])]);
    let index = Index::over(house.path());
    let server = place.server().set("dependencies.index_url", index.url()).start();
    let project = greeting("greeting\n");
    let socket = place.data().to_str().unwrap().to_owned();
    let clients: Vec<_> = (0..4)
        .map(|number| {
            let name = format!("p{number}");
            let folder = project.path().to_str().unwrap();
            begin(["--data", &*socket, "deploy", folder, "--project", &name])
        })
        .collect();
    for mut client in clients {
        assert!(client.wait().unwrap().success());
    }
    let files = index.requests();
    assert_eq!(environments(place.data()).len(), 1);
    assert!(
        files <= 6,
        "one resolves and installs, the others wait: {files} requests"
    );
    drop(server);
}
