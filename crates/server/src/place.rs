//! Which project and environment a request is about.

use domain::{Environment, ProjectName};

use crate::app::Shared;
use crate::auth::Principal;
use crate::params::Params;
use crate::problem::{ApiResult, bad_field, unknown_project};

/// What a project's name has to be, for errors.
pub(crate) const PROJECT: &str = "a project's name (lower-case letters, digits, '-' and '_')";
/// What an environment's name has to be, for errors.
pub(crate) const ENVIRONMENT: &str = "sandbox, pre-release or live";

/// The project that was named, else the key's, else the only one. It need not exist if it was named.
pub(crate) async fn project(
    named: Option<ProjectName>,
    principal: &Principal,
    shared: &Shared,
) -> ApiResult<ProjectName> {
    if let Some(name) = named.or_else(|| principal.project.clone()) {
        principal.check_project(&name)?;
        return Ok(name);
    }
    match shared.projects.only(&*shared.app.store).await? {
        Ok(name) => Ok(name),
        Err(0) => Err(bad_field(
            "?project",
            "",
            "the name of a project, and there is none yet",
            "Deploy the first one: `aftercall deploy FOLDER --project NAME`.",
        )),
        Err(count) => Err(bad_field(
            "?project",
            "",
            &format!(
                "the name of one of the {count} projects that there are: the API key is for no single one"
            ),
            "Name it (`--project NAME`, over HTTP `?project=NAME`), or use a key of the project.",
        )),
    }
}

/// As [`project`], and it exists.
pub(crate) async fn existing_project(
    named: Option<ProjectName>,
    principal: &Principal,
    shared: &Shared,
) -> ApiResult<ProjectName> {
    let name = project(named, principal, shared).await?;
    if shared.projects.exists(&name, &*shared.app.store).await? {
        Ok(name)
    } else {
        Err(unknown_project(&name))
    }
}

/// The environments that a question is about: the one that was named, or all that the key has.
pub(crate) fn environments(params: &Params, principal: &Principal) -> ApiResult<Vec<Environment>> {
    match params.get::<Environment>("environment", ENVIRONMENT)? {
        None => Ok(principal.environments.clone()),
        Some(one) => {
            principal.check_environment(one)?;
            Ok(vec![one])
        }
    }
}
