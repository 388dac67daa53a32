//! A project of the vendor's ADK: which of its files a deployment needs, and what it asks of its surroundings.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use domain::{Code, ProjectName};
use project::{ENTRY_FILE, Package, REQUIREMENTS_FILE};
use serde_json::{Value, json};

use super::NAME;
use crate::commands::carried::{TAKEOVER, TEMPLATE};
use crate::commands::check::scan::{self, Packages, Scan};
use crate::context::Context;
use crate::error::CliError;

/// Files of a folder that are looked at; the greatest agents have some thousands.
const MAX_FILES: usize = 50_000;
/// Folders below the one that is taken over.
const MAX_DEPTH: usize = 32;
/// Stubs of the ADK: they have no behaviour, and the runtime has its own.
const STUBS: &str = "_gen";
/// Of one machine, not of the project.
const NEVER: [&str; 3] = ["__pycache__", "venv", "node_modules"];
const CONFIG: &str = "project.yaml";
/// Packages that make HTTP requests: a test does not, unless somebody answers them.
const HTTP: [&str; 4] = ["requests", "httpx", "urllib3", "aiohttp"];

/// What is taken over.
pub(super) struct Takeover {
    /// Files as they will be, below the new folder.
    pub files: BTreeMap<String, Vec<u8>>,
    /// How many files stay behind, by the first part of their path.
    pub left_out: BTreeMap<String, usize>,
    /// There was no end function: the template's is put there.
    pub is_new_function: bool,
    /// What a look at the source found.
    pub scan: Scan,
}

/// Reads the folder and looks at its source. Nothing is written.
///
/// # Errors
/// `AC0213` for what is no folder, `AC02xx` for a project that cannot be read, `AC0212` without an interpreter.
pub(super) async fn take_over(
    from: &Path,
    name: &ProjectName,
    context: &Context,
) -> Result<Takeover, Box<CliError>> {
    let mut names = Vec::new();
    list(from, Path::new(""), 0, &mut names).map_err(|error| {
        CliError::usage(
            Code::NoSuchFolder,
            format!("{} cannot be read: {error}", from.display()),
            "name the folder that holds the project's functions/",
        )
    })?;
    let mut candidates = BTreeMap::new();
    for file in names.iter().filter(|file| is_python(file) || is_needed(file)) {
        let content = fs::read(from.join(file)).map_err(|error| {
            CliError::usage(
                Code::BadInputFile,
                format!("{} cannot be read: {error}", from.join(file).display()),
                "look at its permissions",
            )
        })?;
        candidates.insert(file.clone(), content);
    }
    let is_new_function = !candidates.contains_key(ENTRY_FILE);
    if is_new_function {
        let ours = TEMPLATE.iter().filter(|(file, _)| file.starts_with("functions/"));
        for (file, text) in ours {
            candidates
                .entry((*file).to_owned())
                .or_insert_with(|| text.as_bytes().to_vec());
        }
    }
    let config = candidates.remove(CONFIG).unwrap_or_default();
    candidates.insert(CONFIG.to_owned(), with_settings(&config, name));
    let package = Package::from_files(candidates)?;
    let scan = scan::scan(context, &package, Packages::None).await?;
    let files: BTreeMap<_, _> = package
        .files()
        .iter()
        .filter(|(file, _)| is_needed(file) || scan.files.contains(file))
        .map(|(file, content)| (file.clone(), content.clone()))
        .collect();
    let mut left_out = BTreeMap::new();
    for file in names.iter().filter(|file| !files.contains_key(*file)) {
        let first = file.split('/').next().unwrap_or(file);
        *left_out.entry(first.to_owned()).or_insert(0) += 1;
    }
    Ok(Takeover {
        files,
        left_out,
        is_new_function,
        scan,
    })
}

