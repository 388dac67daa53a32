//! Looking at a project's source, by the interpreter that would run it: none of the project's code runs.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use domain::Code;
use project::Package;
use runner::{Runtime, Scratch};
use serde::Deserialize;
use tokio::process::Command;

use super::finding::Finding;
use crate::assemble;
use crate::context::Context;
use crate::error::CliError;

/// The module that looks.
const MODULE: &str = "aftercall._runtime.check";
/// Said instead of a folder of packages that could not be installed.
const UNKNOWN: &str = "-";

/// How long a look may take: a project of the greatest size takes a few seconds.
const PATIENCE: Duration = Duration::from_secs(120);

/// What a look at the source found.
#[derive(Debug, Default, Deserialize)]
pub struct Scan {
    /// In order of file and line.
    pub findings: Vec<Finding>,
    /// By kind (`secrets`, `apis`, …): name, and where it is first used.
    pub needs: BTreeMap<String, BTreeMap<String, String>>,
    /// The files that can be reached from the entry.
    pub files: Vec<String>,
}

/// Where the packages are that a project requires.
#[derive(Debug, Clone, Copy)]
pub enum Packages<'a> {
    /// It requires none.
    None,
    /// Below this folder.
    In(&'a Path),
    /// They could not be installed, or that was not tried.
    Unknown,
}

/// Looks at a package's files.
///
/// # Errors
/// `AC0212` without an interpreter, `AC0901` if the look itself failed.
pub async fn scan(
    context: &Context,
    package: &Package,
    packages: Packages<'_>,
) -> Result<Scan, Box<CliError>> {
    let ours = |what: &str, error: &dyn std::fmt::Display| {
        CliError::fault(
            Code::Internal,
            format!("the project's source cannot be looked at: {what}: {error}"),
            "look at what the system says there",
        )
    };
    let interpreter = assemble::interpreter(&context.configuration)?;
    let memory = assemble::memory_folder(&context.configuration)?;
    let scratch = Scratch::claim(&memory).map_err(|error| ours("no temporary folder", &error))?;
    let runtime =
        Runtime::extract(&scratch.path().join("runtime")).map_err(|error| ours("the runtime", &error))?;
    let project = scratch.path().join("project");
    package
        .unpack(&project)
        .map_err(|error| ours("its files", &error))?;
    let handoffs: Vec<_> = package.conversation_defaults().handoffs.keys().collect();
    let handoffs = serde_json::to_string(&handoffs).map_err(|error| ours("its destinations", &error))?;
    let output = Command::new(&interpreter.executable)
        .args(["-s", "-P", "-m", MODULE])
        .arg(&project)
        .arg(package.entry())
        .arg(match packages {
            Packages::None => Path::new(""),
            Packages::In(folder) => folder,
            Packages::Unknown => Path::new(UNKNOWN),
        })
        .arg(handoffs)
        .env_clear()
        .env("PYTHONPATH", &runtime.folder)
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .stdin(Stdio::null())
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .map_err(|_| ours("it took too long", &format!("{} s", PATIENCE.as_secs())))?
        .map_err(|error| ours("the interpreter", &error))?;
    if !output.status.success() {
        return Err(ours("it failed", &String::from_utf8_lossy(&output.stderr)));
    }
    serde_json::from_slice(&output.stdout).map_err(|error| ours("its answer", &error))
}
