//! How the requests of end functions leave: what is configured, as the gateway takes it.

use std::path::PathBuf;
use std::sync::Arc;

use domain::Code;
use effects::Network;
use gateway::flow::{Flow, Hosts};
use gateway::{Gateway, GatewayOptions};

use crate::assemble;
use crate::configuration::Configuration;
use crate::error::CliError;

/// The way out that is configured. To be called within a runtime.
///
/// # Errors
/// `AC0803` and its like: a setting cannot be used.
pub fn way_out(configuration: &Configuration) -> Result<Arc<Network>, Box<CliError>> {
    let unfit = |setting: &str, problem: &dyn std::fmt::Display| {
        CliError::usage(
            Code::BadConfiguration,
            format!("gateway.{setting}: {problem}"),
            "correct it; `aftercall config show` tells where it comes from",
        )
    };
    let mut allow = Vec::new();
    for network in configuration.list("gateway.allow") {
        let one = network
            .parse::<ipnet::IpNet>()
            .or_else(|_| network.parse::<std::net::IpAddr>().map(ipnet::IpNet::from));
        allow.push(one.map_err(|_: std::net::AddrParseError| {
            unfit(
                "allow",
                &format_args!("{network:?} is no network, as 10.20.0.0/16 is one"),
            )
        })?);
    }
    let options = GatewayOptions {
        allow,
        ca_files: configuration
            .list("gateway.ca_files")
            .iter()
            .map(PathBuf::from)
            .collect(),
        system_ca: configuration.is_on("gateway.system_ca"),
        proxy: configuration.text("gateway.proxy").map(str::to_owned),
        no_proxy: configuration.list("gateway.no_proxy").to_vec(),
        ..GatewayOptions::default()
    };
    let gateway = Gateway::new(&options).map_err(|error| unfit(error.option, &error.problem))?;
    let clock = assemble::clock();
    let now = Arc::clone(&clock);
    let flow = Flow::new(Hosts::new(options.limits, options.hosts), move || now());
    Ok(Arc::new(Network::new(gateway, flow, move || clock())))
}
