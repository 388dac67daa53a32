//! Whether a GraphQL request only reads: its selected operation is a query.

use serde_json::Value;

use super::request::Request;
use crate::json;

/// A document longer than this is taken for a write without being looked at, bytes.
const MAX_DOCUMENT: usize = 1024 * 1024;
const LIMITS: json::Limits = json::Limits {
    bytes: MAX_DOCUMENT,
    depth: json::MAX_DEPTH,
    values: 50_000,
};

/// Whether the body is a GraphQL request (`{"query": …, "operationName": …}`, as servers over HTTP take it) whose selected
/// operation is a query. Whatever does not parse is none.
pub(super) fn is_query(request: &Request) -> bool {
    if !request.body.starts_with(b"{") || request.body.len() > MAX_DOCUMENT {
        return false;
    }
    let Ok(body) = json::parse(&request.body, LIMITS) else {
        return false;
    };
    let Some(document) = body.get("query").and_then(Value::as_str) else {
        return false;
    };
    let Some(operations) = operations(document) else {
        return false;
    };
    let selected = match body
        .get("operationName")
        .and_then(Value::as_str)
        .filter(|name| !name.is_empty())
    {
        Some(name) => operations.iter().find(|operation| operation.name == name),
        None if operations.len() == 1 => operations.first(),
        None => None,
    };
    selected.is_some_and(|operation| operation.is_query)
}

struct Operation<'a> {
    name: &'a str,
    is_query: bool,
}

/// The operations at the top of a document (GraphQL, October 2021, 2.2 and 2.3); `None` where it is not one.
fn operations(document: &str) -> Option<Vec<Operation<'_>>> {
    let mut found = Vec::new();
    let mut depth = 0usize;
    // The definition that is being read: its kind, and its name once it is read.
    let mut open: Option<(&str, Option<&str>)> = None;
    let mut rest = document;
    while let Some((token, behind)) = token(rest)? {
        rest = behind;
        match token {
            "{" | "(" | "[" => {
                if depth == 0 && token == "{" {
                    let (kind, name) = open.take().unwrap_or(("query", None));
                    match kind {
                        "query" | "mutation" | "subscription" => found.push(Operation {
                            name: name.unwrap_or_default(),
                            is_query: kind == "query",
                        }),
                        "fragment" => {}
                        _ => return None,
                    }
                }
                depth += 1;
            }
            "}" | ")" | "]" => depth = depth.checked_sub(1)?,
            _ if depth > 0 => {}
            word => match &mut open {
                None => open = Some((word, None)),
                Some((_, name)) if name.is_none() => *name = Some(word),
                Some(_) => {}
            },
        }
    }
    (depth == 0 && open.is_none() && !found.is_empty()).then_some(found)
}

/// The next token and what stands behind it: a bracket, or a word (anything else that is no space, comma, comment or text).
/// The outer `None` is a text without an end.
#[expect(
    clippy::option_option,
    reason = "no document, and no further token, are two things"
)]
fn token(text: &str) -> Option<Option<(&str, &str)>> {
    let mut rest = text;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ',' | '\u{feff}'));
        if let Some(comment) = rest.strip_prefix('#') {
            rest = comment.find(['\n', '\r']).map_or("", |end| &comment[end..]);
        } else if let Some(block) = rest.strip_prefix("\"\"\"") {
            rest = after_text(block, "\"\"\"")?;
        } else if let Some(string) = rest.strip_prefix('"') {
            rest = after_text(string, "\"")?;
        } else {
            break;
        }
    }
    let Some(first) = rest.chars().next() else {
        return Some(None);
    };
    if "{}()[]".contains(first) {
        return Some(Some(rest.split_at(1)));
    }
    let ends = |c: char| c.is_whitespace() || ",{}()[]#\"".contains(c);
    Some(Some(rest.split_at(rest.find(ends).unwrap_or(rest.len()))))
}

fn after_text<'a>(text: &'a str, quote: &str) -> Option<&'a str> {
    let mut from = 0;
    loop {
        let at = from + text[from..].find(quote)?;
        let escapes = text[..at].bytes().rev().take_while(|b| *b == b'\\').count();
        if escapes % 2 == 0 {
            return Some(&text[at + quote.len()..]);
        }
        from = at + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads(body: &serde_json::Value) -> bool {
        let request = Request::new(
            "POST",
            "https://api.example.com/graphql",
            Vec::new(),
            body.to_string().into_bytes(),
        );
        is_query(&request.unwrap())
    }

    fn document(text: &str) -> bool {
        reads(&serde_json::json!({"query": text}))
    }

    #[test]
    fn queries_read_and_all_else_writes() {
        assert!(document("{ viewer { id } }"));
        assert!(document(
            "query Who($id: ID! = \"}{\") { user(id: $id) { ...F } } fragment F on User { name }"
        ));
        assert!(document("# mutation {\nquery { a }"));
        assert!(!document("mutation { create(name: \"query\") { id } }"));
        assert!(!document("subscription { x }"));
        for broken in ["query { a", "", "\"", "query", "type A { b: Int }", "} query {"] {
            assert!(!document(broken), "{broken}");
        }
    }

    #[test]
    fn of_several_operations_the_selected_one_counts() {
        let both = "query A { a } mutation B { b }";
        assert!(reads(&serde_json::json!({"query": both, "operationName": "A"})));
        assert!(!reads(&serde_json::json!({"query": both, "operationName": "B"})));
        assert!(!reads(&serde_json::json!({"query": both})));
        assert!(!reads(&serde_json::json!({"query": both, "operationName": "C"})));
        assert!(!reads(&serde_json::json!({"queries": "{ a }"})));
    }
}
