//! Zygotes: one warm process per deployment, with the project imported, from which attempts are forked.

mod canary;
mod control;
mod document;
mod environment;
mod extensions;
mod not_imported;
mod source;
mod start;

pub use canary::Canary;
pub use environment::{Environment, IMPORT_TIMEOUT, Launchers, Project};
pub use source::{Cold, Zygote};
pub use start::{Imported, start};
