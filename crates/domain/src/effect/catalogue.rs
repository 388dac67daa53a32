//! What is known of hosts: a data file of ours, and what a project puts before it.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

use super::request::Request;
use super::{Class, graphql};

/// The name of the header that carries an idempotency key, where no host names another.
pub const IDEMPOTENCY_KEY: &str = "Idempotency-Key";
/// How long a run waits for one host in all, unless told otherwise, seconds: a day.
pub const DEFAULT_PATIENCE_S: u64 = 24 * 3600;
/// Grants of OAuth 2 that only fetch a token (RFC 6749, RFC 7523): asking twice changes nothing.
const TOKEN_GRANTS: [&str; 4] = [
    "client_credentials",
    "password",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
];
/// Bytes of a form that are looked at for a grant.
const MAX_GRANT_FORM: usize = 16 * 1024;

/// Entries in order, and names of secret parameters.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Catalogue {
    /// Parameters of a query that are secrets or signatures, in lower case: they tell who asks, not for what.
    #[serde(default)]
    pub secret_parameters: Vec<String>,
    /// Names of fields, parameters and headers whose values are shown to nobody, whatever their case; such headers are not written down.
    #[serde(default)]
    pub redact: Vec<String>,
    /// The first that matches and says something is heard.
    #[serde(default)]
    pub hosts: Vec<Entry>,
}

/// What is known of some requests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// A host's name, `*.name`, or `*`; with `:port` only that port of it.
    pub host: String,
    /// In capitals; empty: all.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub methods: Vec<String>,
    /// `*` is one segment, a last `**` any number of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// How such a request is treated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub class: Option<Class>,
    /// The host honours a key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// Whether a key is added where there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub add_key: Option<bool>,
    /// A 503 of it is honest: nothing was done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub turned_away_on_503: Option<bool>,
    /// A read whose recorded answer is given back however old it is: a model would say something else, and cost again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasting: Option<bool>,
    /// Statuses that are no failure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<u16>,
    /// What a write of unknown fate is taken for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub on_unknown: Option<OnUnknown>,
    /// How long a run waits for it in all, seconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patience_s: Option<u64>,
}

/// A host that does the same request once, however often it arrives with the same key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    /// Which header carries the key.
    #[serde(default = "default_header")]
    pub header: String,
    /// For how long the host remembers one, seconds.
    pub window_s: u64,
}

fn default_header() -> String {
    IDEMPOTENCY_KEY.to_owned()
}

/// What to take a write for whose fate nobody can know.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OnUnknown {
    /// Send it again: the host does not mind, or twice is better than never.
    Resend,
    /// Take it for done: never is better than twice.
    AssumeDone,
}

/// What holds for one request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// How it is treated.
    pub class: Class,
    /// The host honours a key.
    pub idempotency: Option<Idempotency>,
    /// Whether a key is added where there is none.
    pub add_key: bool,
    /// A 503 proves that nothing was done.
    pub turned_away_on_503: bool,
    /// A read whose recorded answer is given back however old it is.
    pub lasting: bool,
    /// Statuses that are no failure.
    pub expected: Vec<u16>,
    /// For a write of unknown fate.
    pub on_unknown: Option<OnUnknown>,
    /// How long a run waits for the host in all, seconds.
    pub patience_s: u64,
    /// It proves who asks by a text that the code signed with the time in it: that time must be the true one.
    pub timed: bool,
    /// It spends a token that is good for one time, perhaps (a refresh token, RFC 6749, 6): an answer that brings another one is kept.
    pub spends_a_token: bool,
}

impl Terms {
    /// Whether this answer to a request for a token must be given back, since the request cannot be made a second time.
    #[must_use]
    pub fn is_once_only(&self, answer: &[u8]) -> bool {
        let brings_another = || {
            let answer = serde_json::from_slice::<serde_json::Value>(answer);
            answer.is_ok_and(|answer| answer["refresh_token"].is_string())
        };
        self.class == Class::Credential && self.spends_a_token && brings_another()
    }
}

static SHIPPED: LazyLock<Catalogue> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "a file of ours: a test reads it")]
    serde_norway::from_str(include_str!("catalogue.yaml")).expect("the shipped catalogue reads")
});

