//! The command line.

pub mod client;
pub mod configuration;
pub mod screen;
mod error;

pub use error::{CliError, Exit};
