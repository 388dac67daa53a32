//! How pip is called, what it is given to read, and its report.

use std::fmt::Write as _;
use std::path::Path;

use domain::{Lock, LockedPackage};
use project::Requirements;
use serde::Deserialize;

use super::options::DependencyOptions;

/// How often it asks an index again that does not answer.
const RETRIES: &str = "2";
/// How long it waits for an index's next byte, seconds.
const READ_TIMEOUT_S: &str = "15";
/// Names of its files, in the folder that it works in.
pub(super) const REQUIREMENTS: &str = "requirements.txt";
pub(super) const CONSTRAINTS: &str = "constraints.txt";
pub(super) const LOCK: &str = "lock.txt";
pub(super) const REPORT: &str = "report.json";
pub(super) const LOG: &str = "pip.log";

/// Arguments of an interpreter that make it resolve [`REQUIREMENTS`] and report, installing nothing.
pub(super) fn resolve(pip: &Path, options: &DependencyOptions) -> Vec<String> {
    let mut args = common(pip, options);
    args.extend(words(&["--dry-run", "--ignore-installed", "--report", REPORT]));
    args.extend(words(&["-r", REQUIREMENTS, "-c", CONSTRAINTS]));
    args
}

/// Arguments of an environment's interpreter that make it install [`LOCK`], and nothing that has other bytes.
pub(super) fn install(pip: &Path, options: &DependencyOptions) -> Vec<String> {
    let mut args = common(pip, options);
    args.extend(words(&["--no-deps", "--require-hashes", "-r", LOCK]));
    args
}

fn common(pip: &Path, options: &DependencyOptions) -> Vec<String> {
    let pip = pip.display().to_string();
    // Nothing of this machine's users, its environment or its configuration gets into what is installed.
    let mut args = words(&["-I", &pip, "--isolated", "--no-input", "--no-color"]);
    args.extend(words(&["--disable-pip-version-check", "--retries", RETRIES]));
    args.extend(words(&["--timeout", READ_TIMEOUT_S, "--log", LOG]));
    // Only this build's, so that what is looked at while resolving is not fetched again to be installed.
    args.extend(words(&["--cache-dir", "cache"]));
    if let Some(file) = &options.ca_file {
        args.extend(words(&["--cert", &file.display().to_string()]));
    }
    args.extend(words(&["install", "--progress-bar", "off"]));
    // What lies beside pip itself is not in the environment.
    args.push("--ignore-installed".to_owned());
    if !options.allow_source {
        args.extend(words(&["--only-binary", ":all:"]));
    }
    args
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// Its environment: all of it.
pub(super) fn environment(folder: &Path, options: &DependencyOptions) -> Vec<(String, String)> {
    let variable = |name: &str, value: String| (name.to_owned(), value);
    let mut all = vec![
        variable("HOME", folder.display().to_string()),
        variable("TMPDIR", folder.join("tmp").display().to_string()),
        variable("PATH", "/usr/local/bin:/usr/bin:/bin".to_owned()),
        variable("LANG", "C.UTF-8".to_owned()),
        variable("PIP_CONFIG_FILE", "/dev/null".to_owned()),
    ];
    if let Some(proxy) = &options.proxy {
        all.push(variable("HTTP_PROXY", proxy.clone()));
        all.push(variable("HTTPS_PROXY", proxy.clone()));
    }
    all
}

/// What [`REQUIREMENTS`] holds. Indexes stand there too: a command line can be read by everybody on the machine.
pub(super) fn requirements(requirements: &Requirements, options: &DependencyOptions) -> String {
    let mut text = sources(options);
    for one in requirements.packages() {
        text.push_str(&one.text);
        text.push('\n');
    }
    text
}

/// What [`CONSTRAINTS`] holds.
pub(super) fn constraints(requirements: &Requirements) -> String {
    let lines = requirements.constraints().iter();
    lines.map(|one| format!("{}\n", one.text)).collect()
}

/// What [`LOCK`] holds.
pub(super) fn locked(lock: &Lock, options: &DependencyOptions) -> String {
    let mut text = sources(options);
    for LockedPackage {
        name,
        version,
        sha256,
        ..
    } in &lock.packages
    {
        // Writing into a string does not fail.
        let _ = writeln!(text, "{name}=={version} --hash=sha256:{sha256}");
    }
    text
}

fn sources(options: &DependencyOptions) -> String {
    if let Some(folder) = &options.wheelhouse {
        let path = folder.display().to_string();
        let path = path.replace('\\', "\\\\").replace('"', "\\\"");
        return format!("--no-index\n--find-links \"{path}\"\n");
    }
    let index = options.index_url.iter().map(|url| format!("--index-url {url}\n"));
    let more = options
        .extra_index_urls
        .iter()
        .map(|url| format!("--extra-index-url {url}\n"));
    index.chain(more).collect()
}

/// What it found: the packages by name, each with the bytes that it comes as.
///
/// # Errors
/// What is wrong with the report, in a sentence.
pub(super) fn packages(report: &[u8]) -> Result<Vec<LockedPackage>, String> {
    let report: Report =
        serde_json::from_slice(report).map_err(|error| format!("its report cannot be read: {error}"))?;
    let mut packages = Vec::with_capacity(report.install.len());
    for found in report.install {
        let Metadata { name, version } = found.metadata;
        let archive = found.download_info.archive_info.unwrap_or_default();
        let of_old = archive
            .hash
            .as_deref()
            .and_then(|hash| hash.strip_prefix("sha256="));
        let Some(sha256) = archive.hashes.sha256.as_deref().or(of_old) else {
            return Err(format!("the index tells no SHA-256 of {name} {version}"));
        };
        if sha256.len() != 64 || !sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("{sha256:?} is no SHA-256 of {name} {version}"));
        }
        packages.push(LockedPackage {
            sha256: sha256.to_ascii_lowercase(),
            file: file_name(&found.download_info.url),
            name,
            version,
        });
    }
    packages.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(packages)
}

