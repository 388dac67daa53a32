//! Whatever keeps requirements from being installed is told with its code, its line, pip's reason and what to do.

use std::fs;
use std::time::Duration;

use serde_json::{Value, json};
use system_tests::{Project, conversation, now, run_with};
use tempfile::TempDir;

use crate::index::Index;
use crate::wheels::Wheelhouse;

/// A user's cache, and a project that is invoked with it.
struct Bench {
    cache: TempDir,
    project: Project,
}

impl Bench {
    fn new() -> Self {
        Self {
            cache: TempDir::new().unwrap(),
            project: Project::of("def end_function(conv):\n    pass\n"),
        }
    }

    /// Invokes the project with these requirements under these settings: exit status, the error, and all that was told.
    fn invoke(&self, requirements: &str, settings: &[(&str, &str)]) -> (i32, Value, String) {
        self.project.write("requirements.txt", requirements.as_bytes());
        let mut arguments = vec!["--json".to_owned()];
        for (name, value) in settings {
            arguments.extend(["--set".to_owned(), format!("{name}={value}")]);
        }
        let call = self.cache.path().join("call.json");
        fs::write(&call, conversation("call", &json!({})).to_string()).unwrap();
        let paths = [self.project.path(), &call].map(|path| path.display().to_string());
        arguments.push("invoke".to_owned());
        arguments.extend(paths);
        let cache = self.cache.path().as_os_str();
        let ended = run_with(&[("XDG_CACHE_HOME", cache)], arguments);
        let last = ended.err.lines().last().unwrap_or_default();
        let told = serde_json::from_str(last).unwrap_or(Value::Null);
        (ended.status, told, ended.err)
    }

    /// The same, which must fail with this code, say all of these, and tell what to do.
    #[track_caller]
    fn refused(&self, requirements: &str, settings: &[(&str, &str)], code: &str, says: &[&str]) {
        let (status, told, all) = self.invoke(requirements, settings);
        let error = &told["error"];
        assert_eq!(
            (status, error["code"].as_str()),
            (2, Some(code)),
            "{requirements}: {all}"
        );
        let message = format!(
            "{} {}",
            error["place"].as_str().unwrap_or_default(),
            error["message"]
        );
        for expected in says {
            assert!(
                message.contains(expected),
                "{requirements}: no {expected:?} in {message}"
            );
        }
        assert!(!error["fix"].as_str().unwrap_or_default().is_empty(), "{all}");
        println!("{code} {message}\n      {}", error["fix"].as_str().unwrap());
    }
}

#[test]
fn what_cannot_be_installed_is_told_with_its_line_and_what_to_do() {
    let house = Wheelhouse::of(&[
        ("calls", "1.0", &["common<2"]),
        ("texts", "1.0", &["common>=2"]),
        ("common", "1.0", &[]),
        ("common", "2.0", &[]),
    ]);
    let source = json!({"name": "sourced", "version": "1.0", "source": "", "tag": "sdist",
                        "backend": "def hooked(name, content, directory):\n    raise SystemExit('never run')\n"});
    house.make(&source);
    house.make(&json!({"name": "foreign", "version": "1.0", "source": "", "tag": "cp27-cp27m-win32"}));
    let bench = Bench::new();
    let path = house.path().to_str().unwrap();
    let from = [("dependencies.wheelhouse", path)];

    let conflict = "calls\ntexts\n";
    bench.refused(
        conflict,
        &from,
        "AC0214",
        &["requirements.txt", "common<2", "common>=2"],
    );
    let missing = "# first\ncommon\nno-such-thing>=1\n";
    bench.refused(
        missing,
        &from,
        "AC0214",
        &["requirements.txt:3", "no-such-thing", "nothing of that name"],
    );
    let versions = ["requirements.txt:1", "there are the versions 1.0, 2.0"];
    bench.refused("common>=3", &from, "AC0214", &versions);
    bench.refused(
        "common\nsourced\n",
        &from,
        "AC0215",
        &["requirements.txt:2", "source only"],
    );
    bench.refused("foreign", &from, "AC0215", &["other versions of Python"]);
    bench.refused("-e .", &from, "AC0218", &["requirements.txt:1", "-e installs"]);
    let url = "common\n--index-url http://me:hunter2@127.0.0.1/\n";
    bench.refused(
        url,
        &from,
        "AC0218",
        &["requirements.txt:2", "the operator's to say"],
    );
    let nowhere = [("dependencies.wheelhouse", "/nonexistent")];
    bench.refused("common", &nowhere, "AC0216", &["/nonexistent is not a folder"]);
    let (status, _, told) = bench.invoke("common", &from);
    assert_eq!(status, 0, "{told}");
}

