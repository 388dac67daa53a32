//! Code that runs while a package is built reaches nothing but its folder and the network, and outlives nothing.

use std::fs;
use std::path::Path;

use serde_json::json;
use system_tests::{Place, Process, Project, conversation, until};

use crate::wheels::Wheelhouse;

/// Tries to get out while it builds, and puts what came of it into the wheel.
const BACKEND: &str = r#"
import io, json, os, subprocess, sys

def attempt(what):
    try:
        return repr(what())
    except OSError as error:
        return f"refused {error.errno}"

def hooked(name, content, directory):
    daemon = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=True,
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = {
        "user": os.getuid(),
        "groups": os.getgroups(),
        "daemon": daemon.pid,
        "shadow": attempt(lambda: open("/etc/shadow").read()),
        "secret": attempt(lambda: open(SECRET).read()),
        "data": attempt(lambda: os.listdir(os.path.dirname(SECRET))),
        "write": attempt(lambda: open("/var/tmp/escaped", "w")),
        "tmp": attempt(lambda: open("/tmp/escaped", "w")),
        "kill": attempt(lambda: os.kill(1, 0)),
        "environment": sorted(os.environ),
    }
    archive = zipfile.ZipFile(io.BytesIO(content))
    with zipfile.ZipFile(os.path.join(directory, name), "w") as built:
        for entry in archive.namelist():
            text = archive.read(entry)
            if entry.endswith("__init__.py"):
                text = ("FOUND = " + json.dumps(found)).encode()
            if entry.endswith("RECORD"):
                text = b""
            built.writestr(entry, text)
    return name
"#;

#[test]
fn code_of_a_package_that_is_built_from_source_is_held() {
    let project =
        Project::of("import sourced\n\n\ndef end_function(conv):\n    conv.state.found = sourced.FOUND\n");
    project.write("requirements.txt", b"sourced\n");
    // Environments of the same Python are one: each has a place of its own here.
    for python in ["/usr/bin/python3", "python3"] {
        if !Path::new(python).exists() && python.starts_with('/') {
            println!("{python} is not there: not tried");
            continue;
        }
        let place = Place::new();
        let secret = place.data().join("master.key");
        let house = Wheelhouse::new();
        let backend = format!("SECRET = {:?}\n{BACKEND}", secret.to_str().unwrap());
        house.make(
            &json!({"name": "sourced", "version": "1.0", "source": "", "tag": "sdist", "backend": backend}),
        );
        let server = place
            .server()
            .set("python", python)
            .set("dependencies.wheelhouse", house.path().display())
            .set("dependencies.allow_source", true)
            .start();
        server.deploy(project.path(), "one");
        let id = format!("one-{}", python.len());
        let run = server.send_all("one", &[conversation(&id, &json!({}))]).remove(0);
        let detail = server.finished(&run);
        let found = &detail["state_after"]["found"];
        println!("{python}: {found:#}");
        for what in ["shadow", "secret", "data", "write", "tmp"] {
            assert_eq!(found[what], "refused 13", "{what}: {found:#}");
        }
        let own = rustix::process::getuid().as_raw();
        if own == 0 && python.starts_with('/') {
            assert_eq!((&found["user"], &found["groups"]), (&json!(65_534), &json!([])));
            assert_eq!(found["kill"], "refused 1", "{found:#}");
        }
        let names = found["environment"].as_array().unwrap();
        assert!(
            !names
                .iter()
                .any(|name| name.as_str().unwrap().starts_with("AFTERCALL")),
            "{names:?}"
        );
        let daemon = i32::try_from(found["daemon"].as_i64().unwrap()).unwrap();
        until("what it left running ends", || {
            Process::find(daemon).is_none().then_some(())
        });
        let leftovers = fs::read_dir("/var/tmp").unwrap();
        for entry in leftovers {
            let entry = entry.unwrap();
            let name = entry.file_name().into_string().unwrap();
            assert_ne!(name, "escaped");
        }
    }
}
