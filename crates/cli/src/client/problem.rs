//! A problem that the server tells, as the error that the command ends with.

use domain::Code;
use http::StatusCode;
use serde::Deserialize;

use super::Answer;
use crate::error::CliError;

/// What is used of `application/problem+json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Problem {
    code: Option<Code>,
    title: Option<String>,
    detail: Option<String>,
    fix: Option<String>,
    errors: Vec<Finding>,
    file: Option<String>,
    line: Option<u32>,
}

/// One thing that is wrong with a document.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Finding {
    path: String,
    found: Option<serde_json::Value>,
    expected: Option<String>,
    fix: Option<String>,
}

/// The error for an answer that is none of 2xx.
#[must_use]
pub fn from_answer(answer: &Answer) -> Box<CliError> {
    from_parts(answer.status, &answer.body)
}

fn from_parts(status: StatusCode, body: &[u8]) -> Box<CliError> {
    // Whatever stands between here and the server (a proxy) may answer with pages of its own.
    let Some((problem, code)) = serde_json::from_slice::<Problem>(body)
        .ok()
        .and_then(|problem| problem.code.map(|code| (problem, code)))
    else {
        return CliError::fault(
            Code::ServerUnreachable,
            format!("the server answered {status} and nothing that Aftercall says"),
            "look whether the address is that of an Aftercall server",
        );
    };
    let message = problem
        .detail
        .or(problem.title)
        .unwrap_or_else(|| code.title().to_owned());
    let fix = problem.fix.unwrap_or_default();
    let error = match status {
        StatusCode::NOT_FOUND | StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => {
            CliError::negative(code, message, Some(fix).filter(|fix| !fix.is_empty()))
        }
        status if status.is_client_error() => CliError::usage(code, message, fix),
        _ => CliError::fault(code, message, fix),
    };
    let error = match (problem.file, problem.line) {
        (Some(file), Some(line)) => error.at(format!("{file}:{line}")),
        (Some(file), None) => error.at(file),
        (None, _) => error,
    };
    error.with_details(problem.errors.into_iter().map(tell).collect())
}

fn tell(finding: Finding) -> String {
    let mut text = finding.path;
    if let Some(found) = finding.found {
        text.push_str(&format!(": found {found}"));
    }
    if let Some(expected) = finding.expected {
        text.push_str(&format!(", expected {expected}"));
    }
    if let Some(fix) = finding.fix {
        text.push_str(&format!(" ({fix})"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    #[test]
    fn a_problem_keeps_code_place_findings_and_fix() {
        let body = br#"{"type":"docs/errors/AC0102.md","code":"AC0102","title":"t","status":400,"detail":"d","fix":"f",
            "errors":[{"path":"turns[3].role","found":"bot","expected":"user or agent","fix":"rename it"}]}"#;
        let error = from_parts(StatusCode::BAD_REQUEST, body);
        assert_eq!((error.code, error.exit()), (Code::BadConversation, Exit::Usage));
        assert_eq!(
            error.details,
            ["turns[3].role: found \"bot\", expected user or agent (rename it)"]
        );
        let body = br#"{"code":"AC0203","detail":"d","file":"functions/x.py","line":3}"#;
        let error = from_parts(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(
            (error.place.as_deref(), error.exit()),
            (Some("functions/x.py:3"), Exit::Negative)
        );
    }

    #[test]
    fn a_strangers_answer_is_told_as_such() {
        let error = from_parts(StatusCode::BAD_GATEWAY, b"<html>bad gateway</html>");
        assert_eq!((error.code, error.exit()), (Code::ServerUnreachable, Exit::Fault));
    }
}
