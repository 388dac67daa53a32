//! One build: its folder, the files that the installer is given, and its calls.

use std::io;
use std::path::{Path, PathBuf};

use project::Requirements;

use super::builder::Builder;
use super::explain::{Doing, fault};
use super::installer::{self, Order, Outcome};
use super::{Environments, disk, pip};
use crate::deploy_error::DeployError;
use crate::tmp::Scratch;

/// Most bytes of the installer's log that are looked at.
const LOG_LOOKED_AT: u64 = 16 * 1024 * 1024;

/// One build: a folder, and who works in it.
pub(super) struct Workshop<'a> {
    pub environments: &'a Environments,
    pub builder: Builder,
    pub scratch: Scratch,
}

impl Workshop<'_> {
    pub fn path(&self) -> &Path {
        self.scratch.path()
    }

    pub fn write(&self, name: &str, text: &str) -> Result<(), DeployError> {
        std::fs::write(self.path().join(name), text).map_err(|error| disk(&error))
    }

    /// Makes a virtual environment to install into. Answers its interpreter.
    pub async fn environment(&self) -> Result<PathBuf, DeployError> {
        self.builder
            .hand_over(self.path())
            .map_err(|error| disk(&error))?;
        let args = ["-I", "-m", "venv", "--without-pip", "venv"].map(str::to_owned);
        let python = self.environments.interpreter.executable.clone();
        let outcome = self.run(&python, args.to_vec()).await?;
        self.check(Doing::Installing, &outcome, &Requirements::default())?;
        Ok(self.path().join("venv/bin/python"))
    }

    pub async fn run(&self, python: &Path, args: Vec<String>) -> Result<Outcome, DeployError> {
        let Environments {
            options,
            interpreter,
            mode,
            program,
            ..
        } = self.environments;
        let policy = self
            .builder
            .policy(self.path(), options, interpreter, *mode)
            .map_err(|error| disk(&error))?;
        let order = Order {
            program: python.to_owned(),
            args,
            env: pip::environment(self.path(), options),
            cwd: self.path().to_owned(),
            policy,
            user: self.builder.user,
            timeout: options.timeout,
        };
        let outcome = installer::run(program, &order)
            .await
            .map_err(|error| disk(&error))?;
        tracing::debug!(?outcome.ended, "an installer ended");
        Ok(outcome)
    }

    pub fn check(
        &self,
        doing: Doing,
        outcome: &Outcome,
        requirements: &Requirements,
    ) -> Result<(), DeployError> {
        // Where it did not come so far there is none.
        let log = read_some(&self.path().join(pip::LOG)).unwrap_or_default();
        match fault(doing, outcome, &log, requirements, &self.environments.options) {
            None => Ok(()),
            Some(error) => Err(error),
        }
    }

    pub fn packages(&self) -> Result<PathBuf, DeployError> {
        let library = self.path().join("venv/lib");
        let found = std::fs::read_dir(library).and_then(|entries| {
            let all: Vec<_> = entries.collect::<io::Result<_>>()?;
            let folders = all.into_iter().map(|entry| entry.path().join("site-packages"));
            folders
                .into_iter()
                .find(|folder| folder.is_dir())
                .ok_or_else(|| io::Error::other("the environment has no folder of packages"))
        });
        found.map_err(|error| disk(&error))
    }
}

fn read_some(file: &Path) -> io::Result<String> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::fs::File::open(file)?
        .take(LOG_LOOKED_AT)
        .read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
