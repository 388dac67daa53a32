//! How the requests of one project and environment leave: what its own sections of the configuration say, and otherwise the server's.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use domain::{Environment, ProjectName};
use ipnet::IpNet;

use super::{ClientCertificate, GatewayOptions};

/// What a project, or one environment of it, has in place of the server's options. What is `None` is as it is without the section.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OwnOptions {
    /// In place of [`GatewayOptions::allow`].
    pub allow: Option<Vec<IpNet>>,
    /// In place of [`GatewayOptions::ca_files`].
    pub ca_files: Option<Vec<PathBuf>>,
    /// In place of [`GatewayOptions::system_ca`].
    pub system_ca: Option<bool>,
    /// In place of [`GatewayOptions::client_certificates`], all of them.
    pub client_certificates: Option<BTreeMap<String, ClientCertificate>>,
    /// In place of [`GatewayOptions::proxy`]; empty for none.
    pub proxy: Option<String>,
    /// In place of [`GatewayOptions::no_proxy`].
    pub no_proxy: Option<Vec<String>>,
    /// In place of [`GatewayOptions::allow_unverified`].
    pub allow_unverified: Option<Vec<String>>,
}

/// Of whom a section is.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// Which project.
    pub project: ProjectName,
    /// Which of its environments; `None`: all that have no section that says otherwise.
    pub environment: Option<Environment>,
}

impl Place {
    /// Its section.
    #[must_use]
    pub fn section(&self) -> Section {
        let environment = self.environment.map(|environment| format!(".{environment}"));
        Section(format!(
            "gateway.projects.{}{}",
            self.project,
            environment.unwrap_or_default()
        ))
    }
}

/// A section of the configuration, as it is headed: `[gateway.projects.refunds.live]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Section(String);

impl Section {
    /// Its name, without the brackets.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.0
    }

    /// The section to say something in that nobody has said yet: the project's, rather than all projects'.
    pub(crate) fn of_project(&self, project: &ProjectName) -> Self {
        if *self == Self::default() {
            let project = project.clone();
            return Place {
                project,
                environment: None,
            }
            .section();
        }
        self.clone()
    }
}

impl Default for Section {
    /// The server's.
    fn default() -> Self {
        Self("gateway".to_owned())
    }
}

impl fmt::Display for Section {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.0)
    }
}

/// An option, and the section that says so: the one to change for another.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Chosen<T> {
    pub(crate) value: T,
    pub(crate) section: Section,
}

/// The options that hold for one project and environment, or where nobody has any of their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WayOptions {
    pub(crate) allow: Chosen<Vec<IpNet>>,
    pub(crate) ca_files: Chosen<Vec<PathBuf>>,
    pub(crate) system_ca: Chosen<bool>,
    pub(crate) client_certificates: Chosen<BTreeMap<String, ClientCertificate>>,
    /// Empty: none.
    pub(crate) proxy: Chosen<String>,
    pub(crate) no_proxy: Chosen<Vec<String>>,
    pub(crate) allow_unverified: Chosen<Vec<String>>,
}

impl GatewayOptions {
    /// What holds for all who have nothing of their own.
    pub(crate) fn way_of_all(&self) -> WayOptions {
        self.chosen(&[])
    }

    /// What holds for each project and environment that have something of their own.
    pub(crate) fn own_ways(&self) -> impl Iterator<Item = ((ProjectName, Environment), WayOptions)> {
        let projects: std::collections::BTreeSet<_> =
            self.projects.keys().map(|place| &place.project).collect();
        let all = projects
            .into_iter()
            .flat_map(|project| Environment::ALL.map(|environment| (project, environment)));
        all.filter_map(|(project, environment)| {
            let sections = [Some(environment), None].map(|environment| Place {
                project: project.clone(),
                environment,
            });
            let said: Vec<_> = sections
                .iter()
                .filter_map(|place| Some((place.section(), self.projects.get(place)?)))
                .collect();
            let way = (!said.is_empty()).then(|| self.chosen(&said))?;
            Some(((project.clone(), environment), way))
        })
    }

    /// `own`: the narrowest section first.
    fn chosen(&self, own: &[(Section, &OwnOptions)]) -> WayOptions {
        WayOptions {
            allow: choose(own, |own| own.allow.as_ref(), &self.allow),
            ca_files: choose(own, |own| own.ca_files.as_ref(), &self.ca_files),
            system_ca: choose(own, |own| own.system_ca.as_ref(), &self.system_ca),
            client_certificates: choose(
                own,
                |own| own.client_certificates.as_ref(),
                &self.client_certificates,
            ),
            proxy: choose(own, |own| own.proxy.as_ref(), &self.proxy),
            no_proxy: choose(own, |own| own.no_proxy.as_ref(), &self.no_proxy),
            allow_unverified: choose(own, |own| own.allow_unverified.as_ref(), &self.allow_unverified),
        }
    }
}

fn choose<'a, T: Clone + 'a>(
    own: &[(Section, &'a OwnOptions)],
    said: impl Fn(&'a OwnOptions) -> Option<&'a T>,
    otherwise: &'a T,
) -> Chosen<T> {
    let narrowest = own
        .iter()
        .find_map(|(section, own)| Some((section.clone(), said(own)?)));
    let (section, value) = narrowest.unwrap_or((Section::default(), otherwise));
    Chosen {
        value: value.clone(),
        section,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(project: &str, environment: Option<Environment>) -> Place {
        Place {
            project: project.parse().unwrap(),
            environment,
        }
    }

    #[test]
    fn each_option_is_the_narrowest_sections_that_says_it() {
        let networks = |text: &str| vec![text.parse::<IpNet>().unwrap()];
        let options = GatewayOptions {
            allow: networks("10.0.0.0/8"),
            proxy: "http://all.example:3128".to_owned(),
            projects: BTreeMap::from([
                (
                    place("refunds", None),
                    OwnOptions {
                        allow: Some(networks("10.1.0.0/16")),
                        proxy: Some(String::new()),
                        ..OwnOptions::default()
                    },
                ),
                (
                    place("refunds", Some(Environment::Live)),
                    OwnOptions {
                        allow: Some(networks("10.2.0.0/16")),
                        ..OwnOptions::default()
                    },
                ),
                (place("sales", Some(Environment::Sandbox)), OwnOptions::default()),
            ]),
            ..GatewayOptions::default()
        };
        let ways: BTreeMap<_, _> = options
            .own_ways()
            .map(|((project, environment), way)| (format!("{project} {environment}"), way))
            .collect();
        let shown = |way: &WayOptions| {
            format!(
                "{} by {}, {:?} by {}, {} by {}",
                way.allow.value[0],
                way.allow.section,
                way.proxy.value,
                way.proxy.section,
                way.system_ca.value,
                way.system_ca.section
            )
        };
        assert_eq!(
            ways.keys().map(String::as_str).collect::<Vec<_>>(),
            [
                "refunds live",
                "refunds pre-release",
                "refunds sandbox",
                "sales sandbox"
            ]
        );
        assert_eq!(
            shown(&ways["refunds live"]),
            "10.2.0.0/16 by [gateway.projects.refunds.live], \"\" by [gateway.projects.refunds], true by [gateway]"
        );
        assert_eq!(
            shown(&ways["refunds sandbox"]),
            "10.1.0.0/16 by [gateway.projects.refunds], \"\" by [gateway.projects.refunds], true by [gateway]"
        );
        assert_eq!(ways["sales sandbox"], options.way_of_all());
    }
}
