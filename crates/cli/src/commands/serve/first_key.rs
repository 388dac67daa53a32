//! The first API key: somebody must have one to make others from elsewhere.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use api::{KeyRequest, Scope};
use crypto::OsEntropy;
use domain::{Code, Environment, KeyId};
use store::Store;

use crate::assemble::{self, new_id};
use crate::context::Context;
use crate::error::CliError;
use crate::screen::style;

/// Where it is kept until somebody takes it, when nobody is there to read it.
const FILE: &str = "first-admin-key";

/// Makes an admin key if there is no key at all. It is shown on a terminal, else written into a file of mode 0600, and
/// never logged.
pub(super) async fn make_if_none(
    context: &Context,
    store: &dyn Store,
    folder: &Path,
) -> Result<(), Box<CliError>> {
    let failed = |error: &dyn std::fmt::Display| {
        CliError::fault(
            Code::StoreFailed,
            format!("the first API key cannot be made: {error}"),
            "look at the data folder",
        )
    };
    if !store.api_keys().await.map_err(|error| failed(&error))?.is_empty() {
        return Ok(());
    }
    let wanted = KeyRequest {
        label: "first admin key".to_owned(),
        project: None,
        environments: Environment::ALL.to_vec(),
        scope: Scope::Admin,
    };
    let id = KeyId::from_uuid(new_id());
    let made = server::keys::create(store, &OsEntropy, id, (assemble::clock())(), wanted)
        .await
        .map_err(|error| failed(&error))?;
    if io::stderr().is_terminal() {
        let why = style::faint("an admin key for --server; it is shown this once (locally none is needed):");
        context
            .screen
            .note(&format!("{why}\n  {}\n", style::strong(&made.secret)));
        return Ok(());
    }
    let path = folder.join(FILE);
    write(&path, &made.secret).map_err(|error| failed(&error))?;
    tracing::info!(file = %path.display(), "the first admin key is in this file; take it from there and delete it");
    Ok(())
}

fn write(path: &Path, secret: &str) -> io::Result<()> {
    // One that is there is of an earlier life of this folder, and opens nothing any more.
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    writeln!(file, "{secret}")?;
    file.sync_all()
}
