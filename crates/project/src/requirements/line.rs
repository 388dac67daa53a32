//! One line of a `requirements.txt`.

use domain::Code;

use crate::error::ProjectError;

/// The longest line, continuations joined, bytes: room for a requirement with the hashes of its forty wheels.
const MAX_LINE_BYTES: usize = 64 * 1024;

/// A package that is needed, and which versions of it will do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requirement {
    /// The package, spelt so that two spellings of one name are the same: `typing-extensions`.
    pub name: String,
    /// The line, without comment: `requests[socks]>=2.31,<3 ; python_version < "3.13"`.
    pub text: String,
    /// Where it stands.
    pub file: String,
    /// From 1.
    pub line: u32,
}

/// What a line says.
pub(super) enum Line {
    /// A package is needed.
    Package(Requirement),
    /// `-r`: what this file says too.
    Requirements(String),
    /// `-c`: which versions this file allows.
    Constraints(String),
}

/// Makes the error for a line that is not allowed.
pub(super) fn refuse(file: &str, line: u32, why: &str, fix: &str) -> ProjectError {
    ProjectError::new(Code::BadRequirement, why, fix)
        .in_file(file)
        .at_line(line)
}

/// The lines that say something, each with the number of its first: comments are cut off and continuations joined, as pip
/// does it.
pub(super) fn logical(file: &str, text: &str) -> Result<Vec<(u32, String)>, ProjectError> {
    let mut all = Vec::new();
    let mut open: Option<(u32, String)> = None;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    for (index, line) in text.lines().enumerate() {
        let number = u32::try_from(index + 1).unwrap_or(u32::MAX);
        let is_comment = line.trim_start().starts_with('#');
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) if !is_comment => (part, true),
            _ => (line, false),
        };
        let (first, mut joined) = open.take().unwrap_or((number, String::new()));
        if !is_comment {
            joined.push_str(part);
        }
        if joined.len() > MAX_LINE_BYTES {
            let why = format!("is longer than {MAX_LINE_BYTES} bytes");
            return Err(refuse(file, first, &why, "split it into several requirements"));
        }
        if goes_on {
            open = Some((first, joined));
        } else {
            all.push((first, joined));
        }
    }
    all.extend(open);
    let told = all
        .into_iter()
        .map(|(number, line)| (number, without_comment(&line).trim().to_owned()));
    Ok(told.filter(|(_, line)| !line.is_empty()).collect())
}

/// A `#` begins a comment where a line begins or after a blank; elsewhere it is part of a URL.
fn without_comment(line: &str) -> &str {
    let starts = line.match_indices('#').map(|(at, _)| at);
    let mut comments = starts.filter(|at| line[..*at].chars().next_back().is_none_or(char::is_whitespace));
    comments.next().map_or(line, |at| &line[..at])
}

