//! From an archive, whoever wrote it.

use std::collections::BTreeMap;

use project::{MAX_BYTES, MAX_FILES, MAX_PATH_BYTES, Package};
use tar::{Builder, EntryType, Header};

use crate::{FUNCTION, code};

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
