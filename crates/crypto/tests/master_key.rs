//! Where the master key comes from, on a real disk and from real commands.

#![allow(clippy::unwrap_used, reason = "a test")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::sync::Barrier;
use std::thread;

use crypto::testing::SeededEntropy;
use crypto::{CommandProblem, KeyError, KeySource, KeyTextProblem, OsEntropy};

fn source(path: &Path) -> KeySource {
    KeySource::File(path.to_owned())
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_key_file_is_made_once_for_its_owner_alone_and_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    assert!(matches!(source(&path).load(), Err(KeyError::Missing { .. })));
    let made = source(&path).create(&OsEntropy).unwrap();
    let found = fs::metadata(&path).unwrap();
    assert_eq!((found.mode() & 0o7777, found.nlink()), (0o600, 1));
    assert_eq!(
        fs::read_dir(folder.path()).unwrap().count(),
        1,
        "nothing else is left"
    );
    assert_eq!(source(&path).load().unwrap().id(), made.id());
    let before = fs::read(&path).unwrap();
    assert!(matches!(
        source(&path).create(&OsEntropy),
        Err(KeyError::Exists { .. })
    ));
    assert_eq!(fs::read(&path).unwrap(), before, "a key is never overwritten");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    assert_eq!(source(&path).load_or_create(&OsEntropy).unwrap().id(), made.id());
}

#[test]
fn of_many_that_make_it_at_once_all_have_the_same_key() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let (gate, path) = (&Barrier::new(8), &path);
    let ids: Vec<_> = thread::scope(|scope| {
        let make = move || {
            gate.wait();
            source(path).load_or_create(&OsEntropy).unwrap().id()
        };
        let makers: Vec<_> = (0..8).map(|_| scope.spawn(make)).collect();
        makers.into_iter().map(|maker| maker.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}

#[test]
fn a_key_file_that_others_can_read_is_refused_with_the_fix() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    source(&path).create(&SeededEntropy::new(1)).unwrap();
    for mode in [0o640, 0o604, 0o610, 0o602, 0o644] {
        set_mode(&path, mode);
        let message = source(&path).load().unwrap_err().to_string();
        assert!(
            message.contains(&format!("chmod 600 {}", path.display())),
            "{message}"
        );
        assert!(message.contains(&format!("{mode:04o}")), "{message}");
    }
    set_mode(&path, 0o400);
    source(&path).load().unwrap();
}

#[test]
fn a_key_file_that_another_user_can_exchange_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    source(&path).create(&SeededEntropy::new(1)).unwrap();
    let nobody = 65534;
    match std::os::unix::fs::chown(&path, Some(nobody), None) {
        Ok(()) => {
            let error = source(&path).load().unwrap_err();
            assert!(
                matches!(error, KeyError::ForeignOwner { owner, .. } if owner == nobody),
                "{error}"
            );
        }
        Err(error) => {
            assert_eq!(error.kind(), std::io::ErrorKind::PermissionDenied);
            eprintln!("skipped: only root can give files away");
        }
    }
}

#[test]
fn a_key_file_that_holds_no_key_is_refused_and_never_quoted() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    source(&path).create(&SeededEntropy::new(1)).unwrap();
    let whole = fs::read_to_string(&path).unwrap();
    let texts = [
        "",
        "\n",
        &whole[..20],
        &format!("{whole}{whole}"),
        "hunter2hunter2!",
        &"A".repeat(5000),
    ];
    for text in texts {
        fs::write(&path, text).unwrap();
        let error = source(&path).load().unwrap_err();
        assert!(matches!(error, KeyError::Text { .. }), "{text:?}: {error}");
        let message = error.to_string();
        assert!(
            message.contains(&path.display().to_string()) && message.contains("openssl rand"),
            "{message}"
        );
        let quoted = text.trim().len() > 8 && message.contains(&text.trim()[..8]);
        assert!(!quoted, "{message}");
    }
    let folder = source(folder.path()).load();
    assert!(matches!(folder, Err(KeyError::NotAFile { .. })), "{folder:?}");
}

#[test]
fn a_key_file_in_no_folder_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("missing/master.key");
    let message = source(&path).create(&OsEntropy).unwrap_err().to_string();
    assert!(message.contains("missing/master.key cannot be made"), "{message}");
}

#[test]
fn a_command_gives_the_key_and_its_text_stays_out_of_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("master.key");
    let made = source(&path).create(&OsEntropy).unwrap();
    let command = |program: &str, args: &[&str]| KeySource::Command {
        program: program.into(),
        args: args.iter().map(|arg| (*arg).to_owned()).collect(),
    };
    let cat = command("cat", &[path.to_str().unwrap()]);
    assert_eq!(cat.load().unwrap().id(), made.id());
    assert_eq!(cat.load_or_create(&OsEntropy).unwrap().id(), made.id());
    assert!(matches!(
        cat.create(&OsEntropy),
        Err(KeyError::CannotCreate { .. })
    ));

    let error = command("sh", &["-c", "exit 7", "token-of-a-vault"])
        .load()
        .unwrap_err();
    assert!(matches!(
        error,
        KeyError::Command {
            problem: CommandProblem::Failed(_),
            ..
        }
    ));
    assert!(!error.to_string().contains("token-of-a-vault"), "{error}");
    let error = command("echo", &["hunter2hunter2"]).load().unwrap_err();
    assert!(matches!(
        error,
        KeyError::Text {
            problem: KeyTextProblem::Format | KeyTextProblem::Length { .. },
            ..
        }
    ));
    assert!(!error.to_string().contains("hunter2"), "{error}");
}

#[test]
fn an_unset_variable_is_named() {
    let error = KeySource::Env("AFTERCALL_TEST_VARIABLE_THAT_NOBODY_SETS".into())
        .load()
        .unwrap_err();
    assert!(
        error
            .to_string()
            .contains("AFTERCALL_TEST_VARIABLE_THAT_NOBODY_SETS"),
        "{error}"
    );
}
