//! A write of which nobody knows whether it happened: what can be done to find out, or instead.

use super::{OnUnknown, Terms, Try};
use crate::Timestamp;

/// What to do with a write of unknown fate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolution {
    /// Send the recorded bytes again with their key: the host does them once.
    Resend,
    /// Take it for done, and say so.
    AssumeDone,
    /// Nothing helps: the code is told, or a person is asked.
    None,
}

/// The first that applies: the host honours the key and still remembers it; the stated policy.
#[must_use]
pub fn resolve(first: &Try, terms: &Terms, now: Timestamp) -> Resolution {
    let remembered = terms.idempotency.as_ref().is_some_and(|idempotency| {
        let carried = first
            .intent
            .key
            .as_ref()
            .is_some_and(|(name, _)| name.eq_ignore_ascii_case(&idempotency.header));
        carried && now.duration_since(first.at).as_secs_f64() < idempotency.window_s as f64
    });
    match terms.on_unknown {
        _ if remembered => Resolution::Resend,
        Some(OnUnknown::Resend) => Resolution::Resend,
        Some(OnUnknown::AssumeDone) => Resolution::AssumeDone,
        None => Resolution::None,
    }
}
