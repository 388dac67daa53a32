//! `aftercall invoke --watch`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use domain::Code;

use super::outcome::Outcome;
use super::{Invoke, Tally};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::input::STANDARD_INPUT;
use crate::screen::style;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(300);
/// Most files that are looked at: a project has no more, and a look must stay short.
const MAX_FILES: usize = 20_000;

type Seen = BTreeMap<PathBuf, (SystemTime, u64)>;

/// Runs, waits for a change, runs again, until it is interrupted.
pub(super) async fn run(invoke: &Invoke, context: &Context) -> Result<Exit, Box<CliError>> {
    if invoke
        .conversations
        .iter()
        .any(|path| path.as_os_str() == STANDARD_INPUT)
    {
        return Err(CliError::usage(
            Code::BadInputFile,
            "standard input cannot be read again",
            "give the conversations as files with --watch",
        ));
    }
    let mut last: BTreeMap<String, Outcome> = BTreeMap::new();
    loop {
        let seen = look(invoke);
        match once(invoke, context, &last).await {
            Ok(now) => last = now,
            // Half-written code is what watching is for: it is told, and the next save tried.
            Err(error) if error.exit() == Exit::Fault => return Err(error),
            Err(error) => context.screen.error(&error),
        }
        context.screen.note(&style::faint("watching; Ctrl-C ends it"));
        let changed = loop {
            tokio::time::sleep(LOOK).await;
            let now = look(invoke);
            if now != seen {
                break difference(&seen, &now);
            }
        };
        context
            .screen
            .say(&format!("\n{} {}", style::strong("changed:"), changed.join(", ")))?;
    }
}

async fn once(
    invoke: &Invoke,
    context: &Context,
    last: &BTreeMap<String, Outcome>,
) -> Result<BTreeMap<String, Outcome>, Box<CliError>> {
    let mut now = BTreeMap::new();
    let mut tally = Tally::default();
    let mut same = 0;
    invoke
        .each(context, |outcome| {
            tally.count(&outcome);
            match last.get(&outcome.name()) {
                Some(before) if before.same_as(&outcome) => same += 1,
                Some(before) if before.status != outcome.status => {
                    let turn = format!(
                        "{} → {}",
                        style::status(before.status),
                        style::status(outcome.status)
                    );
                    context
                        .screen
                        .say(&format!("{}: {turn}", style::strong(&outcome.name())))?;
                    outcome.show(context)?;
                }
                _ => outcome.show(context)?,
            }
            now.insert(outcome.name(), outcome);
            Ok(())
        })
        .await?;
    let unchanged = if same > 0 {
        format!(", {same} as before")
    } else {
        String::new()
    };
    context.screen.note(&format!("{}{unchanged}", tally.tell()));
    Ok(now)
}

fn look(invoke: &Invoke) -> Seen {
    let mut seen = Seen::new();
    for path in invoke.conversations.iter().chain([&invoke.project]) {
        // What cannot be looked at now is told by the run that needs it.
        let _ = look_below(path, &mut seen);
    }
    seen
}

fn look_below(path: &Path, seen: &mut Seen) -> io::Result<()> {
    let found = fs::metadata(path)?;
    if !found.is_dir() {
        seen.insert(path.to_path_buf(), (found.modified()?, found.len()));
        return Ok(());
    }
    for entry in fs::read_dir(path)? {
        let entry = entry?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_linked_folder = entry.file_type()?.is_symlink() && entry.path().is_dir();
        if name.starts_with('.') || name == "__pycache__" || is_linked_folder || seen.len() >= MAX_FILES {
            continue;
        }
        // A file may be gone between the listing and the look.
        let _ = look_below(&entry.path(), seen);
    }
    Ok(())
}

fn difference(before: &Seen, after: &Seen) -> Vec<String> {
    let changed = after
        .iter()
        .filter(|(path, what)| before.get(*path) != Some(what))
        .map(|(path, _)| path);
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    changed
        .chain(gone)
        .map(|path| path.display().to_string())
        .collect()
}