/// What stands beside the project's own files: conversations, a test that knows what the function asks for, settings.
pub(super) fn beside(takeover: &Takeover, name: &ProjectName) -> Vec<(PathBuf, String)> {
    let template = TEMPLATE
        .iter()
        .filter(|(file, _)| !file.starts_with("functions/") && !file.starts_with("tests/") && *file != CONFIG)
        .map(|(file, text)| (PathBuf::from(file), text.replace(NAME, name.as_str())));
    let needs = |kind: &str| takeover.scan.needs.get(kind).cloned().unwrap_or_default();
    let each = |kind: &str, answer: &Value| -> Value {
        let named = needs(kind).into_keys().filter(|name| !name.starts_with('('));
        named.map(|name| (name, answer.clone())).collect()
    };
    let answers = json!({
        "llm": "an answer of the model",
        "secrets": each("secrets", &"a secret".into()),
        "api": each("apis", &json!({})),
    });
    // JSON of texts and objects is Python too.
    let answers = serde_json::to_string_pretty(&answers).unwrap_or_else(|_| "{}".to_owned());
    let packages = needs("packages");
    let asks_the_network = HTTP.iter().any(|package| packages.contains_key(*package));
    let expected = if asks_the_network {
        "\n@pytest.mark.xfail(reason=\"it makes HTTP requests, which nothing answers yet\", strict=False)"
    } else {
        ""
    };
    let tests = TAKEOVER.iter().map(move |(file, text)| {
        let text = text
            .replace("@ANSWERS@", &answers)
            .replace("@EXPECTED@", expected);
        (PathBuf::from(file), text)
    });
    template.chain(tests).collect()
}

/// Without what is hidden, linked folders, and what belongs to one machine.
fn list(root: &Path, below: &Path, depth: usize, names: &mut Vec<String>) -> std::io::Result<()> {
    for entry in fs::read_dir(root.join(below))? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(name) = name.to_str() else { continue };
        let kind = entry.file_type()?;
        if name.starts_with('.') || NEVER.contains(&name) || name.ends_with(".pyc") {
            continue;
        }
        let path = below.join(name);
        if kind.is_dir() {
            if depth < MAX_DEPTH {
                list(root, &path, depth + 1, names)?;
            }
        } else if kind.is_file() && names.len() < MAX_FILES {
            names.push(path.to_string_lossy().into_owned());
        }
    }
    Ok(())
}

fn is_python(file: &str) -> bool {
    Path::new(file).extension().is_some_and(|end| end == "py") && first(file) != STUBS
}

/// Whether a run may need it, by its place alone. Other Python files are needed where something imports them.
fn is_needed(file: &str) -> bool {
    let parts: Vec<_> = file.split('/').collect();
    match parts[..] {
        ["functions", ..] => true,
        ["flows", _, "functions" | "function_steps", ..] => is_python(file),
        ["config", name] => name.ends_with(".yaml") || name.ends_with(".yml"),
        _ => file == CONFIG || file == REQUIREMENTS_FILE,
    }
}

fn first(file: &str) -> &str {
    file.split('/').next().unwrap_or_default()
}

/// The vendor's `project.yaml` with our settings under it, where it has none.
fn with_settings(config: &[u8], name: &ProjectName) -> Vec<u8> {
    let text = String::from_utf8_lossy(config);
    if text.lines().any(|line| line.starts_with("aftercall:")) {
        return config.to_vec();
    }
    let ours = TEMPLATE.iter().find(|(file, _)| *file == CONFIG);
    let ours = ours.map_or("", |(_, text)| *text).replace(NAME, name.as_str());
    if text.trim().is_empty() {
        return ours.into_bytes();
    }
    let settings = ours.find("# Aftercall").map_or(&*ours, |at| &ours[at..]);
    format!("{}\n\n{settings}", text.trim_end()).into_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_run_may_need_is_known_by_its_place() {
        for (file, needed) in [
            ("functions/end_function.py", true),
            ("functions/prices.json", true),
            ("flows/refunds/functions/policy.py", true),
            ("flows/refunds/function_steps/step.py", true),
            ("flows/refunds/flow_config.yaml", false),
            ("config/api_integrations.yaml", true),
            ("project.yaml", true),
            ("requirements.txt", true),
            ("_gen/__init__.py", false),
            ("topics/opening_hours.yaml", false),
            ("README.md", false),
        ] {
            assert_eq!(is_needed(file), needed, "{file}");
        }
        assert!(!is_python("_gen/sms.py"));
    }

    #[test]
    fn our_settings_are_put_under_the_vendors() {
        let name = "desk".parse().unwrap();
        let made = with_settings(b"region: uk-1\naccount_id: acme\n", &name);
        let made = String::from_utf8(made).unwrap();
        assert!(
            made.starts_with("region: uk-1\naccount_id: acme\n\n# Aftercall"),
            "{made}"
        );
        assert!(made.contains("\naftercall:\n  name: desk\n"), "{made}");
        let kept = b"aftercall:\n  name: own\n";
        assert_eq!(with_settings(kept, &name), kept);
    }
}
