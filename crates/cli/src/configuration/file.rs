//! `aftercall.toml`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use domain::Code;
use toml::Spanned;

use super::keys::{self, KEYS, Key};
use super::value::{self, Value};
use crate::error::CliError;

/// The file's name, looked for in the working folder and in the user's configuration folder.
pub const FILE_NAME: &str = "aftercall.toml";

/// How alike two names must be, from 0 to 1, for one to be offered in place of the other.
const ALIKE: f64 = 0.8;

/// A value in a file, and the line where it stands, from 1.
pub(super) type Placed = (Value, usize);

/// Reads every setting of a file.
pub(super) fn read(path: &Path, text: &str) -> Result<BTreeMap<&'static str, Placed>, Box<CliError>> {
    type Table = BTreeMap<Spanned<String>, Spanned<toml::Value>>;
    let at = |offset: usize| format!("{}:{}", path.display(), line_of(text, offset));
    let table: Table = toml::from_str(text).map_err(|error| {
        let place = error
            .span()
            .map_or_else(|| path.display().to_string(), |span| at(span.start));
        CliError::usage(Code::BadConfiguration, error.message(), "correct the file there").at(place)
    })?;
    let mut found = BTreeMap::new();
    for (name, value) in &table {
        let line = line_of(text, name.span().start);
        match value.get_ref() {
            // Inner keys carry no place of their own; their table's line is near enough to find them.
            toml::Value::Table(inner) => {
                for (inner_name, inner_value) in inner {
                    let full = format!("{}.{inner_name}", name.get_ref());
                    let line = line_of_key(text, name.span().start, inner_name).unwrap_or(line);
                    take(path, line, &full, inner_value, &mut found)?;
                }
            }
            plain => take(path, line, name.get_ref(), plain, &mut found)?,
        }
    }
    Ok(found)
}

fn take(
    path: &Path,
    line: usize,
    name: &str,
    value: &toml::Value,
    found: &mut BTreeMap<&'static str, Placed>,
) -> Result<(), Box<CliError>> {
    let place = format!("{}:{line}", path.display());
    let key = keys::find(name).ok_or_else(|| unknown(name).at(place.clone()))?;
    let value = value::from_toml(key, value).ok_or_else(|| unfit(key, &value.to_string()).at(place))?;
    found.insert(key.name, (value, line));
    Ok(())
}

pub(super) fn unknown(name: &str) -> Box<CliError> {
    let nearest = KEYS
        .iter()
        .map(|key| (strsim::jaro_winkler(name, key.name), key.name))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|left, right| left.0.total_cmp(&right.0));
    let fix = match nearest {
        Some((_, name)) => format!("did you mean {name}?"),
        None => "`aftercall config show` lists every setting".to_owned(),
    };
    CliError::usage(
        Code::BadConfiguration,
        format!("there is no setting {name:?}"),
        fix,
    )
}

pub(super) fn unfit(key: &Key, found: &str) -> Box<CliError> {
    let found = if key.secret { "a secret" } else { found };
    let message = format!("{} cannot be {found}", key.name);
    CliError::usage(
        Code::BadConfiguration,
        message,
        format!("give it {}", value::expected(key.kind)),
    )
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

fn line_of_key(text: &str, from: usize, key: &str) -> Option<usize> {
    let found = text.get(from..)?.find(key)?;
    Some(line_of(text, from + found))
}

/// Where a file is looked for when none is named: the working folder, then the user's configuration folder.
pub(super) fn places(working_folder: &Path, configuration_folder: Option<PathBuf>) -> Vec<PathBuf> {
    let user = configuration_folder.map(|folder| folder.join("aftercall").join(FILE_NAME));
    std::iter::once(working_folder.join(FILE_NAME))
        .chain(user)
        .collect()
}
