//! A URL as people may see it.

use super::Catalogue;

/// What stands in place of a secret.
pub const MASK: &str = "***";

/// What names a parameter that is a secret, as a whole word of it: `token`, `hapikey`, `client-secret`, `api_token`. Beside the catalogue's,
/// since what is shown to people may be masked too often, where what tells requests apart may not.
const SECRET_WORDS: [&str; 14] = [
    "apikey",
    "auth",
    "code",
    "hapikey",
    "jwt",
    "key",
    "passwd",
    "password",
    "pwd",
    "secret",
    "sig",
    "signature",
    "sid",
    "token",
];

/// Whether a name is that of a secret, by one of its words.
#[must_use]
pub fn names_secret(name: &str) -> bool {
    words(name).any(|word| SECRET_WORDS.contains(&word.as_str()))
}

/// The words of a name, in lower case: `X-Api-Key`, `api_key` and `apiKey` have two or three.
pub(super) fn words(name: &str) -> impl Iterator<Item = String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for c in name.chars() {
        if !c.is_ascii_alphanumeric() || (was_lower && c.is_ascii_uppercase()) {
            words.push(String::new());
        }
        if let Some(word) = words.last_mut().filter(|_| c.is_ascii_alphanumeric()) {
            word.push(c.to_ascii_lowercase());
        }
        was_lower = c.is_ascii_lowercase();
    }
    words.into_iter().filter(|word| !word.is_empty())
}

impl Catalogue {
    /// The URL with the values of secret parameters, and what stands before an `@` of its authority, masked; all else is as it was spelled.
    #[must_use]
    pub fn masked(&self, url: &str) -> String {
        let (head, rest) = match url.split_once('?') {
            Some((head, rest)) => (head, Some(rest)),
            None => (url, None),
        };
        let mut masked = without_user(head);
        let Some(rest) = rest else { return masked };
        let (query, fragment) = match rest.split_once('#') {
            Some((query, fragment)) => (query, Some(fragment)),
            None => (rest, None),
        };
        masked.push('?');
        for (at, pair) in query.split('&').enumerate() {
            if at > 0 {
                masked.push('&');
            }
            let name = pair.split('=').next().unwrap_or_default();
            let spelled_out = url::form_urlencoded::parse(name.as_bytes()).next();
            let is_secret = spelled_out.is_some_and(|(name, _)| {
                self.is_secret_parameter(&name) || self.hides(&name) || names_secret(&name)
            });
            if is_secret && pair.contains('=') {
                masked.push_str(name);
                masked.push('=');
                masked.push_str(MASK);
            } else {
                masked.push_str(pair);
            }
        }
        if let Some(fragment) = fragment {
            masked.push('#');
            masked.push_str(fragment);
        }
        masked
    }
}

fn without_user(head: &str) -> String {
    let Some((scheme, rest)) = head.split_once("://") else {
        return head.to_owned();
    };
    let (authority, path) = match rest.find('/') {
        Some(at) => rest.split_at(at),
        None => (rest, ""),
    };
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://{MASK}@{host}{path}"),
        None => head.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_masked_and_nothing_else_is_changed() {
        let catalogue = Catalogue {
            secret_parameters: vec!["api_key".into(), "x-amz-signature".into()],
            ..Catalogue::default()
        };
        for (url, masked) in [
            (
                "https://a.example/x?id=7&api_key=s3cret&b=%20c#f",
                "https://a.example/x?id=7&api_key=***&b=%20c#f",
            ),
            (
                "https://a.example/?API%5FKEY=s3cret",
                "https://a.example/?API%5FKEY=***",
            ),
            (
                "https://a.example/?X-Amz-Signature=aa=bb",
                "https://a.example/?X-Amz-Signature=***",
            ),
            (
                "https://jo:s3c@ret@a.example:8443/x@y?q",
                "https://***@a.example:8443/x@y?q",
            ),
            (
                "https://a.example/?accessToken=s&hapikey=s&client-secret=s&keyword=x",
                "https://a.example/?accessToken=***&hapikey=***&client-secret=***&keyword=x",
            ),
            ("https://a.example/plain", "https://a.example/plain"),
            (
                "https://a.example/?api_key&api_keys=1",
                "https://a.example/?api_key&api_keys=1",
            ),
        ] {
            assert_eq!(catalogue.masked(url), masked);
        }
    }
}