pub(super) fn read(file: &str, line: u32, text: &str) -> Result<Line, ProjectError> {
    let no = |why: &str, fix: &str| Err(refuse(file, line, why, fix));
    if text.chars().any(char::is_control) && !text.contains('\t') {
        return no("holds a control character", "type the line again");
    }
    if text.starts_with('-') {
        return option(file, line, text);
    }
    if text.contains("://") || text.starts_with("file:") || has_url(text) {
        return no(
            "names a package by its URL or repository: what is there may be another tomorrow",
            "name the package and its version (`name==1.2.3`), and have the operator put its wheel into \
             the folder of dependencies.wheelhouse or into the index of dependencies.index_url",
        );
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if is_path(text, name) {
        return no(
            "names a file or folder",
            "name the package and its version, and have the operator put its wheel into the folder of \
             dependencies.wheelhouse; or copy its code into the project",
        );
    }
    let alphanumeric = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    if !alphanumeric(name.chars().next()) || !alphanumeric(name.chars().next_back()) || !is_specifier(rest) {
        return no(
            &format!("is no requirement: {text:?}"),
            "write a name and which versions will do: `requests>=2.31,<3`",
        );
    }
    if let Some(option) = text.split_whitespace().find(|word| is_foreign_option(word)) {
        let option = option.split('=').next().unwrap_or_default();
        return no(
            &format!("has the option {option}, which is not allowed here"),
            "take it out; only --hash=sha256:… may follow a requirement",
        );
    }
    Ok(Line::Package(Requirement {
        name: normalised(name),
        text: text.to_owned(),
        file: file.to_owned(),
        line,
    }))
}

fn option(file: &str, line: u32, text: &str) -> Result<Line, ProjectError> {
    let (name, value) = match text.find(|c: char| c == '=' || c.is_whitespace()) {
        Some(at) => (&text[..at], text[at + 1..].trim()),
        // `-rother.txt`
        None if !text.starts_with("--") && text.is_char_boundary(2) && text.len() > 2 => text.split_at(2),
        None => (text, ""),
    };
    let no = |why: &str, fix: &str| Err(refuse(file, line, why, fix));
    match name {
        "-r" | "--requirement" if !value.is_empty() && !value.contains("://") => {
            Ok(Line::Requirements(value.to_owned()))
        }
        "-c" | "--constraint" if !value.is_empty() && !value.contains("://") => {
            Ok(Line::Constraints(value.to_owned()))
        }
        "-r" | "--requirement" | "-c" | "--constraint" => no(
            &format!("{name} names no file of the project"),
            "name a file of the project: `-r more.txt`",
        ),
        "-e" | "--editable" => no(
            &format!("{name} installs from a folder or repository"),
            "copy the code into the project, or have the operator put a wheel of it into the folder of \
             dependencies.wheelhouse",
        ),
        // What stands behind it may hold a password: it is not repeated.
        "-i" | "--index-url" | "--extra-index-url" | "-f" | "--find-links" | "--no-index"
        | "--trusted-host" => no(
            &format!("{name}: where packages come from is the operator's to say"),
            "take the line out, and have the operator set dependencies.index_url, \
             dependencies.extra_index_urls or dependencies.wheelhouse",
        ),
        "--no-binary" | "--only-binary" | "--prefer-binary" => no(
            &format!("{name}: whether packages are built from source is the operator's to say"),
            "take the line out, and have the operator set dependencies.allow_source",
        ),
        "--pre" => no(
            "--pre would take pre-releases of everything",
            "take the line out, and name the one that is wanted: `name>=2.0rc1`",
        ),
        _ => no(
            &format!("the option {name} is not allowed here"),
            "take the line out",
        ),
    }
}

/// `name @ URL`, `git+…`
fn has_url(text: &str) -> bool {
    let before_marker = text.split(';').next().unwrap_or_default();
    let vcs = ["git+", "hg+", "svn+", "bzr+"];
    before_marker.contains('@') || vcs.iter().any(|start| text.starts_with(start))
}

fn is_path(text: &str, name: &str) -> bool {
    let archive = [".whl", ".tar.gz", ".tgz", ".zip", ".tar.bz2", ".tar.xz"];
    let before_marker = text.split(';').next().unwrap_or_default();
    before_marker.contains('/')
        || before_marker.contains('\\')
        || text.starts_with(['.', '~'])
        || archive.iter().any(|end| name.to_ascii_lowercase().ends_with(end))
}

/// Whether this may follow a name: extras, versions, a marker, hashes.
fn is_specifier(rest: &str) -> bool {
    let mut rest = rest.trim_start();
    if let Some(extras) = rest.strip_prefix('[') {
        let Some((names, after)) = extras.split_once(']') else {
            return false;
        };
        if !names
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "._-, ".contains(c))
        {
            return false;
        }
        rest = after.trim_start();
    }
    rest.is_empty() || rest.starts_with([';', '<', '>', '=', '!', '~', '(']) || rest.starts_with("--hash")
}

fn is_foreign_option(word: &str) -> bool {
    word.starts_with('-') && !word.starts_with("--hash=") && !word.starts_with("--hash:")
}

/// Two spellings of a package's name, made one, as indexes do it.
fn normalised(name: &str) -> String {
    let parts = name.split(['.', '_', '-']).filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}
