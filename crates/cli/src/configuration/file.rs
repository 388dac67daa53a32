//! `aftercall.toml`.

use std::path::{Path, PathBuf};

use domain::Code;
use toml::de::{DeTable, DeValue};

use super::keys::{Key, Kind};
use super::own::Named;
use super::value::{self, Value};
use crate::error::CliError;

/// The file's name, looked for in the working folder and in the user's configuration folder.
pub const FILE_NAME: &str = "aftercall.toml";

/// Tables within tables: `[gateway.projects.NAME.live]`, and of hosts.
const DEPTH: usize = 6;

/// A setting in a file, its value, and the line where it stands, from 1.
pub(super) type Placed = (Named, Value, usize);

/// Reads every setting of a file.
pub(super) fn read(path: &Path, text: &str) -> Result<Vec<Placed>, Box<CliError>> {
    let file = File { path, text };
    let table = DeTable::parse(text).map_err(|error| {
        let place = error
            .span()
            .map_or_else(|| path.display().to_string(), |span| file.place(span.start));
        CliError::usage(Code::BadConfiguration, error.message(), "correct the file there").at(place)
    })?;
    let mut found = Vec::new();
    file.take_all("", table.get_ref(), DEPTH, &mut found)?;
    Ok(found)
}

struct File<'a> {
    path: &'a Path,
    text: &'a str,
}

impl File<'_> {
    fn place(&self, offset: usize) -> String {
        format!("{}:{}", self.path.display(), line_of(self.text, offset))
    }

    fn take_all(
        &self,
        before: &str,
        table: &DeTable<'_>,
        depth: usize,
        found: &mut Vec<Placed>,
    ) -> Result<(), Box<CliError>> {
        for (name, value) in table {
            let (offset, name) = (name.span().start, format!("{before}{}", name.get_ref()));
            let named = Named::read(&name);
            let is_of_hosts = matches!(&named, Ok(named) if named.key().kind == Kind::Certificates);
            match value.get_ref() {
                DeValue::Table(inner) if !is_of_hosts && depth > 0 => {
                    self.take_all(&format!("{name}."), inner, depth - 1, found)?;
                }
                value => {
                    let named = named.map_err(|error| error.at(self.place(offset)))?;
                    let value = plain(value);
                    let read = value::from_toml(named.key(), &value);
                    let unfit = || unfit(named.key(), &name, &value.to_string()).at(self.place(offset));
                    let value = read.ok_or_else(unfit)?;
                    found.push((named, value, line_of(self.text, offset)));
                }
            }
        }
        Ok(())
    }
}

/// A value without its places.
fn plain(value: &DeValue<'_>) -> toml::Value {
    match value {
        DeValue::String(text) => toml::Value::String(text.clone().into_owned()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or_else(|_| toml::Value::String(number.to_string()), toml::Value::Integer),
        DeValue::Float(number) => toml::Value::Float(number.as_str().parse().unwrap_or(f64::NAN)),
        DeValue::Boolean(on) => toml::Value::Boolean(*on),
        DeValue::Datetime(time) => toml::Value::Datetime(*time),
        DeValue::Array(all) => toml::Value::Array(all.iter().map(|one| plain(one.get_ref())).collect()),
        DeValue::Table(inner) => {
            let named = inner
                .iter()
                .map(|(name, value)| (name.get_ref().clone().into_owned(), plain(value.get_ref())));
            toml::Value::Table(named.collect())
        }
    }
}

/// `name`: the key's, or the one of a project that is like it.
pub(super) fn unfit(key: &Key, name: &str, found: &str) -> Box<CliError> {
    let found = if key.secret { "a secret" } else { found };
    let message = format!("{name} cannot be {found}");
    CliError::usage(
        Code::BadConfiguration,
        message,
        format!("give it {}", value::expected(key.kind)),
    )
}

fn line_of(text: &str, offset: usize) -> usize {
    text.bytes().take(offset).filter(|byte| *byte == b'\n').count() + 1
}

/// Where a file is looked for when none is named: the working folder, then the user's configuration folder.
pub(super) fn places(working_folder: &Path, configuration_folder: Option<PathBuf>) -> Vec<PathBuf> {
    let user = configuration_folder.map(|folder| folder.join("aftercall").join(FILE_NAME));
    std::iter::once(working_folder.join(FILE_NAME))
        .chain(user)
        .collect()
}
