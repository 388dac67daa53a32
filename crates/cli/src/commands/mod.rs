//! One file per command.

pub mod bridge;
pub mod carried;
pub mod check;
pub mod completion;
pub mod config;
pub mod conversations;
pub mod deploy;
pub mod deployments;
pub mod explain;
pub mod hosts;
pub mod init;
pub mod invoke;
pub mod keys;
pub mod runs;
pub mod schema;
pub mod serve;
pub mod status;
pub mod stubs;
mod unknown_project;
pub mod version;
