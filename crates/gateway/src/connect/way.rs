//! The ways out: one for all, and those of projects and environments that have their own.

use std::collections::HashMap;
use std::sync::Arc;

use domain::{Environment, ProjectName};

use super::proxy::Forward;
use super::tls::{SystemAuthorities, Tls};
use crate::config::{BadOption, GatewayOptions, WayOptions};
use crate::request::Compartment;
use crate::resolve::{Gate, OwnAddresses};

/// Which addresses may be reached, who is believed, and by way of whom.
pub(super) struct Way {
    pub(super) gate: Gate,
    pub(super) tls: Tls,
    pub(super) proxy: Forward,
}

/// All ways.
pub(super) struct Ways {
    of_all: Way,
    own: HashMap<(ProjectName, Environment), Way>,
}

impl Ways {
    /// Reads every file that the options name.
    ///
    /// # Errors
    /// One of them cannot be read, or is not what it should be.
    pub(super) fn new(options: &GatewayOptions, own: OwnAddresses) -> Result<Self, BadOption> {
        let (own, mut system) = (Arc::new(own), SystemAuthorities::default());
        let mut way = |options: WayOptions| {
            Ok(Way {
                tls: Tls::new(&options, &mut system)?,
                proxy: Forward::new(&options)?,
                gate: Gate::new(options.allow, Arc::clone(&own)),
            })
        };
        Ok(Self {
            of_all: way(options.way_of_all())?,
            own: options
                .own_ways()
                .map(|(whose, options)| Ok((whose, way(options)?)))
                .collect::<Result<_, _>>()?,
        })
    }

    /// The way of a project and environment.
    pub(super) fn of(&self, compartment: &Compartment) -> &Way {
        if self.own.is_empty() {
            return &self.of_all;
        }
        let whose = (compartment.project.clone(), compartment.environment);
        self.own.get(&whose).unwrap_or(&self.of_all)
    }
}
