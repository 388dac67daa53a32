//! What names a content, and how it is laid down.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use project::unpacked::{Contents, Put, digest};
use project::{Package, deployment_id, sweep_unfinished};
use proptest::prelude::*;

use crate::{FUNCTION, write};

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
