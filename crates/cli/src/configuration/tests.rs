#![allow(clippy::unwrap_used)]
use super::*;

fn said(folder: &Path, flags: &[(&str, &str)], variables: &[(&str, &str)]) -> Said {
    let own = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    Said {
        flags: flags.iter().map(own).collect(),
        file: None,
        environment: variables
            .iter()
            .map(|(name, text)| ((*name).to_owned(), text.into()))
            .collect(),
        working_folder: folder.to_path_buf(),
    }
}

#[test]
fn every_fixed_default_fits_its_own_key() {
    for key in KEYS {
        if let Fallback::Fixed(text) = key.default {
            assert!(value::from_text(key, text).is_some(), "{}", key.name);
        }
    }
}

#[test]
fn a_flag_goes_before_the_environment_before_the_file_before_the_default() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(FILE_NAME);
    std::fs::write(
        &path,
        "attempts = 2\ndeadline_s = 20\nwarm_zygotes = 3\n\n[limits]\ncpu_s = 7\nmemory_mb = 512\n",
    )
    .unwrap();
    let variables = [("AFTERCALL_ATTEMPTS", "3"), ("AFTERCALL_DEADLINE_S", "30")];
    let found = Configuration::resolve(said(folder.path(), &[("attempts", "4")], &variables)).unwrap();
    let shown = |name: &str| {
        found
            .get(name)
            .map(|(value, origin)| (value.clone(), origin.clone()))
            .unwrap()
    };
    assert_eq!(shown("attempts"), (Value::Number(4), Origin::Flag));
    assert_eq!(
        shown("deadline_s"),
        (
            Value::Number(30),
            Origin::Environment("AFTERCALL_DEADLINE_S".into())
        )
    );
    assert_eq!(
        shown("warm_zygotes"),
        (Value::Number(3), Origin::File(format!("{}:3", path.display())))
    );
    assert_eq!(
        shown("limits.memory_mb"),
        (Value::Number(512), Origin::File(format!("{}:7", path.display())))
    );
    assert_eq!(shown("limits.open_files"), (Value::Number(256), Origin::Default));
    assert_eq!(found.file(), Some(&*path));
}

#[test]
fn what_does_not_fit_names_who_said_it_and_what_fits() {
    let folder = tempfile::tempdir().unwrap();
    let error = |flags: &[(&str, &str)], variables: &[(&str, &str)]| {
        Configuration::resolve(said(folder.path(), flags, variables)).unwrap_err()
    };
    let found = error(&[], &[("AFTERCALL_ATTEMPTS", "many")]);
    assert_eq!(
        (found.code.as_str(), found.place.as_deref()),
        ("AC0803", Some("AFTERCALL_ATTEMPTS"))
    );
    assert_eq!(found.fix.as_deref(), Some("give it a whole number from 1 to 100"));
    let found = error(&[("confinement", "none")], &[]);
    assert_eq!(
        found.fix.as_deref(),
        Some("give it one of required, best-effort, off")
    );
    let found = error(&[("limits.memory", "1")], &[]);
    assert_eq!(found.fix.as_deref(), Some("did you mean limits.memory_mb?"));
    std::fs::write(folder.path().join(FILE_NAME), "\n[limits]\nopen_file = 3\n").unwrap();
    let found = error(&[], &[]);
    assert!(
        found.place.clone().unwrap().ends_with("aftercall.toml:3"),
        "{found:?}"
    );
    assert_eq!(found.fix.as_deref(), Some("did you mean limits.open_files?"));
    std::fs::write(folder.path().join(FILE_NAME), "attempts = 1\nattempts = 2\n").unwrap();
    assert!(error(&[], &[]).place.unwrap().ends_with("aftercall.toml:2"));
}

#[test]
fn a_secret_that_does_not_fit_is_not_shown() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join(FILE_NAME), "key = 12345678\n").unwrap();
    let error = Configuration::resolve(said(folder.path(), &[], &[])).unwrap_err();
    assert!(!format!("{error:?}").contains("12345678"), "{error:?}");
}

#[test]
fn the_data_folder_is_the_users_unless_somebody_names_one() {
    let at = |flags: &[(&str, &str)], variables: &[(&str, &str)]| {
        Configuration::resolve(said(Path::new("/srv"), flags, variables))
            .unwrap()
            .data_folder()
    };
    assert_eq!(
        at(&[], &[("HOME", "/home/ada")]).unwrap(),
        Path::new("/home/ada/.local/share/aftercall")
    );
    assert_eq!(
        at(&[], &[("HOME", "/home/ada"), ("XDG_DATA_HOME", "/d")]).unwrap(),
        Path::new("/d/aftercall")
    );
    assert_eq!(
        at(&[("data", "here")], &[("HOME", "/home/ada")]).unwrap(),
        Path::new("/srv/here")
    );
    assert_eq!(at(&[], &[]).unwrap_err().code, Code::BadConfiguration);
}

#[test]
fn a_named_file_must_be_there_and_others_need_not() {
    let folder = tempfile::tempdir().unwrap();
    let mut named = said(folder.path(), &[], &[]);
    named.file = Some("nowhere.toml".into());
    assert_eq!(
        Configuration::resolve(named).unwrap_err().code,
        Code::BadConfiguration
    );
    let user = folder.path().join("aftercall");
    std::fs::create_dir(&user).unwrap();
    std::fs::write(user.join(FILE_NAME), "attempts = 9\n").unwrap();
    let home = folder.path().to_str().unwrap();
    let found = Configuration::resolve(said(Path::new("/"), &[], &[("XDG_CONFIG_HOME", home)])).unwrap();
    assert_eq!(found.number("attempts"), 9);
}
