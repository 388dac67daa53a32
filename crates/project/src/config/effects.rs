//! What a project says of the hosts that it talks to, in `config/effects.yaml`: how requests to them are treated, and what a retry may do.

use domain::Code;
use domain::effect::Catalogue;
use domain::effect::catalogue::Entry;

use super::{ConfigFile, misfit, read};
use crate::error::ProjectError;

/// Most entries of a project.
const MAX_ENTRIES: usize = 1_000;
/// The longest patience and the longest window, seconds: thirty days.
const LONGEST_S: u64 = 30 * 24 * 3600;

impl ConfigFile for Catalogue {
    const EXAMPLE: &'static str =
        "hosts: [{host: crm.example.com, idempotency: {window_s: 86400}, patience_s: 3600}]";
}

/// Reads it; `file` is what errors call it.
///
/// # Errors
/// `AC0211` with line, key, what is expected there and what to do.
pub fn parse(file: &str, text: &[u8]) -> Result<Catalogue, ProjectError> {
    let catalogue: Catalogue = read(file, text)?;
    if catalogue.hosts.len() > MAX_ENTRIES {
        let message = format!(
            "has {} hosts; at most {MAX_ENTRIES} are kept",
            catalogue.hosts.len()
        );
        let fix = "use patterns: *.example.com is one entry";
        return Err(ProjectError::new(Code::BadProjectConfig, message, fix).in_file(file));
    }
    for (at, entry) in catalogue.hosts.iter().enumerate() {
        if let Some((key, message, expected)) = fault(entry) {
            let key = format!("hosts[{at}].{key}");
            let mut error = misfit(file, text, key, message, format!("write {expected}"));
            error.expected = Some(expected.into());
            return Err(error);
        }
    }
    Ok(catalogue)
}

/// What is wrong with an entry: the key, what stands there, what should.
fn fault(entry: &Entry) -> Option<(&'static str, String, &'static str)> {
    const HOST: &str =
        "a host's name such as crm.example.com, *.example.com or *, with :8443 behind it for one port only";
    let (name, port) = entry.host.rsplit_once(':').unwrap_or((&entry.host, "443"));
    let labels = name.strip_prefix("*.").unwrap_or(name);
    let named = !labels.is_empty()
        && labels
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
    if !(named || name == "*") || port.parse::<u16>().is_err() {
        return Some(("host", format!("{:?} is no host", entry.host), HOST));
    }
    if let Some(method) = entry
        .methods
        .iter()
        .find(|method| method.is_empty() || !method.bytes().all(|b| b.is_ascii_uppercase()))
    {
        return Some((
            "methods",
            format!("{method:?} is no method"),
            "methods in capitals: [POST, PUT]",
        ));
    }
    if let Some(path) = entry.path.as_ref().filter(|path| !path.starts_with('/')) {
        return Some((
            "path",
            format!("{path:?} does not begin with /"),
            "a path from / on, with * for one segment and a last ** for the rest",
        ));
    }
    if let Some(status) = entry.expected.iter().find(|status| !(400..600).contains(*status)) {
        return Some((
            "expected",
            format!("{status} is no status of a failure"),
            "statuses from 400 to 599",
        ));
    }
    if entry.patience_s.is_some_and(|patience| patience > LONGEST_S) {
        return Some((
            "patience_s",
            "is longer than thirty days".to_owned(),
            "seconds, up to 2592000",
        ));
    }
    if let Some(header) = entry.idempotency.as_ref().map(|idempotency| &idempotency.header)
        && !may_carry_a_key(header)
    {
        let expected = "the name of a header of the vendor's, such as Idempotency-Key";
        return Some((
            "idempotency.header",
            format!("{header:?} carries no key"),
            expected,
        ));
    }
    let window = entry.idempotency.as_ref().map(|idempotency| idempotency.window_s);
    window
        .filter(|window| *window == 0 || *window > LONGEST_S)
        .map(|window| {
            (
                "idempotency.window_s",
                format!("{window} is no window"),
                "seconds, from 1 to 2592000",
            )
        })
}

/// Whether a name is that of a header which means nothing else. Those that do are RFC 9110's.
fn may_carry_a_key(header: &str) -> bool {
    const TAKEN: [&str; 14] = [
        "accept",
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "cookie",
        "date",
        "expect",
        "host",
        "proxy-authorization",
        "te",
        "transfer-encoding",
        "upgrade",
    ];
    let is_token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b);
    !header.is_empty()
        && header.bytes().all(is_token)
        && !TAKEN.iter().any(|taken| header.eq_ignore_ascii_case(taken))
}

#[cfg(test)]
mod tests {
    use domain::effect::{Class, OnUnknown};

    use super::*;

    #[test]
    fn a_project_says_what_it_knows_of_its_hosts() {
        let text = b"hosts:\n  - host: crm.example.com\n    idempotency: { window_s: 3600 }\n    on_unknown: resend\n  - { host: '*.slack.com', class: telemetry, patience_s: 0 }\nredact: [SSN]\n";
        let catalogue = parse("config/effects.yaml", text).unwrap();
        assert_eq!(catalogue.hosts[0].on_unknown, Some(OnUnknown::Resend));
        assert_eq!(catalogue.hosts[1].class, Some(Class::Telemetry));
        assert!(Catalogue::with(catalogue).hides("ssn"));
        assert_eq!(
            parse("config/effects.yaml", b"# nothing yet\n").unwrap(),
            Catalogue::default()
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place_and_the_fix() {
        let told = |text: &str| parse("config/effects.yaml", text.as_bytes()).unwrap_err();
        let unknown = told("hosts:\n  - host: a.example\n    clas: read\n");
        assert_eq!((unknown.line, &*unknown.fix), (Some(3), "did you mean `class`?"));
        for (entry, key) in [
            ("{host: 'https://crm.example.com/'}", "hosts[0].host"),
            ("{host: 'crm.example.com:99999'}", "hosts[0].host"),
            ("{host: ''}", "hosts[0].host"),
            ("{host: a, methods: [post]}", "hosts[0].methods"),
            ("{host: a, path: notes}", "hosts[0].path"),
            ("{host: a, expected: [200]}", "hosts[0].expected"),
            ("{host: a, patience_s: 9999999}", "hosts[0].patience_s"),
            (
                "{host: a, idempotency: {header: Authorization, window_s: 9}}",
                "hosts[0].idempotency.header",
            ),
            (
                "{host: a, idempotency: {header: \"Bad Header\\nX: y\", window_s: 9}}",
                "hosts[0].idempotency.header",
            ),
            (
                "{host: a, idempotency: {window_s: 0}}",
                "hosts[0].idempotency.window_s",
            ),
        ] {
            assert_eq!(
                told(&format!("hosts: [{entry}]")).key.as_deref(),
                Some(key),
                "{entry}"
            );
        }
    }
}
