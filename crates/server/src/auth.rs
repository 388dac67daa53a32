//! Who asks, and what they may do.
//!
//! A route says what it needs by its argument: [`Ingest`], [`Operate`] or [`Admin`]. A key's secret is only ever looked
//! up by its hash, so no comparison of it can be timed.

use std::sync::Arc;

use axum::extract::FromRequestParts;
use crypto::ApiKeySecret;
use domain::{Code, Environment, KeyId, ProjectName};
use http::header::{AUTHORIZATION, HOST, ORIGIN};
use http::request::Parts;
use store::Scope;

use crate::app::Shared;
use crate::problem::{ApiError, ApiResult, bad_field, forbidden, sentence};

/// Where a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    /// Over the local socket, from this server's own user or root.
    Local,
    /// Over the network.
    Network,
}

/// Who asks.
#[derive(Debug, Clone)]
pub(crate) struct Principal {
    /// By this key; `None` for the one who owns the machine.
    pub key: Option<KeyId>,
    /// Bound to this project.
    pub project: Option<ProjectName>,
    /// May touch these environments.
    pub environments: Vec<Environment>,
    pub scope: Scope,
}

impl Principal {
    /// The one who owns the machine, or its data folder.
    fn owner() -> Self {
        Self {
            key: None,
            project: None,
            environments: Environment::ALL.to_vec(),
            scope: Scope::Admin,
        }
    }

    pub fn may_see(&self, project: &ProjectName, environment: Environment) -> bool {
        self.project.as_ref().is_none_or(|own| own == project) && self.environments.contains(&environment)
    }

    /// Refuses what is another project's.
    pub fn check_project(&self, project: &ProjectName) -> ApiResult<()> {
        match &self.project {
            Some(own) if own != project => Err(forbidden(
                format!("The API key is for project {own}, not for {project}."),
                format!("Use a key for {project}, or one for every project."),
            )),
            _ => Ok(()),
        }
    }

    pub fn check_environment(&self, environment: Environment) -> ApiResult<()> {
        if self.environments.contains(&environment) {
            return Ok(());
        }
        let own: Vec<_> = self.environments.iter().map(|one| one.as_str()).collect();
        Err(forbidden(
            format!("The API key is for {}, not for {environment}.", own.join(" and ")),
            format!("Use a key that has {environment}."),
        ))
    }

    /// Refuses a key that is bound to a project: what is asked for is the whole server's.
    pub fn check_whole_server(&self) -> ApiResult<()> {
        match &self.project {
            None => Ok(()),
            Some(own) => Err(forbidden(
                format!("This is about the whole server; the API key is for project {own}."),
                "Use a key for every project.",
            )),
        }
    }

    fn check_scope(&self, needed: Scope) -> ApiResult<()> {
        if self.scope >= needed {
            return Ok(());
        }
        let word = |scope| crate::keys::scope_view(scope).as_str();
        Err(forbidden(
            format!(
                "This needs the scope {}; the API key has {}.",
                word(needed),
                word(self.scope)
            ),
            format!(
                "Use a key with the scope {} (`aftercall keys create --scope …`).",
                word(needed)
            ),
        ))
    }
}

macro_rules! scopes {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        $(
            $(#[$doc])*
            pub(crate) struct $name(pub Principal);

            impl FromRequestParts<Arc<Shared>> for $name {
                type Rejection = ApiError;

                async fn from_request_parts(parts: &mut Parts, shared: &Arc<Shared>) -> Result<Self, ApiError> {
                    let principal = authenticate(parts, shared).await?;
                    principal.check_scope(Scope::$name)?;
                    Ok(Self(principal))
                }
            }
        )*
    };
}

scopes! {
    /// May hand conversations in and look at their runs.
    Ingest;
    /// May read everything of the project, retry, cancel.
    Operate;
    /// May deploy, promote, make and end keys.
    Admin;
}

async fn authenticate(parts: &Parts, shared: &Shared) -> ApiResult<Principal> {
    let Some(header) = parts.headers.get(AUTHORIZATION) else {
        return match parts.extensions.get::<Peer>() {
            Some(Peer::Local) => Ok(Principal::owner()),
            _ if shared.insecure_no_auth => {
                refuse_other_sites(parts)?;
                Ok(Principal::owner())
            }
            _ => Err(no_key()),
        };
    };
    let text = header.to_str().ok().and_then(|text| text.split_once(' '));
    let secret = match text {
        Some((scheme, secret)) if scheme.eq_ignore_ascii_case("bearer") => secret.trim(),
        _ => return Err(no_key()),
    };
    let secret: ApiKeySecret = secret
        .parse()
        .map_err(|error: crypto::BadApiKey| bad_key(&error.to_string()))?;
    let hash = secret.hash();
    match shared.keys.find(hash, shared.app.store.api_key(hash)).await? {
        Some(key) if key.revoked_at.is_some() => Err(bad_key("the API key was revoked")),
        Some(key) => Ok(Principal {
            key: Some(key.id),
            project: key.project.clone(),
            environments: key.environments.clone(),
            scope: key.scope,
        }),
        None => Err(bad_key("no API key has this secret")),
    }
}

/// Without keys, the address is all that protects the server: a web page must not get past it through the browser of
/// somebody who sits there, neither by a name that resolves to loopback nor by a request across sites.
fn refuse_other_sites(parts: &Parts) -> ApiResult<()> {
    let authority = parts.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = authority.or_else(|| parts.uri.host()).unwrap_or_default();
    if !is_loopback_authority(host) {
        return Err(bad_field(
            "Host",
            host,
            "localhost, 127.0.0.1 or [::1], since this server checks no keys",
            "Address the server by its loopback address.",
        ));
    }
    match parts
        .headers
        .get(ORIGIN)
        .map(|origin| origin.to_str().unwrap_or_default())
    {
        Some(origin)
            if !origin
                .split_once("://")
                .is_some_and(|(_, rest)| is_loopback_authority(rest)) =>
        {
            Err(bad_field(
                "Origin",
                origin,
                "no other site, since this server checks no keys",
                "Start the server without --insecure-no-auth, and send a key.",
            ))
        }
        _ => Ok(()),
    }
}

fn is_loopback_authority(authority: &str) -> bool {
    let host = match authority.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
        _ => authority,
    };
    host.eq_ignore_ascii_case("localhost")
        || host
            .trim_start_matches('[')
            .trim_end_matches(']')
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

fn no_key() -> ApiError {
    api::Problem::new(
        Code::NoApiKey,
        401,
        "The request carries no API key.",
        "Send `Authorization: Bearer ac_…`; `aftercall keys create` makes a key.",
    )
    .into()
}

fn bad_key(why: &str) -> ApiError {
    api::Problem::new(
        Code::BadApiKey,
        401,
        sentence(why),
        "Check the key; `aftercall keys list` shows which there are, `aftercall keys create` makes one.",
    )
    .into()
}
