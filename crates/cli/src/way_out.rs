//! How the requests of end functions leave: what is configured, as the gateway takes it.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::path::PathBuf;
use std::sync::Arc;

use api::Origin;
use domain::Code;
use effects::Network;
use gateway::config::{ClientCertificate, OwnOptions, Place, Section};
use gateway::flow::{Flow, Hosts};
use gateway::{Gateway, GatewayOptions};
use ipnet::IpNet;

use crate::assemble;
use crate::configuration::{Configuration, Value, certificate};
use crate::error::CliError;

/// The way out that is configured. To be called within a runtime.
///
/// # Errors
/// `AC0803` and its like: a setting cannot be used.
pub fn way_out(configuration: &Configuration) -> Result<Arc<Network>, Box<CliError>> {
    let options = options(configuration)?;
    let gateway = Gateway::new(&options)
        .map_err(|error| unfit(configuration, error.section.name(), error.option, &error.problem))?;
    let clock = assemble::clock();
    let now = Arc::clone(&clock);
    let flow = Flow::new(Hosts::new(options.limits, options.hosts), move || now());
    Ok(Arc::new(Network::new(gateway, flow, move || clock())))
}

fn options(configuration: &Configuration) -> Result<GatewayOptions, Box<CliError>> {
    let list = |option: &str| configuration.list(&format!("gateway.{option}"));
    let all = Section::default();
    Ok(GatewayOptions {
        allow: networks(configuration, all.name(), list("allow"))?,
        ca_files: files(list("ca_files")),
        system_ca: configuration.is_on("gateway.system_ca"),
        client_certificates: certificates(list("client_certificates")),
        proxy: configuration.text("gateway.proxy").unwrap_or_default().to_owned(),
        no_proxy: list("no_proxy").to_vec(),
        allow_unverified: list("allow_unverified").to_vec(),
        projects: projects(configuration)?,
        ..GatewayOptions::default()
    })
}

/// What projects and environments have of their own.
fn projects(configuration: &Configuration) -> Result<BTreeMap<Place, OwnOptions>, Box<CliError>> {
    let mut projects: BTreeMap<Place, OwnOptions> = BTreeMap::new();
    for (place, option, value) in configuration.own() {
        let own = projects.entry(place.clone()).or_default();
        match (option, value) {
            ("allow", Value::List(texts)) => {
                own.allow = Some(networks(configuration, place.section().name(), texts)?);
            }
            ("ca_files", Value::List(texts)) => own.ca_files = Some(files(texts)),
            ("system_ca", Value::Switch(on)) => own.system_ca = Some(*on),
            ("client_certificates", Value::List(texts)) => {
                own.client_certificates = Some(certificates(texts));
            }
            ("proxy", Value::Text(text)) => own.proxy = Some(text.clone()),
            ("no_proxy", Value::List(texts)) => own.no_proxy = Some(texts.clone()),
            ("allow_unverified", Value::List(texts)) => own.allow_unverified = Some(texts.clone()),
            // Would be an option that can be set and does nothing: a test sets each of them.
            _ => {
                return Err(unfit(
                    configuration,
                    place.section().name(),
                    option,
                    &"is not known here",
                ));
            }
        }
    }
    Ok(projects)
}

fn networks(
    configuration: &Configuration,
    section: &str,
    texts: &[String],
) -> Result<Vec<IpNet>, Box<CliError>> {
    let network = |text: &String| {
        let one = text
            .parse::<IpNet>()
            .or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
        one.map_err(|_: std::net::AddrParseError| {
            let problem = format!("{text:?} is no network, as 10.20.0.0/16 is one");
            unfit(configuration, section, "allow", &problem)
        })
    };
    texts.iter().map(network).collect()
}

fn files(texts: &[String]) -> Vec<PathBuf> {
    texts.iter().map(PathBuf::from).collect()
}

/// By host. What does not fit was refused when it was read.
fn certificates(texts: &[String]) -> BTreeMap<String, ClientCertificate> {
    let all = texts.iter().filter_map(|text| certificate(text));
    all.map(|(host, certificate, key)| {
        let files = ClientCertificate {
            certificate: certificate.into(),
            key: key.into(),
        };
        (host.to_owned(), files)
    })
    .collect()
}

/// An option that cannot be used, with where it was set.
fn unfit(configuration: &Configuration, section: &str, option: &str, problem: &dyn Display) -> Box<CliError> {
    let error = CliError::usage(
        Code::BadConfiguration,
        format!("{section}.{option}: {problem}"),
        "correct it; `aftercall config show` tells where it comes from",
    );
    match configuration.origin(section, option) {
        Some(Origin::File(place)) => error.at(place.clone()),
        Some(Origin::Environment(variable)) => error.at(variable.clone()),
        Some(Origin::Flag) => error.at("the command line"),
        Some(Origin::Default) | None => error,
    }
}

#[cfg(test)]
mod tests;