fn file_name(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let name = path.rsplit('/').next().unwrap_or_default();
    // The one character of such names that URLs escape.
    name.replace("%2B", "+").replace("%2b", "+")
}

#[derive(Deserialize)]
struct Report {
    install: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    download_info: DownloadInfo,
    metadata: Metadata,
}

#[derive(Deserialize)]
struct DownloadInfo {
    url: String,
    archive_info: Option<ArchiveInfo>,
}

#[derive(Default, Deserialize)]
struct ArchiveInfo {
    hash: Option<String>,
    #[serde(default)]
    hashes: Hashes,
}

#[derive(Default, Deserialize)]
struct Hashes {
    sha256: Option<String>,
}

#[derive(Deserialize)]
struct Metadata {
    name: String,
    version: String,
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_report_becomes_packages_by_name_with_the_bytes_they_come_as() {
        let found = |name: &str, archive: &str| {
            format!(
                r#"{{"download_info": {{"url": "https://h/{name}-1%2Bcpu-py3-none-any.whl#sha256=x", "archive_info": {archive}}},
                   "metadata": {{"name": "{name}", "version": "1+cpu", "summary": "left alone"}}}}"#
            )
        };
        let (one, two) = ("1A".repeat(32), "2b".repeat(32));
        let new = found("zeta", &format!(r#"{{"hashes": {{"sha256": "{one}"}}}}"#));
        let old = found("alpha", &format!(r#"{{"hash": "sha256={two}"}}"#));
        let report = format!(r#"{{"version": "1", "install": [{new}, {old}]}}"#);
        let all = packages(report.as_bytes()).unwrap();
        assert_eq!(all[0].to_string(), "alpha 1+cpu");
        assert_eq!(all[0].sha256, two);
        assert_eq!(all[1].sha256, one.to_lowercase());
        assert_eq!(all[1].file, "zeta-1+cpu-py3-none-any.whl");

        for archive in [
            "{}",
            r#"{"hash": "md5=00"}"#,
            r#"{"hashes": {"sha256": "zz"}}"#,
            "null",
        ] {
            let report = format!(r#"{{"install": [{}]}}"#, found("zeta", archive));
            assert!(
                packages(report.as_bytes()).unwrap_err().contains("zeta"),
                "{archive}"
            );
        }
    }

    #[test]
    fn no_password_stands_on_a_command_line() {
        let mut options = DependencyOptions::new("/srv/environments".into());
        options.index_url = Some("https://reader:hunter2@index.test/simple".to_owned());
        options.proxy = Some("http://me:hunter2@proxy.test".to_owned());
        for args in [
            resolve(Path::new("/pip"), &options),
            install(Path::new("/pip"), &options),
        ] {
            assert!(!args.iter().any(|arg| arg.contains("hunter2")), "{args:?}");
        }
        let text = requirements(&Requirements::default(), &options);
        assert_eq!(text, "--index-url https://reader:hunter2@index.test/simple\n");
    }
}
