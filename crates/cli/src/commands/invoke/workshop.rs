//! A project made ready to be run here, in folders that go with it.

use domain::{Code, ProjectName};
use project::Package;
use runner::{Invoker, Scratch, Seeds};

use crate::assemble::{self, Folders};
use crate::context::Context;
use crate::dependencies;
use crate::error::CliError;
use crate::way_out::way_out;

/// See the module.
pub struct Workshop {
    /// What runs attempts.
    pub invoker: Invoker,
    /// How many may run at once.
    pub at_once: usize,
    // Removed when this is dropped, after the invoker has ended its processes.
    _scratch: Scratch,
}

impl Workshop {
    /// Unpacks and imports a project. `wrong` makes the error for a project that cannot be used.
    ///
    /// # Errors
    /// That one, and faults of ours.
    pub async fn open(
        context: &Context,
        name: ProjectName,
        package: Package,
        wrong: fn(Code, String, String) -> Box<CliError>,
    ) -> Result<Self, Box<CliError>> {
        let ours = |what: &str, error: &dyn std::fmt::Display| {
            CliError::fault(
                Code::Internal,
                format!("{what}: {error}"),
                "look at what the system says there",
            )
        };
        let memory = assemble::memory_folder(&context.configuration)?;
        let scratch =
            Scratch::claim(&memory).map_err(|error| ours("no temporary folder can be made", &error))?;
        let folders = Folders {
            environments: dependencies::cache_folder(&context.configuration, scratch.path()),
            ..Folders::below(scratch.path(), scratch.path().join("tmp"))
        };
        let mut options =
            assemble::runner_options(&context.configuration, folders, way_out(&context.configuration)?)?;
        options.dependencies.expire_unused = true;
        options.dependencies.tell = dependencies::teller(&context.screen);
        let at_once = options.concurrency;
        let master =
            crypto::MasterKey::generate(&crypto::OsEntropy).map_err(|error| ours("no randomness", &error))?;
        let seeds = Seeds::new(|purpose| master.keyed_hash(purpose));
        let invoker = Invoker::start(options, name, package, seeds)
            .await
            .map_err(|error| assemble::deploy_error(error, wrong))?;
        Ok(Self {
            invoker,
            at_once,
            _scratch: scratch,
        })
    }
}
