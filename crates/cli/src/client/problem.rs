//! A problem that the server tells, as the error that the command ends with.

use api::{FieldError, Problem};
use domain::Code;
use http::StatusCode;
use serde_json::Value;

use super::Answer;
use crate::error::CliError;

/// The error for an answer that is none of 2xx.
#[must_use]
pub fn from_answer(answer: &Answer) -> Box<CliError> {
    from_parts(answer.status, &answer.body)
}

fn from_parts(status: StatusCode, body: &[u8]) -> Box<CliError> {
    // Whatever stands between here and the server (a proxy) may answer with pages of its own.
    let Ok(problem) = serde_json::from_slice::<Problem>(body) else {
        return CliError::fault(
            Code::ServerUnreachable,
            format!("the server answered {status} and nothing that this version knows"),
            "look whether the address is that of an Aftercall server, and of what version (`aftercall version`)",
        );
    };
    let details = details(&problem);
    let (code, message, fix) = (problem.code, problem.detail, problem.fix);
    let error = match status {
        StatusCode::NOT_FOUND
        | StatusCode::CONFLICT
        | StatusCode::GONE
        | StatusCode::UNPROCESSABLE_ENTITY => {
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
    error.with_details(details)
}

/// What is wrong place by place, what differs, and where an exception came from, one a line.
#[must_use]
pub fn details(problem: &Problem) -> Vec<String> {
    let shown = |side: &Option<Value>| {
        side.as_ref()
            .map_or_else(|| "nothing".to_owned(), Value::to_string)
    };
    let wrong = problem.errors.iter().map(field);
    let differs = problem.differences.iter();
    let differs = differs.map(|one| {
        format!(
            "{}: kept {}, sent {}",
            one.path,
            shown(&one.kept),
            shown(&one.sent)
        )
    });
    let traceback = problem
        .error
        .iter()
        .flat_map(|raised| raised.traceback.trim_end().lines())
        .map(str::to_owned);
    wrong.chain(differs).chain(traceback).collect()
}

fn field(error: &FieldError) -> String {
    if error.path.is_empty() {
        // About the document as a whole: the problem's own sentence has said the rest.
        return error.fix.clone();
    }
    let FieldError {
        path,
        found,
        expected,
        fix,
    } = error;
    if found.is_empty() {
        return format!("{path}: missing, expected {expected}; {fix}");
    }
    format!("{path}: found {found}, expected {expected}; {fix}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Exit;

    #[test]
    fn a_problem_keeps_code_place_findings_and_fix() {
        let body = br#"{"type":"docs/errors/AC0102.md","code":"AC0102","title":"t","status":400,"detail":"d","fix":"f",
            "errors":[{"path":"/turns/3/role","found":"a bot","expected":"user or agent","fix":"rename it"}]}"#;
        let error = from_parts(StatusCode::BAD_REQUEST, body);
        assert_eq!((error.code, error.exit()), (Code::BadConversation, Exit::Usage));
        assert_eq!(
            error.details,
            ["/turns/3/role: found a bot, expected user or agent; rename it"]
        );
        let body = br#"{"type":"t","code":"AC0203","title":"t","status":422,"detail":"d","fix":"f","file":"functions/x.py","line":3}"#;
        let error = from_parts(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(
            (error.place.as_deref(), error.exit()),
            (Some("functions/x.py:3"), Exit::Negative)
        );
    }

    #[test]
    fn a_fix_that_the_traceback_says_too_is_told_once() {
        let body = br#"{"type":"t","code":"AC0202","title":"t","status":422,"detail":"d","fix":"Write it as `def end_function(conv):`.",
            "error":{"type":"ProjectError","message":"m","traceback":"f.py:1: m\nwrite it as `def end_function(conv):`","frames":[],"cause":null}}"#;
        let error = from_parts(StatusCode::UNPROCESSABLE_ENTITY, body);
        assert_eq!(error.details, ["f.py:1: m"]);
        assert_eq!(
            error.fix.as_deref(),
            Some("Write it as `def end_function(conv):`.")
        );
    }

    #[test]
    fn a_strangers_answer_is_told_as_such() {
        let error = from_parts(StatusCode::BAD_GATEWAY, b"<html>bad gateway</html>");
        assert_eq!((error.code, error.exit()), (Code::ServerUnreachable, Exit::Fault));
    }
}