#[test]
fn an_index_that_does_not_answer_is_given_up_in_time() {
    let house = Wheelhouse::of(&[("common", "1.0", &[])]);
    let index = Index::over(house.path());
    index.stall(true);
    let bench = Bench::new();
    let settings = [
        ("dependencies.index_url", &*index.url()),
        ("dependencies.timeout_s", "3"),
    ];
    let began = now();
    bench.refused("common", &settings, "AC0216", &["took longer than 3 s"]);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());

    let wrong = index.url().replace("hunter2", "hunter3");
    let url = [("dependencies.index_url", &*wrong)];
    bench.refused(
        "common",
        &url,
        "AC0216",
        &["does not accept the user and password"],
    );

    // Nobody listens on a port that was just given back.
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let url = format!("http://127.0.0.1:{port}/simple");
    bench.refused(
        "common",
        &[("dependencies.index_url", &*url)],
        "AC0216",
        &["cannot be reached"],
    );
}

#[test]
fn a_file_that_was_changed_since_it_was_locked_is_not_installed() {
    let house = Wheelhouse::of(&[("common", "1.0", &[])]);
    let bench = Bench::new();
    let settings = [("dependencies.wheelhouse", house.path().to_str().unwrap())];
    let (status, _, told) = bench.invoke("common\n", &settings);
    assert_eq!(status, 0, "{told}");
    let environments = bench.cache.path().join("aftercall/environments");
    for entry in fs::read_dir(&environments).unwrap() {
        let path = entry.unwrap().path();
        if path.file_name().unwrap().len() == 64 {
            fs::remove_dir_all(path).unwrap();
        }
    }
    let source = "import os  # what nobody asked for\n";
    house.make(&json!({"name": "common", "version": "1.0", "source": source}));
    bench.refused(
        "common\n",
        &settings,
        "AC0217",
        &["requirements.txt:1", "other bytes", "Expected sha256"],
    );
    let left = fs::read_dir(&environments).unwrap();
    let names: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name.len() != 64), "{names:?}");

    let hash = format!("common==1.0 --hash=sha256:{}\n", "00".repeat(32));
    bench.refused(&hash, &settings, "AC0217", &["requirements.txt:1", "other bytes"]);
}

#[test]
fn what_is_installed_for_an_invoke_stays_in_the_users_cache_and_is_told_once() {
    let house = Wheelhouse::of(&[("common", "1.0", &[])]);
    let bench = Bench::new();
    let settings = [("dependencies.wheelhouse", house.path().to_str().unwrap())];
    let (_, _, told) = bench.invoke("common\n", &settings);
    assert!(told.contains("installing common 1.0"), "{told}");
    house.empty();
    let (status, _, told) = bench.invoke("common\n", &settings);
    assert_eq!((status, &*told), (0, ""));

    // What every project is given, unless it says otherwise itself.
    house.add("common", "1.0", &[]);
    house.add("given", "3.0", &[]);
    let base = [settings[0], ("dependencies.base", "given,common>=7")];
    let (status, _, told) = bench.invoke("common<2\n", &base);
    assert_eq!(status, 0, "{told}");
    assert!(told.contains("installing common 1.0, given 3.0"), "{told}");
}
