//! A user's project: from a folder on somebody's disk to checked, hashed, immutable files of a deployment.
//!
//! [`Package`] holds a project's files in memory, wherever they came from, and is the only way in: whatever it holds
//! has passed every check of this crate. [`ProjectConfig`] is what its `project.yaml` says, [`parse_effects`] reads its `config/effects.yaml`, [`ConversationDefaults`] what
//! else of `config` its conversations show. [`find_interpreter`] finds
//! the Python that is to run it. No code of a user is executed here.

mod config;
mod error;
mod interpreter;
mod package;
mod requirements;
pub mod unpacked;

pub use config::conversation::{ConversationDefaults, HandoffDefault, SmsTemplateDefault};
pub use config::effects::parse as parse_effects;
pub use config::{BackoffSettings, LimitSettings, ProjectConfig, Settings};
pub use error::ProjectError;
pub use interpreter::{InterpreterChoice, InterpreterFacts, MINIMUM_PYTHON, find_interpreter};
pub use package::{
    CONFIG_FILE, EFFECTS_FILE, ENTRY_FILE, IGNORE_FILE, MAX_ARCHIVE_BYTES, MAX_BYTES, MAX_FILES,
    MAX_PATH_BYTES, Package, deployment_id,
};
pub use requirements::{MAX_REQUIREMENTS, REQUIREMENTS_FILE, Requirement, Requirements};
pub use unpacked::sweep_unfinished;