impl Catalogue {
    /// What we know ourselves.
    #[must_use]
    pub fn shipped() -> &'static Self {
        &SHIPPED
    }

    /// A project's own entries before ours.
    #[must_use]
    pub fn with(mut own: Self) -> Self {
        own.secret_parameters
            .iter_mut()
            .for_each(|name| name.make_ascii_lowercase());
        own.secret_parameters
            .extend_from_slice(&SHIPPED.secret_parameters);
        own.hosts.extend_from_slice(&SHIPPED.hosts);
        own
    }

    /// Whether the value of a field, parameter or header of this name is shown to nobody.
    #[must_use]
    pub fn hides(&self, name: &str) -> bool {
        self.redact.iter().any(|hidden| hidden.eq_ignore_ascii_case(name))
    }

    /// Whether a parameter of a query tells who asks, not for what.
    #[must_use]
    pub fn is_secret_parameter(&self, name: &str) -> bool {
        self.secret_parameters
            .iter()
            .any(|secret| secret.eq_ignore_ascii_case(name))
    }

    /// What holds for this request.
    #[must_use]
    pub fn terms(&self, request: &Request) -> Terms {
        let entries: Vec<&Entry> = self.hosts.iter().filter(|entry| entry.matches(request)).collect();
        let first = |of: fn(&Entry) -> Option<bool>| entries.iter().copied().find_map(of);
        let class = entries.iter().find_map(|entry| entry.class);
        let keyed = matches!(request.method.as_str(), "POST" | "PATCH");
        Terms {
            class: class.unwrap_or_else(|| class_of(request)),
            idempotency: entries.iter().find_map(|entry| entry.idempotency.clone()),
            add_key: keyed && first(|entry| entry.add_key).unwrap_or(true),
            turned_away_on_503: first(|entry| entry.turned_away_on_503).unwrap_or(false),
            lasting: first(|entry| entry.lasting).unwrap_or(false),
            expected: entries
                .iter()
                .find(|entry| !entry.expected.is_empty())
                .map(|entry| entry.expected.clone())
                .unwrap_or_default(),
            on_unknown: entries.iter().find_map(|entry| entry.on_unknown),
            patience_s: entries
                .iter()
                .find_map(|entry| entry.patience_s)
                .unwrap_or(DEFAULT_PATIENCE_S),
            timed: bears_an_assertion(request),
            spends_a_token: form(request).any(|pair| pair == ("grant_type".into(), "refresh_token".into())),
        }
    }
}

/// What a request is of which no entry says anything.
fn class_of(request: &Request) -> Class {
    match request.method.as_str() {
        "GET" | "HEAD" | "OPTIONS" => Class::Read,
        "POST" if fetches_token(request) => Class::Credential,
        "POST" if graphql::is_query(request) => Class::Read,
        _ => Class::Write,
    }
}

fn fetches_token(request: &Request) -> bool {
    form(request).any(|(name, value)| name == "grant_type" && TOKEN_GRANTS.contains(&value.as_ref()))
}

/// A signed text as the grant (RFC 7523, 2.1) or in place of the client's password (2.2).
fn bears_an_assertion(request: &Request) -> bool {
    request.method == "POST"
        && form(request).any(|(name, _)| matches!(name.as_ref(), "assertion" | "client_assertion"))
}

/// The fields of a form that is small enough to ask for a token.
fn form(request: &Request) -> url::form_urlencoded::Parse<'_> {
    let kind = request.header("content-type").unwrap_or_default();
    let is_form =
        kind.starts_with("application/x-www-form-urlencoded") && request.body.len() <= MAX_GRANT_FORM;
    url::form_urlencoded::parse(if is_form { &request.body } else { &[] })
}

impl Entry {
    fn matches(&self, request: &Request) -> bool {
        (self.methods.is_empty() || self.methods.contains(&request.method))
            && host_matches(&self.host, request)
            && self
                .path
                .as_deref()
                .is_none_or(|pattern| path_matches(pattern, request.url.path()))
    }
}

fn host_matches(pattern: &str, request: &Request) -> bool {
    let (name, port) = match pattern.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => (name, Some(port)),
        _ => (pattern, None),
    };
    if port.is_some_and(|port| {
        request
            .url
            .port_or_known_default()
            .map(|p| p.to_string())
            .as_deref()
            != Some(port)
    }) {
        return false;
    }
    let host = request.host();
    match name.strip_prefix('*') {
        Some("") => true,
        Some(suffix) => {
            host.len() > suffix.len() && host.to_ascii_lowercase().ends_with(&suffix.to_ascii_lowercase())
        }
        None => host.eq_ignore_ascii_case(name),
    }
}

