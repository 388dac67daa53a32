//! What leaves end functions arrives once, whatever happens to the server and to whoever it is sent to.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

mod campaign;
mod clock;
mod demands;
mod fail_points;
mod outage;
mod replay;
mod retried;
mod stopped;
mod support;
