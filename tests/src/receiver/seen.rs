//! What a receiver has been asked, and what it has done.

use std::collections::BTreeMap;
use std::time::Instant;

use http::request::Parts;
use serde_json::Value;

use crate::wait::now;

/// One request that arrived whole.
#[derive(Debug, Clone)]
pub struct Seen {
    /// When.
    pub at: Instant,
    /// In capitals.
    pub method: String,
    /// With its query.
    pub path: String,
    /// Its `Idempotency-Key`.
    pub key: Option<String>,
    /// Its body as JSON; null if that is none.
    pub body: Value,
}

impl Seen {
    pub(super) fn of(head: &Parts, body: &[u8]) -> Self {
        let key = head.headers.get("idempotency-key");
        Self {
            at: now(),
            method: head.method.to_string(),
            path: head.uri.to_string(),
            key: key.and_then(|key| key.to_str().ok()).map(str::to_owned),
            body: serde_json::from_slice(body).unwrap_or(Value::Null),
        }
    }

    /// What it is about: its body's `mark`, which the code gives to each logical write, or else method and path.
    #[must_use]
    pub fn mark(&self) -> String {
        match self.body["mark"].as_str() {
            Some(mark) => mark.to_owned(),
            None => format!("{} {}", self.method, self.path),
        }
    }
}

/// What a receiver has done: how often for each mark.
pub type Works = BTreeMap<String, usize>;

/// What a receiver remembers.
#[derive(Default)]
pub(super) struct Book {
    pub seen: Vec<Seen>,
    pub works: Works,
    /// Keys that came with one request and then with another.
    pub misused_keys: Vec<String>,
    /// What first came with each key, and whether it is done.
    keys: BTreeMap<String, (Value, bool)>,
}

impl Book {
    /// Writes a request down. `true` if it came before with the same key, was done, and keys are honoured.
    pub fn arrived(&mut self, seen: &Seen, honours_keys: bool) -> bool {
        self.seen.push(seen.clone());
        let Some(key) = &seen.key else { return false };
        let (body, done) = self
            .keys
            .entry(key.clone())
            .or_insert_with(|| (seen.body.clone(), false));
        if *body != seen.body {
            self.misused_keys.push(key.clone());
        }
        *done && honours_keys
    }

    /// What was asked for is done.
    pub fn worked(&mut self, seen: &Seen) {
        *self.works.entry(seen.mark()).or_default() += 1;
        if let Some((_, done)) = seen.key.as_ref().and_then(|key| self.keys.get_mut(key)) {
            *done = true;
        }
    }
}
