//! A request as a child's frame holds it.

use std::time::Duration;

use domain::Code;
use domain::effect::{Header, Phase, Request, Trouble};
use gateway::request::{Demands, Trust};
use serde::Deserialize;

use crate::told::{Part, Told};

/// How long one request may take in all, whatever its library allows.
pub const REQUEST_LIMIT: Duration = Duration::from_secs(5 * 60);
/// How long connecting may take where the library says nothing.
const CONNECT: Duration = Duration::from_secs(30);
/// Bytes of a request's head in a frame.
pub const MAX_HEAD: usize = 512 * 1024;

/// How long the parts of a request may take, as its library was told. They hold for one try.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeOuts {
    /// From nothing to a connection that is ready, encryption included.
    pub connect: Duration,
    /// Between two signs of life, once connected.
    pub read: Duration,
}

impl Default for TimeOuts {
    fn default() -> Self {
        Self {
            connect: CONNECT,
            read: REQUEST_LIMIT,
        }
    }
}

/// A request that may be one, with what its library said about it.
#[derive(Debug, Clone)]
pub struct AskedRequest {
    /// What is asked for.
    pub request: Request,
    /// `file:line` of the user's own call.
    pub site: String,
    /// What its library was told.
    pub time_outs: TimeOuts,
    /// What the code says of the connection.
    pub demands: Demands,
}

/// The head in a frame (docs/protocol.md).
#[derive(Deserialize)]
struct HeadOfFrame {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<Header>,
    #[serde(default)]
    site: String,
    #[serde(default)]
    time_outs: TimeOutsOfFrame,
    #[serde(default = "yes")]
    verify: bool,
    #[serde(default = "yes")]
    usual_authorities: bool,
    #[serde(default)]
    bundles: Vec<String>,
    #[serde(default)]
    certificate: Option<String>,
    #[serde(default)]
    proxy: Option<String>,
}

const fn yes() -> bool {
    true
}

/// Seconds.
#[derive(Deserialize, Default)]
struct TimeOutsOfFrame {
    #[serde(default)]
    connect: Option<f64>,
    #[serde(default)]
    read: Option<f64>,
}

impl AskedRequest {
    /// Reads a frame's head.
    ///
    /// # Errors
    /// What to tell the child instead: the head is not one, or what it says is no request.
    pub fn read(number: u64, head: &[u8], body: Vec<u8>) -> Result<Self, Box<Told>> {
        let malformed =
            |message: String| refused(number, Trouble::Malformed, Code::RequestMalformed, message);
        if head.len() > MAX_HEAD {
            return Err(malformed(format!(
                "headers and URL of {} bytes; at most {MAX_HEAD} are sent",
                head.len()
            )));
        }
        let head: HeadOfFrame = serde_json::from_slice(head).map_err(|error| malformed(error.to_string()))?;
        let request =
            Request::new(&head.method, &head.url, head.headers, body).map_err(|error| malformed(error.0))?;
        Ok(Self {
            request,
            site: head.site,
            time_outs: TimeOuts {
                connect: seconds(head.time_outs.connect, CONNECT),
                read: seconds(head.time_outs.read, REQUEST_LIMIT),
            },
            demands: Demands {
                trust: if head.verify {
                    Trust::Authorities {
                        usual: head.usual_authorities,
                        bundles: head.bundles,
                    }
                } else {
                    Trust::Anybody
                },
                certificate: head.certificate,
                proxy: head.proxy,
            },
        })
    }
}

/// What a library said, within what anybody may; it may have said nothing, or nonsense.
fn seconds(said: Option<f64>, otherwise: Duration) -> Duration {
    let said = said
        .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
        .filter(|said| !said.is_zero());
    said.unwrap_or(otherwise).min(REQUEST_LIMIT)
}

/// What a child is told of a request that is not sent.
pub(crate) fn refused(request: u64, trouble: Trouble, code: Code, message: String) -> Box<Told> {
    Box::new(Told {
        request,
        phase: Phase::Refused.as_str(),
        code: Some(code),
        message: Some(message),
        answer: None,
        body: Vec::new(),
        trouble: Some(trouble),
        part: Part::Whole,
        clock: None,
        real_lanes: Vec::new(),
    })
}
