#![allow(clippy::unwrap_used)]

use std::collections::BTreeSet;

use jsonschema::Validator;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::effects;
use crate::effect::Catalogue;
use crate::effect::catalogue::{Entry, Idempotency};

fn schema() -> Value {
    serde_json::from_str(effects()).unwrap()
}

fn validator() -> Validator {
    jsonschema::meta::validate(&schema()).unwrap();
    jsonschema::draft202012::new(&schema()).unwrap()
}

/// The keys that a type reads, from what it says of one that it does not.
fn keys_of<T: DeserializeOwned>() -> BTreeSet<String> {
    let Err(refused) = serde_json::from_value::<T>(json!({"no such key": 1})) else {
        panic!("it takes any key");
    };
    let said = refused.to_string();
    said.split('`').skip(3).step_by(2).map(str::to_owned).collect()
}

#[test]
fn it_has_the_keys_that_are_read_and_no_others() {
    let schema = schema();
    let host = &schema["$defs"]["host"]["properties"];
    for (described, read) in [
        (&schema["properties"], keys_of::<Catalogue>()),
        (host, keys_of::<Entry>()),
        (&host["idempotency"]["properties"], keys_of::<Idempotency>()),
    ] {
        let described: BTreeSet<_> = described.as_object().unwrap().keys().cloned().collect();
        assert_eq!(described, read);
    }
}

#[test]
fn what_is_read_is_valid_and_what_is_not_is_not() {
    let validator = validator();
    let shipped = serde_json::to_value(Catalogue::shipped()).unwrap();
    assert!(
        validator.is_valid(&shipped),
        "{:#?}",
        validator.iter_errors(&shipped).collect::<Vec<_>>()
    );
    let host = |more: Value| {
        let mut entry = json!({"host": "crm.example.com"});
        entry
            .as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        json!({"hosts": [entry]})
    };
    for class in ["read", "write", "credential", "telemetry"] {
        let document = host(json!({"class": class}));
        assert!(validator.is_valid(&document));
        serde_json::from_value::<Catalogue>(document).unwrap();
    }
    for good in [
        json!({}),
        host(json!({"host": "*"})),
        host(json!({"host": "*.example.com:8443"})),
        host(json!({"methods": ["POST"], "path": "/v1/**", "expected": [404], "patience_s": 0})),
        host(json!({"idempotency": {"window_s": 60}, "on_unknown": "assume_done", "class": null})),
    ] {
        assert!(validator.is_valid(&good), "{good}");
        serde_json::from_value::<Catalogue>(good).unwrap();
    }
    for bad in [
        json!({"host": "crm.example.com"}),
        json!({"hosts": [{}]}),
        host(json!({"host": "https://crm.example.com"})),
        host(json!({"methods": ["post"]})),
        host(json!({"path": "v1"})),
        host(json!({"class": "reads"})),
        host(json!({"expected": [200]})),
        host(json!({"patience_s": 2_592_001})),
        host(json!({"idempotency": {"header": "Idempotency Key", "window_s": 60}})),
        host(json!({"idempotency": {"window_s": 0}})),
        host(json!({"on_unknown": "retry"})),
    ] {
        assert!(!validator.is_valid(&bad), "{bad}");
    }
}
