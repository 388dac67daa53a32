//! Confining a customer's code on Linux: Landlock, seccomp, capabilities and limits.
//!
//! The launcher starts every zygote through [`spawn()`], which confines it by its [`ZygotePolicy`] before the
//! interpreter runs. The interpreter itself then installs the base filter ([`base_filter`]) through `preload`, and
//! `preload` gives each child one more Landlock layer ([`child_read_paths`]) and the child's filter
//! ([`child_filter`]). [`probe`] tells what this machine has of all that.
//!
//! Elsewhere than on Linux everything here compiles, and [`spawn()`] confines nothing: it refuses
//! [`Mode::Required`]. Nothing here knows of conversations.

// This crate and `preload` are where the kernel is spoken to directly; every block says why it is sound.
#![allow(unsafe_code)]

#[cfg(unix)]
mod elf;
#[cfg(unix)]
mod paths;
mod policy;
#[cfg(unix)]
mod reap;
#[cfg(unix)]
mod seccomp;
#[cfg(unix)]
mod spawn;

#[cfg(target_os = "linux")]
#[path = "linux/mod.rs"]
mod platform;
#[cfg(all(unix, not(target_os = "linux")))]
#[path = "unconfined.rs"]
mod platform;

#[cfg(unix)]
pub use paths::{CHILD_READ_PATHS, child_read_paths, execute_paths, interpreter_paths};
#[cfg(unix)]
pub use platform::{
    close_inherited_descriptors, end_with_parent, probe, raise_open_files_limit, renounce_privileges, spawn,
};
pub use policy::{InterpreterFacts, Limits, Mode, ZygotePolicy};
#[cfg(unix)]
pub use reap::{Ended, reap};
#[cfg(unix)]
pub use seccomp::{
    Arch, PID_PLACEHOLDER, base_filter, base_filter_for, child_filter, child_filter_for, syscalls,
};
#[cfg(unix)]
pub use spawn::{Spawn, SpawnError, Spawned, Support};
