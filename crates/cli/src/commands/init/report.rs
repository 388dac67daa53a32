//! What `aftercall init` tells of what it made.

use std::path::{Path, PathBuf};

use domain::ProjectName;
use serde_json::json;

use super::takeover::Takeover;
use crate::commands::stubs;
use crate::context::Context;
use crate::error::CliError;
use crate::screen::{style, table};

/// The kinds of needs, and how each is headed.
const NEEDS: [(&str, &str); 6] = [
    ("secrets", "secrets"),
    ("apis", "APIs"),
    ("integrations", "integrations"),
    ("model", "language model"),
    ("packages", "packages"),
    (
        "missing_packages",
        "packages that are not here and not in requirements.txt",
    ),
];

/// Of a project from the template.
pub(super) fn made(
    context: &Context,
    name: &ProjectName,
    folder: &Path,
    files: &[PathBuf],
) -> Result<(), Box<CliError>> {
    if context.screen.json {
        let answer = json!({ "name": name, "folder": folder, "files": files });
        return context.screen.json(&answer, false);
    }
    let heading = style::good("made project");
    let text = format!("{heading} {name}\n{}\n{}", listed(folder, files), next(folder));
    context.screen.say(&text)
}

/// Of a project that was taken over.
pub(super) fn taken_over(
    context: &Context,
    name: &ProjectName,
    folder: &Path,
    from: &Path,
    taken: &Takeover,
    files: &[PathBuf],
) -> Result<(), Box<CliError>> {
    if context.screen.json {
        let answer = json!({
            "name": name, "folder": folder, "from": from, "files": files, "left_out": taken.left_out,
            "needs": taken.scan.needs, "findings": taken.scan.findings, "new_function": taken.is_new_function,
        });
        return context.screen.json(&answer, false);
    }
    let mut text = format!(
        "{} {name} from {}\n{}",
        style::good("took over"),
        from.display(),
        listed(folder, files)
    );
    if !taken.left_out.is_empty() {
        let parts = taken
            .left_out
            .iter()
            .map(|(name, count)| format!("{name} ({count})"));
        let parts = parts.collect::<Vec<_>>().join(", ");
        text.push_str(&format!("\n{} {parts}\n", style::strong("left out")));
    }
    if taken.is_new_function {
        let new = "it had no end function: functions/end_function.py is the template's";
        text.push_str(&format!("\n{} {new}\n", style::warn("note")));
    }
    text.push_str(&needs(taken));
    if !taken.scan.findings.is_empty() {
        text.push_str(&format!("\n{}\n", style::strong("to look at")));
        for finding in &taken.scan.findings {
            text.push_str(&finding.tell());
        }
    }
    text.push_str(&format!("\n{}", next(folder)));
    context.screen.say(&text)
}

fn needs(taken: &Takeover) -> String {
    let mut text = String::new();
    for (kind, heading) in NEEDS {
        let Some(named) = taken.scan.needs.get(kind).filter(|named| !named.is_empty()) else {
            continue;
        };
        let rows: Vec<_> = named
            .iter()
            .map(|(name, at)| (name.as_str(), at.clone()))
            .collect();
        let rows = crate::story::indented(&table::pairs(&rows), 2);
        text.push_str(&format!(
            "\n{}\n{rows}",
            style::strong(&format!("uses {heading}"))
        ));
    }
    text
}

fn listed(folder: &Path, files: &[PathBuf]) -> String {
    let (typings, others): (Vec<_>, Vec<_>) = files.iter().partition(|file| file.starts_with(stubs::FOLDER));
    let folder = folder.display();
    let mut text: String = others
        .iter()
        .map(|file| format!("  {folder}/{}\n", file.display()))
        .collect();
    text.push_str(&format!(
        "  {folder}/{}/ ({} type stubs)\n",
        stubs::FOLDER,
        typings.len()
    ));
    text
}

fn next(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "next\n  aftercall check {folder}\n  aftercall invoke {folder} {folder}/conversations/*.json --watch\n"
    )
}
