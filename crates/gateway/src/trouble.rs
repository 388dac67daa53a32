//! What the HTTP library's errors mean.

use std::error::Error;
use std::io;
use std::sync::LazyLock;

use domain::effect::Trouble;

use crate::connect::{refuses_the_handshake, tls_cause};
use crate::failure::Failure;
use crate::wire::{HEAD_LIMIT, HEADERS_LIMIT};

/// A head that is beyond its limits.
static TOO_LARGE: LazyLock<String> =
    LazyLock::new(|| format!("the answer's headers are more than {HEAD_LIMIT} bytes, or {HEADERS_LIMIT}"));

/// HTTP could not even begin: nothing of a request was there yet.
pub(crate) fn at_the_beginning(who: &str, error: &hyper::Error) -> Failure {
    Failure::new(
        Trouble::HandshakeBroken,
        format!("HTTP with {who} could not begin: {}", told(error)),
    )
}

/// No answer came. `is_first`: no answer ever came over this connection.
pub(crate) fn without_an_answer(who: &str, error: &hyper::Error, is_first: bool) -> Failure {
    if is_first && tls_cause(error).is_some_and(refuses_the_handshake) {
        return Failure::new(
            Trouble::HandshakeBroken,
            format!("{who} does not accept who we are: {}", told(error)),
        );
    }
    if let Some(h2) = h2_cause(error)
        && h2.is_remote()
        && (h2.is_go_away() || h2.reason() == Some(h2::Reason::REFUSED_STREAM))
    {
        // The library says "go away" only of requests beyond the last one that the other side names as begun.
        return Failure::new(
            Trouble::StreamRefused,
            format!("{who} said that it did not look at the request: {h2}"),
        );
    }
    // To the libraries of user code, which have their own limits of a head, that is no HTTP either.
    let may_be_large = h2_cause(error).is_some_and(|h2| h2.reason() == Some(h2::Reason::PROTOCOL_ERROR));
    let (trouble, what) = if error.is_parse_too_large() {
        (Trouble::NotHttp, TOO_LARGE.to_owned())
    } else if is_not_http(error) && may_be_large {
        let what = format!("what came back is not HTTP, or {}", *TOO_LARGE);
        (Trouble::NotHttp, what)
    } else if is_not_http(error) {
        (Trouble::NotHttp, "what came back is not HTTP".to_owned())
    } else {
        (
            lost(error),
            "the connection broke before the answer came".to_owned(),
        )
    };
    Failure::new(trouble, format!("{who}: {what} ({})", told(error)))
}

/// The answer broke off in its middle.
pub(crate) fn within_an_answer(who: &str, error: &hyper::Error) -> Failure {
    let (trouble, what) = if is_not_http(error) {
        (
            Trouble::NotHttp,
            "the answer's body is not framed as HTTP wants it",
        )
    } else {
        (lost(error), "the connection broke within the answer")
    };
    Failure::new(trouble, format!("{who}: {what} ({})", told(error)))
}

/// How a connection was lost: libraries of user code have different exceptions for the two.
fn lost(error: &hyper::Error) -> Trouble {
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    let ended =
        error.is_incomplete_message() || io.is_some_and(|io| io.kind() == io::ErrorKind::UnexpectedEof);
    if ended { Trouble::Closed } else { Trouble::Reset }
}

fn is_not_http(error: &hyper::Error) -> bool {
    if error.is_parse() {
        return true;
    }
    if let Some(h2) = h2_cause(error) {
        return h2.is_library() && !h2.is_io();
    }
    // Bad chunks are told as errors of input; those of the network have other kinds.
    let io = causes(error).find_map(|cause| cause.downcast_ref::<io::Error>());
    tls_cause(error).is_none()
        && io.is_some_and(|io| {
            matches!(
                io.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData
            )
        })
}

fn h2_cause(error: &hyper::Error) -> Option<&h2::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<h2::Error>())
}

fn causes(error: &hyper::Error) -> impl Iterator<Item = &(dyn Error + 'static)> {
    std::iter::successors(error.source(), |cause: &&(dyn Error + 'static)| (*cause).source())
}

/// The error with its causes: the library tells only the outermost by itself.
fn told(error: &hyper::Error) -> String {
    let mut told = error.to_string();
    for cause in causes(error) {
        let cause = cause.to_string();
        if !told.ends_with(&cause) {
            told = format!("{told}: {cause}");
        }
    }
    told
}