fn path_matches(pattern: &str, path: &str) -> bool {
    let mut segments = path.split('/');
    for part in pattern.split('/') {
        if part == "**" {
            return true;
        }
        match segments.next() {
            Some(segment) if part == "*" && !segment.is_empty() => {}
            Some(segment) if part == segment => {}
            _ => return false,
        }
    }
    segments.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(method: &str, url: &str, body: &str) -> Request {
        let form = vec![(
            "Content-Type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )];
        Request::new(method, url, form, body.as_bytes().to_vec()).unwrap()
    }

    fn class(method: &str, url: &str) -> Class {
        Catalogue::shipped().terms(&request(method, url, "")).class
    }

    #[test]
    fn each_kind_of_request_has_its_class() {
        assert_eq!(class("GET", "https://crm.example.com/x"), Class::Read);
        assert_eq!(class("DELETE", "https://crm.example.com/x"), Class::Write);
        assert_eq!(
            class("POST", "https://o1.ingest.sentry.io/api/7/envelope/"),
            Class::Telemetry
        );
        assert_eq!(
            class("POST", "https://api.hubapi.com/crm/v3/objects/contacts/search"),
            Class::Read
        );
        assert_eq!(
            class("POST", "https://api.hubapi.com/crm/v3/objects/contacts"),
            Class::Write
        );
        assert_eq!(
            class("POST", "https://llm.internal:8000/v1/chat/completions"),
            Class::Read
        );
        assert_eq!(
            class("POST", "https://hooks.slack.com/services/T/B/x"),
            Class::Write
        );
        let grant = |body| {
            Catalogue::shipped()
                .terms(&request("POST", "https://login.example.com/token", body))
                .class
        };
        assert_eq!(grant("grant_type=client_credentials&scope=x"), Class::Credential);
        assert_eq!(grant("grant_type=authorization_code&code=x"), Class::Write);
    }

    #[test]
    fn a_project_says_it_first() {
        let own = serde_norway::from_str(
            "hosts: [{host: crm.example.com, patience_s: 0, on_unknown: resend, expected: [409]}, {host: '*.slack.com', class: telemetry}]",
        )
        .unwrap();
        let catalogue = Catalogue::with(own);
        let terms = catalogue.terms(&request("POST", "https://crm.example.com/notes", ""));
        assert_eq!(
            (terms.patience_s, terms.on_unknown, terms.expected),
            (0, Some(OnUnknown::Resend), vec![409])
        );
        assert_eq!(
            catalogue
                .terms(&request("POST", "https://hooks.slack.com/services/x", ""))
                .class,
            Class::Telemetry
        );
        assert!(
            serde_norway::from_str::<Catalogue>("hosts: [{host: a, clas: read}]").is_err(),
            "a slip is told"
        );
    }

    #[test]
    fn keys_are_added_where_they_do_no_harm() {
        let adds = |method, url| Catalogue::shipped().terms(&request(method, url, "")).add_key;
        assert!(adds("POST", "https://crm.example.com/notes"));
        assert!(adds("PATCH", "https://crm.example.com/notes/1"));
        assert!(!adds("PUT", "https://crm.example.com/notes/1"));
        assert!(!adds("POST", "https://sqs.eu-west-1.amazonaws.com/1/q"));
    }

    #[test]
    fn patterns_match_whole_names_and_segments() {
        assert!(
            path_matches("/a/*/c", "/a/b/c")
                && !path_matches("/a/*/c", "/a/b/c/d")
                && !path_matches("/a/*", "/a/")
        );
        assert!(path_matches("/a/**", "/a/b/c") && !path_matches("/a", "/ab"));
        let to = |url| request("GET", url, "");
        assert!(host_matches("*.example.com", &to("https://a.b.example.com/")));
        assert!(!host_matches("*.example.com", &to("https://example.com/")));
        assert!(!host_matches("*.example.com", &to("https://evilexample.com/")));
        assert!(
            host_matches("localhost:8080", &to("http://localhost:8080/"))
                && !host_matches("localhost:8080", &to("http://localhost/"))
        );
    }
}
