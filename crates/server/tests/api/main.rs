//! The HTTP API over real connections, a real store in a folder, and every answer held by a snapshot. What runs
//! functions is a double that remembers what it was asked: running is tested where it lives.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod accepting;
mod attempts;
mod authentication;
mod batches;
mod client;
mod contract;
mod deciding;
mod decisions;
mod deployments;
mod description;
mod draining;
mod hosts;
mod house;
mod keys;
mod limits;
mod reading;
mod server;
mod starving;
