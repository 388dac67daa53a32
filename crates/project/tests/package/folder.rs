//! From a folder, or one file.

use std::fs;
use std::os::unix::fs::symlink;

use project::Package;

use crate::{FUNCTION, code, names, write};

#[test]
fn a_folder_is_read_without_what_belongs_to_one_machine() {
    let root = tempfile::tempdir().unwrap();
    let kept = [
        "functions/__init__.py",
        "functions/end_function.py",
        "functions/helper.py",
        "project.yaml",
    ];
    for name in kept {
        write(root.path(), name, FUNCTION);
    }
    for name in [
        ".git/config",
        ".env",
        ".venv/bin/python",
        "venv/lib/x.py",
        "node_modules/x/index.js",
        "functions/__pycache__/helper.cpython-311.pyc",
        "functions/helper.pyc",
        ".aftercall/cache",
    ] {
        write(root.path(), name, "x");
    }
    let package = Package::from_folder(root.path()).unwrap();
    assert_eq!(names(&package), kept);
    assert_eq!(package.entry(), "functions/end_function.py");
}

#[test]
fn the_ignore_file_works_as_a_gitignore_does() {
    let root = tempfile::tempdir().unwrap();
    for name in [
        "end_function.py",
        "data/big.bin",
        "notes.md",
        "keep.md",
        "functions/scratch.py",
    ] {
        write(root.path(), name, FUNCTION);
    }
    write(
        root.path(),
        ".aftercallignore",
        "# not needed\n/data/\n*.md\n!keep.md\n",
    );
    write(root.path(), "functions/.aftercallignore", "scratch.py\n");
    assert_eq!(
        names(&Package::from_folder(root.path()).unwrap()),
        ["end_function.py", "keep.md"]
    );
}

#[test]
fn one_file_is_a_project() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "after_the_call.py", FUNCTION);
    write(root.path(), "other.py", FUNCTION);
    let package = Package::from_folder(&root.path().join("after_the_call.py")).unwrap();
    assert_eq!(
        (names(&package), package.entry()),
        (vec!["after_the_call.py"], "after_the_call.py")
    );
    assert_eq!(Package::from_tar(&package.to_tar()).unwrap(), package);
}

#[test]
fn the_entry_file_of_a_whole_project_stands_for_the_project() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "functions/end_function.py", FUNCTION);
    write(root.path(), "functions/helper.py", FUNCTION);
    let by_file = Package::from_folder(&root.path().join("functions/end_function.py")).unwrap();
    assert_eq!(by_file, Package::from_folder(root.path()).unwrap());
}

#[test]
fn without_an_entry_point_the_way_to_one_is_told() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "functions/other.py", FUNCTION);
    let error = Package::from_folder(root.path()).unwrap_err();
    assert_eq!(code(&error), "AC0201");
    assert!(error.fix.contains("aftercall init"), "{}", error.fix);
    assert_eq!(
        code(&Package::from_folder(&root.path().join("nowhere")).unwrap_err()),
        "AC0213"
    );
}

#[test]
fn links_are_followed_inside_the_project_and_refused_when_they_lead_out() {
    let outside = tempfile::tempdir().unwrap();
    write(outside.path(), "secret.py", "password = 1");
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "end_function.py", FUNCTION);
    write(root.path(), "shared/helper.py", FUNCTION);
    fs::create_dir(root.path().join("functions")).unwrap();
    symlink("../shared/helper.py", root.path().join("functions/helper.py")).unwrap();
    let package = Package::from_folder(root.path()).unwrap();
    assert_eq!(package.files()["functions/helper.py"], FUNCTION.as_bytes());

    symlink(
        outside.path().join("secret.py"),
        root.path().join("functions/stolen.py"),
    )
    .unwrap();
    let error = Package::from_folder(root.path()).unwrap_err();
    assert_eq!(
        (code(&error), error.file.as_deref()),
        ("AC0208", Some("functions/stolen.py"))
    );
    fs::remove_file(root.path().join("functions/stolen.py")).unwrap();

    symlink(outside.path(), root.path().join("library")).unwrap();
    assert_eq!(code(&Package::from_folder(root.path()).unwrap_err()), "AC0208");
    fs::remove_file(root.path().join("library")).unwrap();

    symlink("..", root.path().join("functions/round")).unwrap();
    assert!(Package::from_folder(root.path()).is_err(), "a loop of links ends");
}

#[test]
fn what_is_no_file_is_not_read() {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), "end_function.py", FUNCTION);
    // Opening the reading end of a pipe would wait for a writer.
    assert!(
        std::process::Command::new("mkfifo")
            .arg(root.path().join("pipe"))
            .status()
            .unwrap()
            .success()
    );
    assert_eq!(
        names(&Package::from_folder(root.path()).unwrap()),
        ["end_function.py"]
    );
}
