//! What a package promises, whether it comes from a folder or an archive.
#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use project::unpacked::{Contents, Put, digest};
use project::{MAX_BYTES, MAX_FILES, MAX_PATH_BYTES, Package, ProjectError, deployment_id, sweep_unfinished};
use proptest::prelude::*;
use tar::{Builder, EntryType, Header};

const FUNCTION: &str = "def end_function(conv):\n    pass\n";

fn write(root: &Path, name: &str, content: &str) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
}

fn names(package: &Package) -> Vec<&str> {
    package.files().keys().map(String::as_str).collect()
}

fn code(error: &ProjectError) -> &'static str {
    error.code.as_str()
}

type Entry<'a> = (&'a str, EntryType, &'a [u8]);

fn tar_of(entries: &[Entry<'_>]) -> Vec<u8> {
    let mut builder = Builder::new(Vec::new());
    for (name, kind, content) in entries {
        let mut header = Header::new_old();
        // Written into the header itself: the builder would refuse the paths that an attacker writes.
        header.as_mut_bytes()[..name.len()].copy_from_slice(name.as_bytes());
        header.set_entry_type(*kind);
        header.set_size(content.len() as u64);
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap()
}

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

#[test]
fn archives_that_reach_outside_are_refused() {
    use EntryType as T;
    let entry = ("end_function.py", T::Regular, FUNCTION.as_bytes());
    let bad: [(&str, &[Entry<'_>]); 9] = [
        ("parent", &[entry, ("../evil.py", T::Regular, b"x")]),
        ("inner parent", &[entry, ("a/../../evil.py", T::Regular, b"x")]),
        ("absolute", &[entry, ("/etc/evil.py", T::Regular, b"x")]),
        ("symlink", &[entry, ("link", T::Symlink, b"")]),
        ("hardlink", &[entry, ("link", T::Link, b"")]),
        ("device", &[entry, ("null", T::Char, b"")]),
        ("pipe", &[entry, ("pipe", T::Fifo, b"")]),
        ("twice", &[entry, entry]),
        (
            "twice by another spelling",
            &[entry, ("./end_function.py", T::Regular, b"other")],
        ),
    ];
    for (what, entries) in bad {
        let error = Package::from_tar(&tar_of(entries)).unwrap_err();
        assert_eq!(code(&error), "AC0208", "{what}: {error}");
    }
    let both = [entry, ("a", T::Regular, b"".as_slice()), ("a/b", T::Regular, b"")];
    assert_eq!(code(&Package::from_tar(&tar_of(&both)).unwrap_err()), "AC0208");
}

#[test]
fn an_archive_cannot_announce_more_than_it_may_hold() {
    let mut header = Header::new_old();
    header.as_mut_bytes()[..8].copy_from_slice(b"large.py");
    header.set_entry_type(EntryType::Regular);
    header.set_size(MAX_BYTES + 1);
    header.set_cksum();
    let error = Package::from_tar(header.as_bytes()).unwrap_err();
    assert_eq!(code(&error), "AC0209", "{error}");
    header.set_size(4096);
    header.set_cksum();
    let error = Package::from_tar(header.as_bytes()).unwrap_err();
    assert_eq!(code(&error), "AC0208", "cut off: {error}");
    assert_eq!(
        code(&Package::from_tar(b"not a tar archive at all".repeat(100).as_slice()).unwrap_err()),
        "AC0208"
    );
    assert_eq!(code(&Package::from_tar(b"").unwrap_err()), "AC0201");
}

#[test]
fn the_limits_hold_to_the_file_and_byte() {
    let many = |count: usize| -> BTreeMap<String, Vec<u8>> {
        let files = (1..count).map(|n| (format!("{n}.txt"), Vec::new()));
        files
            .chain([("end_function.py".to_owned(), FUNCTION.into())])
            .collect()
    };
    assert!(Package::from_files(many(MAX_FILES)).is_ok());
    assert_eq!(
        code(&Package::from_files(many(MAX_FILES + 1)).unwrap_err()),
        "AC0209"
    );
    let long =
        |length: usize| BTreeMap::from([("end_function.py".into(), vec![]), ("x".repeat(length), vec![])]);
    let package = Package::from_files(long(MAX_PATH_BYTES)).unwrap();
    assert_eq!(
        Package::from_tar(&package.to_tar()).unwrap(),
        package,
        "long names survive the archive"
    );
    assert_eq!(
        code(&Package::from_files(long(MAX_PATH_BYTES + 1)).unwrap_err()),
        "AC0208"
    );
    let large = usize::try_from(MAX_BYTES).unwrap();
    let files = |more: &str| {
        BTreeMap::from([
            ("end_function.py".into(), vec![0; large]),
            ("b".into(), more.into()),
        ])
    };
    assert!(Package::from_files(files("")).is_ok());
    assert_eq!(code(&Package::from_files(files("1")).unwrap_err()), "AC0209");
}

#[test]
fn the_hash_names_all_that_decides_and_nothing_else() {
    let package = |files: &[(&str, &str)]| {
        let files = files
            .iter()
            .map(|(name, content)| ((*name).to_owned(), content.as_bytes().to_vec()));
        Package::from_files(files.collect()).unwrap()
    };
    let base = package(&[("end_function.py", FUNCTION), ("a", "bc")]);
    let hash = base.content_hash("cpython 3.11.7", "r1", None);
    assert_eq!(hash, base.content_hash("cpython 3.11.7", "r1", None));
    let others = [
        package(&[("end_function.py", FUNCTION), ("ab", "c")]).content_hash("cpython 3.11.7", "r1", None),
        package(&[("end_function.py", FUNCTION)]).content_hash("cpython 3.11.7", "r1", None),
        base.content_hash("cpython 3.12.0", "r1", None),
        base.content_hash("cpython 3.11.7", "r2", None),
        base.content_hash("cpython 3.11.7r", "1", None),
    ];
    assert!(others.iter().all(|other| *other != hash));
    // Of what it requires the bytes decide, not how they were asked for.
    let locked = |requirements: &str, sha256: &str| {
        let lock = domain::Lock {
            requirements: requirements.to_owned(),
            packages: vec![domain::LockedPackage {
                name: "six".to_owned(),
                version: "1.17.0".to_owned(),
                file: "six-1.17.0-py2.py3-none-any.whl".to_owned(),
                sha256: sha256.to_owned(),
            }],
        };
        base.content_hash("cpython 3.11.7", "r1", Some(&lock))
    };
    assert_ne!(locked("one", "aa"), hash);
    assert_ne!(locked("one", "aa"), locked("one", "bb"));
    assert_eq!(locked("one", "aa"), locked("other", "aa"));
    // Pinned: a change of the listing must change its version, or deployments are taken for others.
    let (desk, other) = ("desk".parse().unwrap(), "other".parse().unwrap());
    let pinned = deployment_id(&desk, &hash, 7).to_string();
    assert_eq!(pinned, PINNED);
    assert_ne!(deployment_id(&desk, &hash, 8).to_string(), pinned);
    assert_ne!(deployment_id(&other, &hash, 7).to_string(), pinned);
}
const PINNED: &str = "97c5d2fc52d2a67707ddf3c77bc6104bd82a2abaea54417907cedb21f3267a01";

#[test]
fn unpacking_is_all_or_nothing_and_may_be_repeated() {
    let root = tempfile::tempdir().unwrap();
    let parent = root.path().join("deployments");
    let files = [
        ("functions/end_function.py", FUNCTION),
        ("functions/deep/er/x.py", "x"),
        ("project.yaml", ""),
    ];
    let files = files.map(|(name, content)| (name.to_owned(), content.as_bytes().to_vec()));
    let package = Package::from_files(files.into()).unwrap();
    let folder = parent.join("abc");
    package.unpack(&folder).unwrap();
    package.unpack(&folder).unwrap();
    assert_eq!(Package::from_folder(&folder).unwrap(), package);
    let mode = |path: &Path| path.metadata().unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode(&folder.join("functions/deep/er/x.py")), 0o644);
    assert_eq!(mode(&folder.join("functions/deep")), 0o755);

    fs::create_dir(parent.join(".unfinished-1-0-def")).unwrap();
    fs::write(parent.join(".unfinished-1-0-def/half"), "x").unwrap();
    assert_eq!(sweep_unfinished(&parent).unwrap(), 1);
    assert_eq!(
        fs::read_dir(&parent).unwrap().count(),
        1,
        "only what is finished is left"
    );
    assert_eq!(sweep_unfinished(&root.path().join("nowhere")).unwrap(), 0);
}

#[test]
fn a_folder_that_differs_from_its_contents_is_replaced_whole() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path().join("abc");
    let contents =
        Contents::new([("a/b.py", &b"1"[..]), ("c.py", b"2")]).allowing(|name| name.ends_with(".pyc"));
    assert_eq!(contents.put(&folder).unwrap(), Put::Written);
    write(&folder, "a/b.pyc", "");
    assert_eq!(contents.put(&folder).unwrap(), Put::WasThere);
    type Damage = fn(&Path);
    let damages: [(&str, Damage); 5] = [
        ("c.py is changed", |folder| write(folder, "c.py", "3")),
        ("a/b.py is missing", |folder| {
            fs::remove_dir_all(folder.join("a")).unwrap()
        }),
        ("d.py does not belong there", |folder| write(folder, "d.py", "")),
        ("c.py is changed", |folder| {
            fs::remove_file(folder.join("c.py")).unwrap();
            symlink("a/b.py", folder.join("c.py")).unwrap();
        }),
        ("a/b.py is missing", |folder| {
            fs::remove_dir_all(folder).unwrap();
            fs::create_dir(folder).unwrap();
        }),
    ];
    for (what, damage) in damages {
        damage(&folder);
        assert_eq!(contents.put(&folder).unwrap(), Put::Mended(what.to_owned()));
        assert_eq!(contents.difference(&folder).unwrap(), None);
        assert_eq!(digest(&folder).unwrap(), contents.digest());
    }
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

#[test]
fn threads_that_unpack_the_same_at_once_all_find_it_whole() {
    let root = tempfile::tempdir().unwrap();
    let files = (0..50)
        .map(|n| (format!("{n}.txt"), vec![b'x'; 100]))
        .chain([("end_function.py".into(), vec![])]);
    let package = Package::from_files(files.collect()).unwrap();
    let folder = root.path().join("abc");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                package.unpack(&folder).unwrap();
                assert_eq!(fs::read_dir(&folder).unwrap().count(), 51);
            });
        }
    });
    assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_archive_gives_back_the_same_files_and_the_same_bytes(
        files in prop::collection::btree_map("[a-z\u{e9}\u{6f22} ]{1,90}(/[a-z]{1,60}){0,2}", prop::collection::vec(any::<u8>(), 0..2000), 0..12)
    ) {
        let mut files = files;
        files.insert("end_function.py".into(), FUNCTION.into());
        if let Ok(package) = Package::from_files(files) {
            let archive = package.to_tar();
            let again = Package::from_tar(&archive).unwrap();
            prop_assert_eq!(&again, &package);
            prop_assert_eq!(again.to_tar(), archive);
        }
    }

    #[test]
    fn no_bytes_make_reading_an_archive_panic(at in prop::collection::vec((0usize..2048, any::<u8>()), 1..20)) {
        let mut archive = Package::from_files(BTreeMap::from([("end_function.py".into(), FUNCTION.into())])).unwrap().to_tar();
        for (position, byte) in at {
            let position = position % archive.len();
            archive[position] = byte;
        }
        if let Ok(package) = Package::from_tar(&archive) {
            prop_assert!(package.files().keys().all(|name| !name.starts_with('/') && !name.contains("..")));
        }
    }
}
