//! The first API key: somebody must have one to make others from elsewhere.

use std::fs::{self, OpenOptions};
use std::io::{self, IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use api::{KeyRequest, Scope};
use crypto::OsEntropy;
use domain::{Code, Environment, KeyId};
use store::{Store, StoreError};

use crate::assemble::{self, new_id};
use crate::context::Context;
use crate::error::CliError;
use crate::screen::style;

/// Where it is until somebody takes it.
const FILE: &str = "first-admin-key";

/// Makes an admin key if there is no key at all. It is shown on a terminal, else left in a file of mode 0600, and never
/// logged. It is in the file before it opens anything: a key that nobody ever saw would keep any other from being made.
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
    let draft =
        server::keys::draft(&OsEntropy, id, (assemble::clock())(), wanted).map_err(|error| failed(&error))?;
    let (path, secret) = (folder.join(FILE), draft.secret().to_owned());
    write(&path, &secret).map_err(|error| failed(&error))?;
    kept_or_removed(&path, draft.keep(store))
        .await
        .map_err(|error| failed(&error))?;
    if !io::stderr().is_terminal() {
        tracing::info!(file = %path.display(), "the first admin key is in this file; take it from there and delete it");
        return Ok(());
    }
    let why = style::faint("an admin key for --server; it is shown this once (locally none is needed):");
    context
        .screen
        .note(&format!("{why}\n  {}\n", style::strong(&secret)));
    fs::remove_file(&path).map_err(|error| failed(&error))
}

/// Removes the file of a key that surely is not kept; of one that may be, it stays.
async fn kept_or_removed<T>(
    path: &Path,
    keeping: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let kept = keeping.await;
    if let Err(error) = &kept
        && !matches!(error, StoreError::Unknown(_))
        && let Err(left) = fs::remove_file(path)
    {
        tracing::warn!(file = %path.display(), error = %left, "the key in this file opens nothing, and it cannot be removed");
    }
    kept
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
    file.sync_all()?;
    match path.parent() {
        Some(folder) => fs::File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[tokio::test]
    async fn the_file_is_there_before_the_key_is_kept_and_goes_only_if_it_surely_was_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let failed = || Err(StoreError::Failed("no".to_owned()));
        let unknown = || Err(StoreError::Unknown("perhaps".to_owned()));
        for (outcome, stays) in [
            (Ok(()), true),
            (failed(), false),
            (unknown(), true),
            (Err(StoreError::ReadOnly), false),
        ] {
            // Over what an earlier start has left.
            fs::write(&path, "stale").unwrap();
            write(&path, "ac_secret").unwrap();
            let told = format!("{outcome:?}");
            let kept = kept_or_removed(&path, async {
                assert_eq!(fs::read_to_string(&path).unwrap(), "ac_secret\n");
                assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
                outcome
            });
            assert_eq!(format!("{:?}", kept.await), told);
            assert_eq!(path.exists(), stays, "{told}");
        }
    }

    #[tokio::test]
    async fn a_start_that_is_cut_off_between_file_and_key_is_healed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let cut_off = std::future::pending::<Result<(), StoreError>>();
        write(&path, "ac_first").unwrap();
        let within = std::time::Duration::from_millis(10);
        let kept = tokio::time::timeout(within, kept_or_removed(&path, cut_off)).await;
        assert!(kept.is_err() && path.exists());
        write(&path, "ac_second").unwrap();
        kept_or_removed(&path, async { Ok(()) }).await.unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "ac_second\n");
    }
}
