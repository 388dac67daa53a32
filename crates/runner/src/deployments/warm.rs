//! How a deployment's processes come to be: its packages are there, its project is imported, a canary has tried its cage.

use std::sync::Arc;

use domain::{Code, ForkWay};
use tokio::time::Instant;

use super::kept::Warm;
use super::{Found, Nursery, Prepared};
use crate::deploy_error::DeployError;
use crate::process::ProcessSource;
use crate::zygote::{self, Canary, Cold, Zygote};

impl Nursery {
    /// The same, with its packages where they are: should they have been lost, they are installed again as they were.
    async fn with_packages(&self, prepared: &Prepared) -> Result<Prepared, DeployError> {
        let mut prepared = prepared.clone();
        if let Some(lock) = &prepared.lock {
            let packages = self.packages.restore(lock).await.map_err(|error| DeployError {
                code: Code::UnknownDeployment,
                message: format!(
                    "deployment {} has lost its packages, and they cannot be installed again: {}",
                    prepared.id.short(),
                    error.message
                ),
                ..error
            })?;
            prepared.files.packages = Some(packages);
        }
        Ok(prepared)
    }

    pub(super) async fn warm_up(&self, prepared: &Prepared) -> Result<(Warm, Found), DeployError> {
        let prepared = &self.with_packages(prepared).await?;
        let environment = &self.environment;
        let way = prepared.fork_way;
        let imported = zygote::start(environment, &prepared.files, way).await?;
        let mut found = Found {
            python: imported.python.clone(),
            fork_way: imported.way,
            fork_reason: imported.reason.clone(),
            warnings: imported.warnings.iter().map(ToString::to_string).collect(),
            canary: Canary {
                attempts: std::collections::BTreeMap::new(),
                hung: false,
            },
        };
        let mut zygote = Zygote::new(Arc::clone(environment), imported);
        if zygote.way() == ForkWay::Cold {
            // That process was only to see that one starts; each attempt starts its own.
            drop(zygote);
            let cold = self.cold(prepared, "each attempt starts an interpreter of its own");
            found.canary = Canary::fly(cold.child().await?, &*self.defaults.clock).await?;
            if found.canary.hung {
                // It has tried nothing: what it would have found is not known.
                return Err(DeployError::ours(
                    Code::CouldNotStart,
                    "a trial child hung, forked and in an interpreter of its own",
                ));
            }
            let cold = Cold {
                confinement: found.canary.summary(environment.mode),
                ..cold
            };
            return self.checked(Arc::new(cold), None, prepared, found);
        }
        found.canary = Canary::fly(zygote.child().await?, &*self.defaults.clock).await?;
        if found.canary.hung {
            tracing::warn!(deployment = %prepared.id.short(), "a forked child hung; attempts get interpreters of their own");
            let again = Prepared {
                fork_way: Some(ForkWay::Cold),
                ..prepared.clone()
            };
            return Box::pin(self.warm_up(&again)).await;
        }
        zygote.confinement = found.canary.summary(environment.mode);
        let zygote = Arc::new(zygote);
        self.checked(
            Arc::clone(&zygote) as Arc<dyn ProcessSource>,
            Some(zygote),
            prepared,
            found,
        )
    }

    fn cold(&self, prepared: &Prepared, confinement: &str) -> Cold {
        Cold {
            environment: Arc::clone(&self.environment),
            project: prepared.files.clone(),
            confinement: confinement.to_owned(),
        }
    }

    fn checked(
        &self,
        source: Arc<dyn ProcessSource>,
        zygote: Option<Arc<Zygote>>,
        prepared: &Prepared,
        found: Found,
    ) -> Result<(Warm, Found), DeployError> {
        let escapes = found.canary.escapes();
        if self.environment.mode == confinement::Mode::Required && !escapes.is_empty() {
            return Err(DeployError {
                fix: Some(
                    "see `aftercall status`; or set confinement = \"best-effort\" to go on with less".into(),
                ),
                ..DeployError::ours(
                    Code::CanaryEscaped,
                    format!(
                        "confinement is required, but these got through: {}",
                        escapes.join(", ")
                    ),
                )
            });
        }
        let warm = Warm {
            source,
            zygote,
            project: prepared.project.clone(),
            reason: found.fork_reason.clone(),
            used: Instant::now(),
        };
        Ok((warm, found))
    }
}
