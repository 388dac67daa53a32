//! `aftercall invoke --watch`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use std::{fs, io};

use domain::Code;
use serde::Serialize;

use super::changes::Changes;
use super::outcome::Outcome;
use super::{Invoke, Tally};
use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::input::STANDARD_INPUT;
use crate::screen::style;

/// How often the files are looked at. Looking, and not being told, works on every file system and platform.
const LOOK: Duration = Duration::from_millis(200);
/// An editor may save in several steps, and many files at once: a run begins when nothing has changed for one look, and at
/// the latest after so many.
const MAX_LOOKS: usize = 25;
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
    let mut last = Round::default();
    loop {
        // Looked at before the run: what is saved while it is under way starts the next one.
        let seen = look(invoke);
        match once(invoke, context, &last).await {
            Ok(now) => last = now,
            // Half-written code is what watching is for: it is told, and the next save tried.
            Err(error) if error.exit() == Exit::Fault => return Err(error),
            Err(error) => context.screen.error(&error),
        }
        if !context.screen.json {
            context.screen.note(&style::faint("watching; Ctrl-C ends it"));
        }
        let changed = change(invoke, seen).await;
        if !context.screen.json {
            let files = changed.join(", ");
            context
                .screen
                .say(&format!("\n{} {files}", style::strong("changed:")))?;
        }
    }
}

/// Waits for a change, and until it is over. Answers the files.
async fn change(invoke: &Invoke, seen: Seen) -> Vec<String> {
    let mut before = seen.clone();
    let mut looks = 0;
    loop {
        tokio::time::sleep(LOOK).await;
        let now = look(invoke);
        let is_quiet = now == before;
        if now != seen {
            looks += 1;
            if is_quiet || looks >= MAX_LOOKS {
                return difference(&seen, &now);
            }
        }
        before = now;
    }
}

/// The last run over each conversation, by its name and how often that came before.
type Round = BTreeMap<(String, usize), Outcome>;

/// An outcome with what is different in it; null at the first run.
#[derive(Serialize)]
struct Watched<'a> {
    #[serde(flatten)]
    outcome: &'a Outcome,
    changes: Option<&'a Changes>,
}

async fn once(invoke: &Invoke, context: &Context, last: &Round) -> Result<Round, Box<CliError>> {
    let mut now = Round::new();
    let mut tally = Tally::default();
    let mut same = 0;
    invoke
        .each(context, |outcome| {
            tally.count(&outcome);
            let name = outcome.name();
            let earlier = (0..).find(|count| !now.contains_key(&(name.clone(), *count)));
            let key = (name, earlier.unwrap_or_default());
            let was = last.get(&key);
            let changes = was.map(|was| Changes::between(was, &outcome));
            match (was, &changes) {
                _ if context.screen.json => {
                    let watched = Watched {
                        outcome: &outcome,
                        changes: changes.as_ref(),
                    };
                    context.screen.json(&watched, true)?;
                }
                (Some(_), Some(changes)) if changes.is_empty() => same += 1,
                (Some(was), Some(changes)) => {
                    context.screen.say(&outcome.tell_changes(changes, was.status))?
                }
                _ => outcome.show(context)?,
            }
            now.insert(key, outcome);
            Ok(())
        })
        .await?;
    if !context.screen.json {
        let unchanged = if same > 0 {
            format!(", {same} as before")
        } else {
            String::new()
        };
        context.screen.note(&format!("{}{unchanged}", tally.tell()));
    }
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
