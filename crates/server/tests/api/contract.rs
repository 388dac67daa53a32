//! Every answer that a test gets is what the description of the API says of it.

use std::sync::LazyLock;

use http::Method;
use serde_json::{Value, json};

use crate::client::Answer;

/// Statuses that every route may answer with, by a problem document.
const ANYWHERE: [u16; 12] = [400, 401, 403, 404, 405, 408, 413, 414, 415, 431, 500, 503];

static DESCRIBED: LazyLock<Value> = LazyLock::new(|| serde_json::from_str(&server::OPENAPI_JSON).unwrap());

/// Fails unless the answer is one that the route is described to give.
pub fn hold(method: &Method, path: &str, answer: &Answer) {
    let path = path.split('?').next().unwrap_or_default();
    let operation = DESCRIBED["paths"]
        .as_object()
        .unwrap()
        .iter()
        .find(|(template, _)| fits(template, path));
    let operation = operation.map(|(_, operations)| &operations[method.as_str().to_lowercase()]);
    let response = operation.map_or(&Value::Null, |one| &one["responses"][answer.status.as_str()]);
    let media_type = answer
        .header("content-type")
        .map(|said| said.split(';').next().unwrap_or(said));
    let schema = match (response, media_type) {
        (Value::Null, Some(api::PROBLEM_JSON)) if ANYWHERE.contains(&answer.status.as_u16()) => {
            &json!({"$ref": "#/components/schemas/Problem"})
        }
        (Value::Null, _) => panic!(
            "{method} {path} answered {}, of which nothing is said",
            answer.status
        ),
        (response, Some(media_type)) => {
            let content = &response["content"][media_type];
            assert!(
                !content.is_null(),
                "{method} {path} {}: {media_type} is not described",
                answer.status
            );
            &content["schema"]
        }
        (response, None) => {
            assert!(
                response["content"].is_null(),
                "{method} {path} {}: no body",
                answer.status
            );
            return;
        }
    };
    let mut whole = schema.clone();
    whole["components"] = DESCRIBED["components"].clone();
    let validator = jsonschema::validator_for(&whole).unwrap();
    let documents = match media_type {
        Some(api::NDJSON) => answer.lines(),
        Some("text/markdown") => vec![Value::from(String::from_utf8_lossy(&answer.body))],
        _ => vec![answer.json()],
    };
    for document in documents {
        if let Err(error) = validator.validate(&document) {
            panic!(
                "{method} {path} {}: {error} at {}",
                answer.status, error.instance_path
            );
        }
    }
}

fn fits(template: &str, path: &str) -> bool {
    let (template, path): (Vec<_>, Vec<_>) = (template.split('/').collect(), path.split('/').collect());
    template.len() == path.len()
        && template
            .iter()
            .zip(&path)
            .all(|(one, other)| one.starts_with('{') || one == other)
}
