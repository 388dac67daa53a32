#![allow(clippy::unwrap_used)]

use jsonschema::Validator;
use serde_json::{Value, json};

use super::conversation;
use crate::conversation::tests::bad_documents;
use crate::conversation::{Conversation, FIELDS};

const PAGE: &str = include_str!("../../../../docs/conversation.md");

fn validator() -> Validator {
    let schema: Value = serde_json::from_str(conversation()).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    jsonschema::draft202012::options()
        .should_validate_formats(true)
        .build(&schema)
        .unwrap()
}

#[test]
fn what_the_parser_refuses_the_schema_refuses() {
    let validator = validator();
    for bad in bad_documents() {
        let refused = !validator.is_valid(&bad.document);
        assert_eq!(refused, !bad.beyond_schema, "{:.200}", bad.document.to_string());
    }
}

#[test]
fn its_examples_are_conversations() {
    let schema: Value = serde_json::from_str(conversation()).unwrap();
    let (validator, mut seen) = (validator(), 0);
    let whole = schema["examples"].as_array().unwrap().iter().cloned();
    let of_fields = schema["properties"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(name, field)| {
            let examples = field["examples"].as_array().cloned().unwrap_or_default();
            examples.into_iter().map(move |example| {
                let mut document = json!({"id": "c"});
                document[name] = example;
                document
            })
        });
    let of_tags = schema["$defs"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(name, part)| {
            let examples = part["examples"].as_array().cloned().unwrap_or_default();
            examples.into_iter().map(move |example| match name.as_str() {
                "turn" => json!({"id": "c", "turns": [example]}),
                "metric" => json!({"id": "c", "metrics": [example]}),
                _ => json!({"id": "c", "state": {"x": example}}),
            })
        });
    for document in whole.chain(of_fields).chain(of_tags) {
        let errors: Vec<String> = validator
            .iter_errors(&document)
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, [""; 0], "{document}");
        Conversation::from_document(document.clone()).unwrap_or_else(|error| panic!("{document}: {error}"));
        seen += 1;
    }
    assert!(seen > 40, "{seen}");
}

#[test]
fn every_field_and_every_tag_is_told() {
    let schema: Value = serde_json::from_str(conversation()).unwrap();
    let mut told: Vec<&str> = schema["properties"]
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect();
    let mut known: Vec<&str> = FIELDS.iter().map(|field| field.name).collect();
    told.sort_unstable();
    known.sort_unstable();
    assert_eq!(told, known);
    for table in ["## Field by field", "## From PolyAI's words"] {
        let mut rows: Vec<&str> = rows(table).iter().flat_map(|row| words(row[0])).collect();
        rows.sort_unstable();
        assert_eq!(rows, known, "docs/conversation.md, {table:?}: each field once");
    }
    for kind in schema["$defs"]["tag"]["properties"]["$type"]["enum"]
        .as_array()
        .unwrap()
    {
        assert!(
            PAGE.contains(&format!("`{}`", kind.as_str().unwrap())),
            "docs/conversation.md: {kind}"
        );
        let example = &schema["$defs"][format!("tag_{}", kind.as_str().unwrap())]["examples"][0];
        assert_eq!(&example["$type"], kind);
    }
}

/// Each line of the table below a heading, as its cells.
fn rows(heading: &str) -> Vec<Vec<&'static str>> {
    let (_, below) = PAGE.split_once(&format!("\n{heading}\n")).expect(heading);
    let lines = below.lines().skip_while(|line| !line.starts_with('|'));
    let table = lines.take_while(|line| line.starts_with('|'));
    let cells = |line: &'static str| line.trim_matches('|').split(" |").map(str::trim).collect();
    table.skip(2).map(cells).collect()
}

/// What stands in backquotes.
fn words(cell: &str) -> impl Iterator<Item = &str> {
    cell.split('`').skip(1).step_by(2)
}

#[test]
fn the_vendors_words_are_those_of_conv() {
    // `python/tests/test_contract.py` holds this page to the code.
    let conv = include_str!("../../../../docs/conv.md");
    let mut seen = 0;
    for row in rows("## From PolyAI's words") {
        assert_eq!(row.len(), 4, "{row:?}");
        for attribute in words(row[1]).filter_map(|word| word.strip_prefix("conv.")) {
            let of_theirs = conv.split_once("Aftercall's own").expect("what only we have").0;
            assert!(of_theirs.contains(&format!("`{attribute}`")), "conv.{attribute}");
            seen += 1;
        }
    }
    assert!(seen > 25, "{seen}");
}

#[test]
fn null_and_unknown_fields_are_valid() {
    let validator = validator();
    let mut document = json!({"id": "c", "mine": {"$type": "anything"}});
    for field in FIELDS.iter().filter(|field| field.name != "id") {
        document[field.name] = Value::Null;
    }
    assert!(validator.is_valid(&document));
    assert!(validator.is_valid(
        &json!({"id": "c", "state": {"$type": "dict", "items": [[1, {"$type": "tuple", "items": []}]]}})
    ));
}
