//! Running end functions: launcher, zygotes, children, their attempts, and the loop that claims runs for them.
//!
//! A run goes `store` → [`Handle`]'s claim loop → a [`zygote`] → one forked [`process`] → [`attempt`] → `store`.
//! Nothing here knows of SQL or HTTP.

mod admission;
mod alarm;
pub mod attempt;
mod cannot_begin;
mod completion;
mod dependencies;
mod deploy_error;
mod deployments;
pub mod frame;
mod handle;
mod invoke;
pub mod launcher;
mod opening;
mod options;
mod packet;
pub mod process;
mod recovery;
mod runner;
mod runtime;
mod seeds;
mod tmp;
mod trouble;
mod under_way;
pub mod zygote;

pub use cannot_begin::CannotBeginStatus;
pub use dependencies::installer::process::run as run_installer;
pub use dependencies::{DependencyOptions, INSTALL_TIMEOUT, INSTALL_USER, Tell, without_user};
pub use deploy_error::DeployError;
pub use deployments::{Deployed, Found, Prepared, TMP_ENTRIES_MAX, ZygoteStatus};
pub use handle::{Handle, RunnerStatus};
pub use invoke::Invoker;
pub use options::{
    ATTEMPTS_PER_CORE, Chance, Clock, RunnerOptions, WARM_ZYGOTES, default_import_timeout, default_limits,
};
pub use runtime::{HASH as RUNTIME_HASH, Runtime};
pub use seeds::Seeds;
pub use tmp::Scratch;
