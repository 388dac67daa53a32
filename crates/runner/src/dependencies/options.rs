//! What the operator says about packages.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use project::Requirements;

/// How long one call of the installer may take, unless configured: room for a hundred megabytes over a slow line.
pub const INSTALL_TIMEOUT: Duration = Duration::from_secs(300);
/// Who the installer runs as where this process is root, unless configured: the user and group that own nothing.
pub const INSTALL_USER: u32 = 65_534;

/// Where the progress of an installation is told, in a line each.
pub type Tell = Arc<dyn Fn(&str) + Send + Sync>;

/// See the fields.
#[derive(Clone)]
pub struct DependencyOptions {
    /// Environments, each in a folder named by what it holds.
    pub folder: PathBuf,
    /// The package index; the installer's own default where there is none. May hold a password.
    pub index_url: Option<String>,
    /// Further indexes. May hold passwords.
    pub extra_index_urls: Vec<String>,
    /// A folder of wheels, asked in place of every index.
    pub wheelhouse: Option<PathBuf>,
    /// Whether packages may be built from source, which runs their code while installing.
    pub allow_source: bool,
    /// Of one call of the installer.
    pub timeout: Duration,
    /// What every project is given, unless it names another version itself.
    pub base: Requirements,
    /// Who the installer runs as where this process is root; 0: root.
    pub user: u32,
    /// The authorities to trust, PEM; the interpreter's own where there is none.
    pub ca_file: Option<PathBuf>,
    /// A proxy to go through. May hold a password.
    pub proxy: Option<String>,
    /// Whether environments that nothing has used for long are removed: where no store tells which are in use.
    pub expire_unused: bool,
    /// Where progress is told.
    pub tell: Tell,
}

impl DependencyOptions {
    /// All defaults, in this folder.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            index_url: None,
            extra_index_urls: Vec::new(),
            wheelhouse: None,
            allow_source: false,
            timeout: INSTALL_TIMEOUT,
            base: Requirements::default(),
            user: INSTALL_USER,
            ca_file: None,
            proxy: None,
            expire_unused: false,
            tell: Arc::new(|line| tracing::info!("{line}")),
        }
    }

    /// Every text that must not be shown as it is.
    pub(super) fn secrets(&self) -> Vec<&str> {
        let urls = self
            .index_url
            .iter()
            .chain(&self.extra_index_urls)
            .chain(&self.proxy);
        let mut all: Vec<&str> = urls.filter_map(|url| user_info(url)).collect();
        let passwords: Vec<&str> = all
            .iter()
            .filter_map(|both| Some(both.split_once(':')?.1))
            .collect();
        all.extend(passwords);
        all.retain(|secret| !secret.is_empty());
        all
    }
}

/// What stands between `://` and `@`: user and password.
fn user_info(url: &str) -> Option<&str> {
    let rest = url.split_once("://")?.1;
    let authority = rest.split(['/', '?', '#']).next()?;
    Some(authority.rsplit_once('@')?.0)
}

/// A URL without user and password.
#[must_use]
pub fn without_user(url: &str) -> String {
    match user_info(url) {
        Some(user) => url.replacen(&format!("{user}@"), "", 1),
        None => url.to_owned(),
    }
}

/// A text of the installer's, in which no secret is left: neither one that it was given nor any other that looks like one.
pub(super) fn redacted(text: &str, secrets: &[&str]) -> String {
    let mut text = text.to_owned();
    for secret in secrets {
        text = text.replace(secret, "****");
    }
    let mut clean = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find("://") {
        let (before, after) = rest.split_at(at + 3);
        clean.push_str(before);
        let end = after
            .find(|c: char| c.is_whitespace() || "/?#\"')>".contains(c))
            .unwrap_or(after.len());
        rest = after;
        if let Some(user) = after[..end].rfind('@') {
            clean.push_str("****");
            rest = &after[user..];
        }
    }
    clean + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_password_is_left_in_a_text_wherever_it_stands() {
        let mut options = DependencyOptions::new(PathBuf::new());
        options.index_url = Some("https://reader:hunter2@index.test/simple".to_owned());
        let text = "looking in https://reader:hunter2@index.test/simple, https://a:b@c/ and x://plain/@; hunter2 failed";
        let clean = redacted(text, &options.secrets());
        assert_eq!(
            clean,
            "looking in https://****@index.test/simple, https://****@c/ and x://plain/@; **** failed"
        );
        assert_eq!(
            without_user("https://reader:hunter2@index.test/simple"),
            "https://index.test/simple"
        );
        assert_eq!(without_user("https://index.test/@x"), "https://index.test/@x");
    }
}
