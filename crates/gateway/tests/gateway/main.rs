//! The gateway against real servers, well-behaved and not, on this machine's loopback.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod demands;
mod http;
mod http2;
mod namespaces;
mod pool;
mod proxy;
mod ssrf;
mod support;
mod tls;
mod troubles;
mod ways;
