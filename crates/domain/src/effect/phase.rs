//! What happened to a request, and what that proves about the other side.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::Class;

/// What is known of a request. The word is the same in the journal, on the child's channel and on every screen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// It was not sent and never will be: the policy, the URL, the certificate or the name forbids it.
    Refused,
    /// It was not sent: nobody could be reached. It may work later.
    NotSent,
    /// The other side took it and turned it away unread: it may work later.
    TurnedAway,
    /// It was answered, and did what it was to do.
    Done,
    /// It was answered, and the answer is no.
    Rejected,
    /// Something was sent and nothing that settles it came back: nobody can know.
    Unknown,
}

impl Phase {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Refused => "refused",
            Self::NotSent => "not_sent",
            Self::TurnedAway => "turned_away",
            Self::Done => "done",
            Self::Rejected => "rejected",
            Self::Unknown => "unknown",
        }
    }

    /// Whether waiting for the host can help: nothing was done there, and nothing is wrong with the request.
    #[must_use]
    pub const fn is_outage(self) -> bool {
        matches!(self, Self::NotSent | Self::TurnedAway)
    }

    /// Whether it is a failure, if nothing later settles it.
    #[must_use]
    pub const fn is_failure(self) -> bool {
        !matches!(self, Self::Done)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Why a request got no whole answer. The word tells user code's libraries which exception that is outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The policy forbids the address, the host or the request.
    Forbidden,
    /// The URL or the headers are not ones that can be sent.
    Malformed,
    /// The name does not exist, while others do.
    NoSuchName,
    /// No name could be resolved.
    ResolverDown,
    /// Nobody listens there.
    ConnectionRefused,
    /// No way there.
    Unreachable,
    /// It took too long to connect.
    ConnectTimeout,
    /// The handshake broke off.
    HandshakeBroken,
    /// The certificate does not verify.
    Certificate,
    /// The other side said that it has not looked at the request (HTTP/2 `REFUSED_STREAM`, or beyond `GOAWAY`).
    StreamRefused,
    /// The connection broke while the request was under way.
    Reset,
    /// The other side closed the connection while the request was under way.
    Closed,
    /// No answer, or not all of it, in time.
    ReadTimeout,
    /// What came back is not HTTP.
    NotHttp,
    /// The answer is longer than is recorded.
    TooLarge,
    /// The supervisor went while the request was under way.
    Interrupted,
}

impl Trouble {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Forbidden => "forbidden",
            Self::Malformed => "malformed",
            Self::NoSuchName => "no_such_name",
            Self::ResolverDown => "resolver_down",
            Self::ConnectionRefused => "connection_refused",
            Self::Unreachable => "unreachable",
            Self::ConnectTimeout => "connect_timeout",
            Self::HandshakeBroken => "handshake_broken",
            Self::Certificate => "certificate",
            Self::StreamRefused => "stream_refused",
            Self::Reset => "reset",
            Self::Closed => "closed",
            Self::ReadTimeout => "read_timeout",
            Self::NotHttp => "not_http",
            Self::TooLarge => "too_large",
            Self::Interrupted => "interrupted",
        }
    }

    /// What a request is that ended so. It depends on nothing else: each cause says by itself whether a byte can have left.
    #[must_use]
    pub const fn phase(self) -> Phase {
        match self {
            Self::Forbidden | Self::Malformed | Self::NoSuchName | Self::Certificate => Phase::Refused,
            Self::ResolverDown
            | Self::ConnectionRefused
            | Self::Unreachable
            | Self::ConnectTimeout
            | Self::HandshakeBroken
            | Self::StreamRefused => Phase::NotSent,
            // "No byte was acknowledged" proves nothing: it may have arrived all the same.
            Self::Reset
            | Self::Closed
            | Self::ReadTimeout
            | Self::NotHttp
            | Self::TooLarge
            | Self::Interrupted => Phase::Unknown,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What a whole answer is.
///
/// A 503 to a write proves nothing by itself: proxies give it after the work was done. `turned_away_on_503` says that this
/// host's is honest (a catalogue entry); `Retry-After` says so too.
#[must_use]
pub const fn of_answer(class: Class, status: u16, has_retry_after: bool, turned_away_on_503: bool) -> Phase {
    match status {
        // Interim answers never end a request: whoever says so has not understood it.
        200..=399 => Phase::Done,
        425 | 429 => Phase::TurnedAway,
        503 if !class.is_write() || has_retry_after || turned_away_on_503 => Phase::TurnedAway,
        // To a read these are plain answers: "there is no such thing".
        404 | 410 if !class.is_write() => Phase::Done,
        408 => Phase::Unknown,
        400..=499 => Phase::Rejected,
        _ => Phase::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_proves_what_the_table_says() {
        use Phase::{Done, Rejected, TurnedAway, Unknown};
        let of = |status| {
            (
                of_answer(Class::Read, status, false, false),
                of_answer(Class::Write, status, false, false),
            )
        };
        for status in [200, 201, 204, 301, 304] {
            assert_eq!(of(status), (Done, Done), "{status}");
        }
        for status in [425, 429] {
            assert_eq!(of(status), (TurnedAway, TurnedAway), "{status}");
        }
        for status in [404, 410] {
            assert_eq!(of(status), (Done, Rejected), "{status}");
        }
        for status in [400, 401, 403, 409, 422] {
            assert_eq!(of(status), (Rejected, Rejected), "{status}");
        }
        for status in [408, 500, 502, 504, 599, 600, 100] {
            assert_eq!(of(status), (Unknown, Unknown), "{status}");
        }
        assert_eq!(
            of(503),
            (TurnedAway, Unknown),
            "a proxy may say so after the work was done"
        );
        assert_eq!(of_answer(Class::Write, 503, true, false), TurnedAway);
        assert_eq!(of_answer(Class::Write, 503, false, true), TurnedAway);
    }

    #[test]
    fn only_what_cannot_have_left_may_wait_for_the_host() {
        assert!(Trouble::ConnectionRefused.phase().is_outage());
        assert!(Trouble::StreamRefused.phase().is_outage());
        assert!(!Trouble::Reset.phase().is_outage());
        assert!(!Trouble::Certificate.phase().is_outage());
        assert_eq!(Trouble::ReadTimeout.phase(), Phase::Unknown);
    }
}
