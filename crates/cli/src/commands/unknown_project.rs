//! Whether a project is there at all: a question about one that is not has no answer, and none is easily taken for "nothing yet".

use api::DeploymentList;
use domain::{Code, ProjectName};

use crate::client::{Client, query};
use crate::error::CliError;

/// The server's own words for it, if nothing was deployed of that project yet. `None` if something was, or if the key may not ask.
///
/// # Errors
/// Those of a request.
pub(super) async fn unknown_project(
    client: &Client,
    project: &ProjectName,
) -> Result<Option<Box<CliError>>, Box<CliError>> {
    let path = query("/v1/deployments", &[("project", Some(project.to_string()))]);
    match client.get::<DeploymentList>(&path).await {
        Ok(_) => Ok(None),
        Err(error) if error.code == Code::UnknownProject => Ok(Some(error)),
        Err(error) if error.code == Code::ScopeMissing => Ok(None),
        Err(error) => Err(error),
    }
}
