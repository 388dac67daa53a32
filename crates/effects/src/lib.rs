//! What leaves a run: each request of an attempt is matched with what earlier attempts did, written down before it leaves and after,
//! and answered, or not answered at all.
//!
//! The rules are `domain::effect`'s; here they are carried out. Nothing here enters user code but answers: to stop a run the
//! [`Session`] says [`Halt`], and whoever has the child ends it. Nothing here knows of HTTP: a [`WayOut`] sends.

mod answer;
mod drive;
mod judged;
mod lanes;
mod ledger;
mod network;
mod owed;
mod request;
mod room;
mod session;
mod stream;
mod terms;
mod told;
mod turns;
mod wants;
mod way_out;
mod writer;

#[cfg(test)]
mod tests;

pub use answer::{ASSUMED, ASSUMED_BODY, assumed};
pub use ledger::{Kept, Ledger, Unkept};
pub use network::Network;
pub use request::{AskedRequest, MAX_HEAD, REQUEST_LIMIT, TimeOuts};
pub use room::Room;
pub use session::Session;
pub use terms::{OnBlocked, Surroundings, Terms, Tries};
pub use told::{Conclusion, Halt, Part, Told};
pub use wants::{Want, Wanted};
pub use way_out::{News, NoWayOut, Rest, Sending, Sent, WayOut};
