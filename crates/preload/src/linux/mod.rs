//! The Linux side.

mod at_fork;
mod children;
mod clock;
mod enter;
mod filter;
mod landlock;
mod serve;
mod sys;
mod zygote;

pub(crate) use clock::{put_clock_off, use_clock};
pub(crate) use filter::install as install_filter;
pub(crate) use sys::thread_count;
pub(crate) use zygote::zygote;
