//! What every command is given.

use crate::client::{Client, query};
use crate::configuration::Configuration;
use crate::error::CliError;
use crate::screen::Screen;

/// See the fields.
#[derive(Debug)]
pub struct Context {
    /// Every setting.
    pub configuration: Configuration,
    /// Where answers go.
    pub screen: Screen,
}

impl Context {
    /// The server that the configuration names.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn client(&self) -> Result<Client, Box<CliError>> {
        Client::new(&self.configuration)
    }

    /// A path of the API with the project, if one is named, and `more`.
    ///
    /// # Errors
    /// `AC0803` for a project's name that is none.
    pub fn path(&self, path: &str, more: &[(&str, Option<String>)]) -> Result<String, Box<CliError>> {
        let project = self.configuration.project()?.map(|name| name.to_string());
        let mut values = vec![("project", project)];
        values.extend(more.iter().cloned());
        Ok(query(path, &values))
    }

    /// The environment, if somebody named one.
    #[must_use]
    pub fn named_environment(&self) -> Option<String> {
        let configuration = &self.configuration;
        configuration
            .names_environment()
            .then(|| configuration.environment().to_string())
    }
}
