//! What pip says, made an error that its reader can act on.

use domain::Code;
use project::{REQUIREMENTS_FILE, Requirements};

use super::installer::{Ended, Outcome};
use super::options::{DependencyOptions, redacted};
use crate::deploy_error::DeployError;

/// Most of its lines that an error repeats.
const LINES_SHOWN: usize = 6;
/// Most characters of one of them.
const LINE_SHOWN: usize = 300;

/// What was being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Doing {
    Resolving,
    Installing,
}

/// Why an outcome is none that can be used; `None` if it can.
pub(super) fn fault(
    doing: Doing,
    outcome: &Outcome,
    log: &str,
    requirements: &Requirements,
    options: &DependencyOptions,
) -> Option<DeployError> {
    let secrets = options.secrets();
    let output = redacted(&outcome.output, &secrets);
    let said = Said {
        errors: errors(&output),
        output,
        log: redacted(log, &secrets),
        requirements,
        options,
    };
    match &outcome.ended {
        Ended::Exited(0) => None,
        Ended::TimedOut => Some(said.timed_out(doing)),
        Ended::Failed(why) => Some(failed(
            format!("the installer could not be run: {}", redacted(why, &secrets)),
            "look at what the system says there, and that the disk has room",
        )),
        Ended::Exited(status) => Some(said.explained(*status)),
    }
}

/// An `AC0216`.
pub(super) fn failed(message: impl Into<String>, fix: impl Into<String>) -> DeployError {
    DeployError {
        fix: Some(fix.into()),
        ..DeployError::ours(Code::InstallerFailed, message)
    }
}

struct Said<'a> {
    output: String,
    errors: Vec<String>,
    log: String,
    requirements: &'a Requirements,
    options: &'a DependencyOptions,
}

impl Said<'_> {
    fn explained(&self, status: i32) -> DeployError {
        let has = |text: &str| self.output.contains(text);
        if has("DO NOT MATCH THE HASHES") {
            return self.changed();
        }
        if has("no such option: --report") {
            return failed(
                "the interpreter's pip is older than 22.2 and cannot tell what it would install",
                "upgrade it: PYTHON -m pip install --upgrade pip, or choose another interpreter (AFTERCALL_PYTHON)",
            );
        }
        // Before what follows from it: an index that tells nothing has no versions either.
        if let Some(line) = self.index_fault() {
            return unreachable(line);
        }
        if has("conflicting dependencies") || has("ResolutionImpossible") {
            return self.conflict();
        }
        if let Some(wanted) = self.unfound() {
            return self.not_found(&wanted);
        }
        if has("No space left on device") {
            return failed(
                format!("the disk is full: {}", self.reason()),
                "make room where the environments lie, and in /var/tmp",
            );
        }
        let message = format!("pip ended with status {status}: {}", self.reason());
        failed(
            message,
            "do what pip says, or name other versions in requirements.txt",
        )
    }

    fn changed(&self) -> DeployError {
        let expected =
            |line: &&str| line.trim_start().starts_with("Expected sha256") || line.contains("Got ");
        let lines: Vec<_> = self.output.lines().filter(expected).map(str::trim).collect();
        let of = self
            .output
            .lines()
            .filter_map(|line| line.trim().split_once(" from "));
        let of = of
            .map(|(name, _)| name.trim())
            .find(|name| name.contains("==") || !name.contains(' '));
        self.told(
            Code::PackageChanged,
            of,
            format!(
                "the file of {} has other bytes than were locked ({})",
                of.unwrap_or("a package"),
                lines.join("; ").replace("        ", " ")
            ),
            "find out who changed the file, and put the right one back; where the change is meant, change \
             requirements.txt (a comment is enough), which resolves it anew"
                .to_owned(),
        )
    }

    /// Why an index told nothing. That it knows no such name is no fault.
    fn index_fault(&self) -> Option<&str> {
        let broken = self
            .output
            .lines()
            .find(|line| line.contains("connection broken by"));
        // Told in its log alone.
        let unfetched =
            |line: &&str| line.contains("Could not fetch URL") && !line.contains("404 Client Error");
        broken.or_else(|| self.log.lines().find(unfetched))
    }

    fn conflict(&self) -> DeployError {
        let lines = self.output.lines().map(str::trim).filter(|line| !line.is_empty());
        let from = lines.skip_while(|line| !line.contains("conflicting dependencies"));
        let told = from
            .take_while(|line| !line.starts_with("To fix this") && !line.contains("ResolutionImpossible"));
        let lines: Vec<_> = told
            .map(|line| line.trim_start_matches("ERROR: "))
            .filter(|line| *line != "The conflict is caused by:")
            .take(LINES_SHOWN)
            .map(shortened)
            .collect();
        let first = lines
            .first()
            .map(|line| line.trim_start_matches("Cannot install "));
        let named = first.and_then(|line| line.split([' ', ',']).next());
        self.told(
            Code::RequirementsUnmet,
            named,
            format!("some requirements exclude each other: {}", lines.join("; ")),
            "loosen or change one of the requirements that exclude each other".to_owned(),
        )
    }

    /// What no version could be found of, as it was asked for.
    fn unfound(&self) -> Option<String> {
        let line = self
            .errors
            .iter()
            .find_map(|line| line.strip_prefix("No matching distribution found for "))?;
        Some(line.split(" (from").next().unwrap_or(line).trim().to_owned())
    }

    fn not_found(&self, wanted: &str) -> DeployError {
        let name = name_of(wanted);
        let others = self
            .errors
            .iter()
            .find_map(|line| Some(line.split_once("(from versions: ")?.1.trim_end_matches(')')))
            .filter(|versions| *versions != "none");
        if let Some(why) = self.left_out(&name) {
            return self.told(
                Code::NoWheel,
                Some(wanted),
                format!("no wheel of {wanted} can be installed here: {why}"),
                "name a version that has one, or make one (pip wheel) for dependencies.wheelhouse; an operator who trusts \
                 the index can set dependencies.allow_source = true"
                    .to_owned(),
            );
        }
        let place = match (&self.options.wheelhouse, others) {
            (_, Some(others)) => format!("there are the versions {}", shortened(others)),
            (Some(folder), None) => format!("nothing of that name is in {}", folder.display()),
            (None, None) => "nothing of that name is in the index".to_owned(),
        };
        let fix = match &self.options.wheelhouse {
            Some(folder) => format!(
                "correct the name or the versions, or put its wheel into {}",
                folder.display()
            ),
            None => "correct the name or the versions".to_owned(),
        };
        self.told(
            Code::RequirementsUnmet,
            Some(wanted),
            format!("nothing fits {wanted}: {place}"),
            fix,
        )
    }

    /// Why files of a package were passed over, which its log tells.
    fn left_out(&self, name: &str) -> Option<&'static str> {
        let about = |line: &&str| line.contains("Skipping link") && mentions(line, name);
        let skipped: Vec<_> = self.log.lines().filter(about).collect();
        let any = |text: &str| skipped.iter().any(|line| line.contains(text));
        if any("none of the wheel's tags") {
            Some("its wheels are for other versions of Python or other systems")
        } else if any("No sources permitted") {
            Some("it comes as source only")
        } else {
            None
        }
    }

    fn timed_out(&self, doing: Doing) -> DeployError {
        let seconds = self.options.timeout.as_secs();
        let what = match doing {
            Doing::Resolving => "finding out which packages fit",
            Doing::Installing => "installing the packages",
        };
        let last = self.output.lines().rfind(|line| !line.trim().is_empty());
        let last = last.map_or_else(String::new, |line| format!("; it said last: {}", shortened(line)));
        failed(
            format!("{what} took longer than {seconds} s{last}"),
            "look whether the index answers; raise dependencies.timeout_s if it is only slow",
        )
    }

    /// Its own word on what went wrong, in a line.
    fn reason(&self) -> String {
        let last = self.output.lines().rfind(|line| !line.trim().is_empty());
        match self.errors.first() {
            // A traceback follows, whose last line tells.
            Some(first) if first != "Exception:" => shortened(first),
            _ => last.map_or_else(|| "it says nothing".to_owned(), shortened),
        }
    }

    /// An error about a requirement: with file and line, where the project names that package itself.
    fn told(&self, code: Code, wanted: Option<&str>, message: String, fix: String) -> DeployError {
        let name = wanted.map(name_of);
        let own = name.and_then(|name| self.requirements.packages().iter().find(|one| one.name == name));
        DeployError {
            file: own
                .map(|one| one.file.clone())
                .or(Some(REQUIREMENTS_FILE.to_owned())),
            line: own.map(|one| one.line),
            fix: Some(fix),
            ..DeployError::ours(code, message)
        }
    }
}

