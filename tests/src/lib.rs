//! What the whole-system tests stand on: they drive the real binary as its users do, over its command line, its HTTP API,
//! its signals and its data folder, and know nothing of its crates.
//!
//! `make test-system` builds the binary and says where it is. Everything here panics where a test cannot go on: a harness
//! that passes errors up would only have every test unwrap them.
//! What they find out (seeds, times, sizes) they print.
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod asking;
mod at_rest;
mod binary;
pub mod campaign;
mod chance;
mod command;
mod conversations;
mod extension;
mod http;
mod place;
mod processes;
mod project;
mod receiver;
mod server;
mod wait;
mod waiting;

pub use asking::is_over;
pub use at_rest::{Needle, Sighting, search};
pub use binary::{aftercall, repository, test_python};
pub use chance::Chance;
pub use command::{Ended, begin, run, run_with};
pub use conversations::{conversation, given_or_made, shared_file, write_lines};
pub use extension::add_extension;
pub use http::{Answer, Target, request};
pub use place::Place;
pub use processes::{Process, session, tree};
pub use project::Project;
pub use receiver::{Authority, Gate, Receiver, Reply, Seen, Works};
pub use server::{Server, Setup};
pub use wait::{PATIENCE, now, until, wall_clock};
pub use waiting::{WAITING_PY, tell, waiting};
