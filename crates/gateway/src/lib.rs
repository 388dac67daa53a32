//! Outgoing HTTP for user code: one way out of the house, with one set of rules.
//!
//! [`request::Asked`] is what user code wants; [`request::Asked::check`] makes an [`request::Outgoing`] of it, or says why not;
//! [`flow::Flow::admit`] says when it may leave; [`Gateway::send`] sends it once. Every failure names its cause by a
//! [`domain::effect::Trouble`], which says by itself whether a byte can have left.
//!
//! Nothing here knows of journals, runs or children: what is written down before and after is the caller's.

mod body;
pub mod config;
mod connect;
mod exchange;
mod failure;
pub mod flow;
mod pool;
pub mod request;
pub mod resolve;
mod spelling;
mod trouble;
mod wire;

pub use body::{Body, CHUNK_LIMIT};
pub use config::{BadOption, GatewayOptions};
pub use exchange::{Answer, Gateway};
pub use failure::Failure;
