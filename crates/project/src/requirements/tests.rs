#![allow(clippy::unwrap_used)]

use super::*;

fn project(files: &[(&str, &str)]) -> BTreeMap<String, Vec<u8>> {
    let own = |(name, text): &(&str, &str)| ((*name).to_owned(), text.as_bytes().to_vec());
    files.iter().map(own).collect()
}

fn read(text: &str) -> Result<Requirements, ProjectError> {
    Requirements::of_project(&project(&[(REQUIREMENTS_FILE, text)]))
}

#[test]
fn requirements_are_read_as_pip_reads_them() {
    let text = "\u{feff}# what we need\nRequests[socks] >=2.31,<3  # HTTP\n\ntyping_extensions ; python_version < \"3.13\"\n\
                orjson==3.11.0 \\\n    --hash=sha256:00aa \\\n    --hash=sha256:11bb\npydantic~=2.0\nsix\n";
    let found = read(text).unwrap();
    let all: Vec<_> = found
        .packages()
        .iter()
        .map(|one| (&*one.name, one.line))
        .collect();
    assert_eq!(
        all,
        [
            ("requests", 2),
            ("typing-extensions", 4),
            ("orjson", 5),
            ("pydantic", 8),
            ("six", 9)
        ]
    );
    assert_eq!(found.packages()[0].text, "Requests[socks] >=2.31,<3");
    assert!(found.packages()[2].text.ends_with("--hash=sha256:11bb"));
    assert!(read("# nothing\n\n").unwrap().is_empty());
    assert!(Requirements::of_project(&project(&[])).unwrap().is_empty());
}

#[test]
fn every_way_out_of_the_rules_is_refused_with_its_line_and_what_to_do() {
    let escapes = [
        ("-r ../other.txt", "outside of the project"),
        ("-r /etc/passwd", "outside of the project"),
        ("-r missing.txt", "not a file of the project"),
        ("-c ../../limits.txt", "outside of the project"),
        ("-r https://host/r.txt", "names no file of the project"),
        ("-e .", "-e installs from a folder"),
        ("--editable=git+https://host/x", "--editable installs"),
        ("-e.", "-e installs"),
        (
            "--index-url https://user:hunter2@host/simple",
            "the operator's to say",
        ),
        ("-i https://user:hunter2@host/simple", "the operator's to say"),
        ("--extra-index-url=https://host", "the operator's to say"),
        ("-f /srv/wheels", "the operator's to say"),
        ("--trusted-host host", "the operator's to say"),
        ("--no-binary :all:", "built from source"),
        ("--pre", "pre-releases"),
        ("--some-option", "not allowed here"),
        ("file:///srv/x.whl", "URL or repository"),
        ("file:x.whl", "URL or repository"),
        ("git+https://host/x.git", "URL or repository"),
        ("x @ https://host/x.whl", "URL or repository"),
        ("x@file:/srv/x", "URL or repository"),
        ("https://user:hunter2@host/x.whl", "URL or repository"),
        ("./x", "file or folder"),
        ("x-1.0-py3-none-any.whl", "file or folder"),
        ("folder/x", "file or folder"),
        ("~/x", "file or folder"),
        ("six --global-option=--x", "--global-option"),
        ("six -r other", "is no requirement"),
        ("six==1 -e .", "has the option -e"),
        ("two words", "is no requirement"),
        ("a[b", "is no requirement"),
        ("=1.0", "is no requirement"),
    ];
    for (line, expected) in escapes {
        let error = read(&format!("six\n{line}\n")).expect_err(line);
        assert_eq!(error.code, Code::BadRequirement, "{line}");
        assert_eq!(
            (error.file.as_deref(), error.line),
            (Some(REQUIREMENTS_FILE), Some(2)),
            "{line}"
        );
        assert!(error.message.contains(expected), "{line}: {error}");
        assert!(!error.fix.is_empty());
        assert!(!format!("{error:?}").contains("hunter2"), "{line}: {error:?}");
    }
}

#[test]
fn files_of_the_project_may_be_referred_to_also_in_a_circle() {
    let files = [
        (
            "requirements.txt",
            "-r lists/base.txt\n--constraint lists/limits.txt\nsix\n",
        ),
        ("lists/base.txt", "-r ../requirements.txt\n-rmore.txt\nrequests\n"),
        ("lists/more.txt", "idna\n"),
        ("lists/limits.txt", "urllib3<3\n"),
    ];
    let found = Requirements::of_project(&project(&files)).unwrap();
    let names = |all: &[Requirement]| all.iter().map(|one| one.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(found.packages()), ["idna", "requests", "six"]);
    assert_eq!(names(found.constraints()), ["urllib3"]);
    assert_eq!(found.packages()[0].file, "lists/more.txt");

    let mut other = files;
    other[3].1 = "urllib3<3 # for now\n";
    let other = Requirements::of_project(&project(&other)).unwrap();
    assert_ne!(other.digest(), found.digest(), "a comment makes another");
}

#[test]
fn of_what_a_server_gives_to_all_a_projects_own_word_holds() {
    let base = Requirements::of_lines(
        "dependencies.base",
        &["Requests>=2.31".to_owned(), "pydantic>=2".to_owned()],
    );
    let both = read("requests==2.30\n").unwrap().with_base(&base.unwrap());
    let texts: Vec<_> = both.packages().iter().map(|one| &*one.text).collect();
    assert_eq!(texts, ["requests==2.30", "pydantic>=2"]);
    let error = Requirements::of_lines("dependencies.base", &["-r x".to_owned()]).unwrap_err();
    assert_eq!(error.file.as_deref(), Some("dependencies.base"));
}
