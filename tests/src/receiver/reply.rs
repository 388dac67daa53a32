//! What a receiver does with one request.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::watch;

/// What becomes of a request.
#[derive(Debug, Clone)]
pub struct Reply {
    /// What was asked for is done.
    pub(super) works: bool,
    /// How long the answer takes, once it is done.
    pub(super) after: Duration,
    /// Nothing is answered before that is open.
    pub(super) gate: Option<Gate>,
    /// How it ends.
    pub(super) then: Then,
}

/// How a request ends.
#[derive(Debug, Clone)]
pub(super) enum Then {
    Answer {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Value,
    },
    /// Server-sent events, one after the other.
    Events { count: u32, every: Duration },
    /// The connection is closed without a word.
    HangUp,
}

impl Reply {
    /// Done, and answered with 201.
    #[must_use]
    pub fn done() -> Self {
        Self::status(201)
    }

    /// Answered so; done, if that says so.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            works: matches!(status, 200..=299),
            after: Duration::ZERO,
            gate: None,
            then: Then::Answer {
                status,
                headers: Vec::new(),
                body: json!({ "status": status }),
            },
        }
    }

    /// 503: come back in so many seconds.
    #[must_use]
    pub fn later(seconds: u32) -> Self {
        let mut reply = Self::status(503);
        if let Then::Answer { headers, .. } = &mut reply.then {
            headers.push(("retry-after", seconds.to_string()));
        }
        reply
    }

    /// So many server-sent events, `data: 0` first, one in each `every`.
    #[must_use]
    pub fn events(count: u32, every: Duration) -> Self {
        Self {
            then: Then::Events { count, every },
            ..Self::status(200)
        }
    }

    /// Done, and the connection closed without an answer: whoever asked cannot know.
    #[must_use]
    pub fn done_and_hung_up() -> Self {
        Self {
            then: Then::HangUp,
            ..Self::done()
        }
    }

    /// Done at once, answered so much later.
    #[must_use]
    pub fn after(self, after: Duration) -> Self {
        Self { after, ..self }
    }

    /// Done at once, answered once the gate is open.
    #[must_use]
    pub fn behind(self, gate: &Gate) -> Self {
        Self {
            gate: Some(gate.clone()),
            ..self
        }
    }
}

/// Holds answers back until a test lets them go.
#[derive(Debug, Clone)]
pub struct Gate(Arc<watch::Sender<bool>>);

impl Gate {
    /// One that lets nothing through yet.
    #[must_use]
    pub fn closed() -> Self {
        Self(Arc::new(watch::Sender::new(false)))
    }

    /// Lets through what waits and whatever comes.
    pub fn open(&self) {
        self.0.send_replace(true);
    }

    pub(super) async fn passed(&self) {
        // The sender is this gate's own: it cannot be gone.
        let _ = self.0.subscribe().wait_for(|open| *open).await;
    }
}