fn unreachable(line: &str) -> DeployError {
    if ["401 Client Error", "403 Client Error"]
        .iter()
        .any(|text| line.contains(text))
    {
        return failed(
            "the package index does not accept the user and password that it is asked with, or wants some",
            "correct them: dependencies.index_url = \"https://USER:PASSWORD@HOST/PATH\"",
        );
    }
    // Behind the time, in its log.
    let reason = line.find("Could not fetch").map_or(line, |at| &line[at..]);
    failed(
        format!("the package index cannot be reached: {}", shortened(reason)),
        "look at dependencies.index_url, dependencies.proxy and dependencies.ca_file; without a network fill a folder \
         with wheels and set dependencies.wheelhouse",
    )
}

/// The lines in which it tells errors.
fn errors(output: &str) -> Vec<String> {
    let lines = output
        .lines()
        .filter_map(|line| line.trim().strip_prefix("ERROR: "));
    lines.map(str::to_owned).collect()
}

fn shortened(line: &str) -> String {
    let line = line.trim();
    match line.char_indices().nth(LINE_SHOWN) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line.to_owned(),
    }
}

/// The name in a requirement, spelt as the project's are.
fn name_of(requirement: &str) -> String {
    let end = requirement
        .find(|c: char| !(c.is_ascii_alphanumeric() || "._-".contains(c)))
        .unwrap_or(requirement.len());
    let parts = requirement[..end]
        .split(['.', '_', '-'])
        .filter(|part| !part.is_empty());
    parts.collect::<Vec<_>>().join("-").to_ascii_lowercase()
}

/// Whether a line names a file of this package: `…/lib_one-1.0.tar.gz`.
fn mentions(line: &str, name: &str) -> bool {
    line.split(['/', ' ', ':']).any(|word| {
        let starts = |spelt: String| word.to_ascii_lowercase().starts_with(&format!("{spelt}-"));
        starts(name.to_owned()) || starts(name.replace('-', "_")) || starts(name.replace('-', "."))
    })
}
