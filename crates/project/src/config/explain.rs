//! Turns what the YAML reader says into what, where and what to do.

use domain::Code;

use crate::error::ProjectError;

/// How alike two words must be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.75;

pub(super) fn explain(file: &str, error: &serde_path_to_error::Error<serde_norway::Error>) -> ProjectError {
    let inner = error.inner();
    let key = Some(error.path().to_string()).filter(|path| path != "." && !path.is_empty());
    let full = inner.to_string();
    // The reader's own text repeats the path before and the place after what it has to say.
    let text = full.rfind(" at line ").map_or(full.as_str(), |end| &full[..end]);
    let text = ["unknown ", "invalid ", "duplicate ", "missing "]
        .iter()
        .filter_map(|start| text.find(start))
        .min()
        .map_or(text, |start| &text[start..]);
    let (message, expected) = match text.split_once(", expected ") {
        Some((message, expected)) => (message, Some(expected.to_owned())),
        None => (text, None),
    };
    let mut explained =
        ProjectError::new(Code::BadProjectConfig, message, fix(message, expected.as_deref())).in_file(file);
    explained.line = inner.location().and_then(|at| u32::try_from(at.line()).ok());
    explained.key = key.map(Into::into);
    explained.expected = expected.map(Into::into);
    explained
}

fn fix(message: &str, expected: Option<&str>) -> String {
    let Some(expected) = expected else {
        return "correct the file there; a YAML file is indented with spaces and writes `key: value`"
            .to_owned();
    };
    let found = quoted(message).next().unwrap_or_default();
    let nearest = quoted(expected)
        .map(|word| (strsim::jaro_winkler(found, word), word))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    match nearest {
        Some((_, word)) if message.starts_with("unknown") => format!("did you mean `{word}`?"),
        _ if message.starts_with("unknown field") => {
            "take the key out, or move it out of `aftercall`".to_owned()
        }
        _ => format!("write {expected} there"),
    }
}

/// The words between backticks.
fn quoted(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}
