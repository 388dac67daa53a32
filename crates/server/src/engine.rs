//! What the server asks of whatever runs end functions.

use std::sync::Arc;

use api::{CannotBeginView, Problem, RunnerView, ZygoteView};
use async_trait::async_trait;
use domain::effect::Catalogue;
use domain::run::Policy;
use domain::{Code, DeploymentId, Epoch, ProjectName, RunId};
use project::Package;
use runner::{CannotBeginStatus, DeployError, Deployed, RunnerStatus, ZygoteStatus};

use crate::problem::sentence;

/// What the server asks of whatever runs end functions; `runner::Handle` is what answers.
#[async_trait]
pub trait Engine: Send + Sync + 'static {
    /// Runs may be due.
    fn wake(&self);

    /// Ends the child of a run that was cancelled, if it is still of this epoch.
    fn kill(&self, run: RunId, epoch: Epoch);

    /// Checks, stores and tries a project, and makes it the active deployment of `sandbox`.
    ///
    /// # Errors
    /// Why it did not become one, ready to be sent.
    async fn deploy(
        &self,
        project: ProjectName,
        package: Package,
        message: Option<String>,
    ) -> Result<Deployed, Box<Problem>>;

    /// What it is doing.
    async fn status(&self) -> RunnerView;

    /// Whether what an earlier boot had left is taken back.
    fn is_recovered(&self) -> bool;

    /// The policy of runs on this deployment: its project's, else the server's.
    async fn policy(&self, deployment: Option<DeploymentId>) -> Policy;

    /// What is known of hosts by runs on this deployment.
    async fn catalogue(&self, deployment: Option<DeploymentId>) -> Arc<Catalogue>;
}

#[async_trait]
impl Engine for runner::Handle {
    fn wake(&self) {
        self.wake();
    }

    fn kill(&self, run: RunId, epoch: Epoch) {
        self.kill(run, epoch);
    }

    async fn deploy(
        &self,
        project: ProjectName,
        package: Package,
        message: Option<String>,
    ) -> Result<Deployed, Box<Problem>> {
        self.deploy(project, package, message)
            .await
            .map_err(|error| Box::new(problem(error)))
    }

    async fn status(&self) -> RunnerView {
        view(self.status().await)
    }

    fn is_recovered(&self) -> bool {
        self.is_recovered()
    }

    async fn policy(&self, deployment: Option<DeploymentId>) -> Policy {
        self.policy(deployment).await
    }

    async fn catalogue(&self, deployment: Option<DeploymentId>) -> Arc<Catalogue> {
        self.catalogue(deployment).await
    }
}

fn problem(error: DeployError) -> Problem {
    let status = match error.code {
        Code::ProjectTooLarge => 413,
        Code::StoreReadOnly => 503,
        // Of this machine, not of the project.
        Code::NoInterpreter => 500,
        code if code.as_str().starts_with("AC02") => 422,
        _ => 500,
    };
    if status >= 500 {
        tracing::error!(code = %error.code, message = error.message, "a deployment failed by no fault of the project");
    }
    let fix = error.fix.map_or_else(
        || format!("See `aftercall explain {}`.", error.code),
        |fix| sentence(&fix),
    );
    Problem {
        file: error.file,
        line: error.line,
        error: error.error.map(|error| *error),
        ..Problem::new(error.code, status, sentence(&error.message), fix)
    }
}

fn view(status: RunnerStatus) -> RunnerView {
    RunnerView {
        running: status.running as u64,
        concurrency: status.concurrency as u64,
        recovered: status.recovered,
        confinement: match status.confinement {
            confinement::Mode::Required => "required",
            confinement::Mode::BestEffort => "best-effort",
            confinement::Mode::Off => "off",
        }
        .to_owned(),
        zygotes: status.zygotes.into_iter().map(zygote_view).collect(),
        cannot_begin: status.cannot_begin.into_iter().map(cannot_begin_view).collect(),
    }
}

fn cannot_begin_view(one: CannotBeginStatus) -> CannotBeginView {
    CannotBeginView {
        deployment: one.deployment,
        project: one.project,
        environment: Some(one.environment),
        code: one.code,
        message: one.message,
        since: one.since,
    }
}

fn zygote_view(zygote: ZygoteStatus) -> ZygoteView {
    ZygoteView {
        deployment: zygote.deployment,
        project: zygote.project,
        pid: zygote.pid,
        fork_way: zygote.fork_way,
        reason: zygote.reason,
        children: zygote.children as u64,
        confinement: zygote.confinement,
    }
}
