//! The API's own description.

use std::path::Path;

/// Where the description is checked in.
fn file() -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/openapi.json")
}

/// Set to `1`, the test writes the file in place of comparing it.
const UPDATE: &str = "UPDATE_OPENAPI";

#[test]
fn the_description_that_is_checked_in_is_the_one_that_is_served() {
    if std::env::var_os(UPDATE).is_some_and(|value| value == "1") {
        std::fs::write(file(), server::OPENAPI_JSON.as_str()).unwrap();
    }
    let checked_in = std::fs::read_to_string(file()).unwrap_or_default();
    assert!(
        checked_in == *server::OPENAPI_JSON,
        "docs/openapi.json has drifted from the routes; run this test with {UPDATE}=1 and look at what changed"
    );
}

#[test]
fn every_operation_says_what_it_does_and_how_it_fails() {
    let described: serde_json::Value = serde_json::from_str(&server::OPENAPI_JSON).unwrap();
    let mut names = std::collections::BTreeSet::new();
    for (path, operations) in described["paths"].as_object().unwrap() {
        for (method, operation) in operations.as_object().unwrap() {
            assert!(
                operation["summary"].as_str().is_some_and(|text| !text.is_empty()),
                "{method} {path}"
            );
            let name = operation["operationId"].as_str().unwrap();
            assert!(names.insert(name.to_owned()), "{method} {path}: {name} is taken");
            assert!(
                !operation["responses"].as_object().unwrap().is_empty(),
                "{method} {path}"
            );
        }
    }
}
