//! The HTTP API: routes, authentication, admission. It decides nothing about runs: [`store::Store`] records, by the rules
//! of [`domain`], and an [`Engine`] runs.
//!
//! [`bind`] opens the addresses, [`Bound::run`] answers on them until it is told to stop; [`serve`] is both.

mod accepting;
mod admission;
mod app;
mod auth;
mod body;
mod connections;
mod conversations;
mod decide;
mod deployments;
mod drain;
mod engine;
mod health;
mod hosts;
mod journal;
mod key_cache;
pub mod keys;
mod lines;
mod listen;
mod misfit;
mod ndjson;
mod next;
mod openapi;
mod pace;
mod params;
mod patient;
mod place;
mod problem;
mod refused;
mod router;
mod runs;
mod status;
mod unix_socket;

pub use app::{App, Clock, Ids, Limits};
pub use engine::Engine;
pub use listen::{Bound, ServeError, ServeOptions, bind};
pub use openapi::JSON as OPENAPI_JSON;
