#![allow(clippy::unwrap_used)]
use std::path::Path;

use domain::Environment;

use super::*;
use crate::configuration::{FILE_NAME, Said, view};

fn configured(folder: &Path, text: &str) -> Result<Configuration, Box<CliError>> {
    std::fs::write(folder.join(FILE_NAME), text).unwrap();
    Configuration::resolve(Said {
        working_folder: folder.to_path_buf(),
        ..Said::default()
    })
}

fn place(project: &str, environment: Option<Environment>) -> Place {
    Place {
        project: project.parse().unwrap(),
        environment,
    }
}

const SECTIONS: &str = r#"
[gateway]
allow = ["10.20.0.0/16"]
client_certificates."crm.example.com" = { certificate = "/c/crm.pem", key = "/c/crm.key" }

[gateway.projects.refunds]
allow = ["10.30.0.7"]
ca_files = ["/ca/refunds.pem"]
system_ca = false
no_proxy = ["crm.example.com", "*"]
allow_unverified = ["old.example.com"]

[gateway.projects.refunds.live]
proxy = "http://u:hunter2@proxy.example:3128"

[gateway.projects.refunds.live.client_certificates."crm.example.com"]
certificate = "/c/refunds.pem"
key = "/c/refunds.key"

[gateway.projects.sales.pre-release]
allow = []
proxy = ""
"#;

#[test]
fn every_option_of_a_section_reaches_the_gateway() {
    let folder = tempfile::tempdir().unwrap();
    let options = options(&configured(folder.path(), SECTIONS).unwrap()).unwrap();
    let certificate = |name: &str| {
        let files = ClientCertificate {
            certificate: format!("/c/{name}.pem").into(),
            key: format!("/c/{name}.key").into(),
        };
        BTreeMap::from([("crm.example.com".to_owned(), files)])
    };
    assert_eq!(options.allow, ["10.20.0.0/16".parse().unwrap()]);
    assert_eq!(options.client_certificates, certificate("crm"));
    let refunds = OwnOptions {
        allow: Some(vec!["10.30.0.7/32".parse().unwrap()]),
        ca_files: Some(vec!["/ca/refunds.pem".into()]),
        system_ca: Some(false),
        no_proxy: Some(vec!["crm.example.com".to_owned(), "*".to_owned()]),
        allow_unverified: Some(vec!["old.example.com".to_owned()]),
        ..OwnOptions::default()
    };
    let live = OwnOptions {
        client_certificates: Some(certificate("refunds")),
        proxy: Some("http://u:hunter2@proxy.example:3128".to_owned()),
        ..OwnOptions::default()
    };
    let sales = OwnOptions {
        allow: Some(Vec::new()),
        proxy: Some(String::new()),
        ..OwnOptions::default()
    };
    let expected = BTreeMap::from([
        (place("refunds", None), refunds),
        (place("refunds", Some(Environment::Live)), live),
        (place("sales", Some(Environment::PreRelease)), sales),
    ]);
    assert_eq!(options.projects, expected);
}

#[test]
fn sections_are_shown_with_their_lines_and_without_their_secrets() {
    let folder = tempfile::tempdir().unwrap();
    let mut said = Said {
        working_folder: folder.path().to_path_buf(),
        ..Said::default()
    };
    said.flags = vec![(
        "gateway.projects.refunds.allow".to_owned(),
        "10.40.0.0/16".to_owned(),
    )];
    std::fs::write(folder.path().join(FILE_NAME), SECTIONS).unwrap();
    let shown = view(&Configuration::resolve(said).unwrap());
    let told = |name: &str| {
        let setting = shown
            .settings
            .iter()
            .find(|setting| setting.name == name)
            .unwrap();
        let origin = match &setting.origin {
            Origin::File(place) => place.rsplit(':').next().unwrap().to_owned(),
            other => format!("{other:?}"),
        };
        format!("{} {origin}", setting.value)
    };
    assert_eq!(told("gateway.projects.refunds.allow"), "[\"10.40.0.0/16\"] Flag");
    assert_eq!(
        told("gateway.projects.refunds.live.proxy"),
        "\"(set, not shown)\" 14"
    );
    assert_eq!(
        told("gateway.projects.refunds.live.client_certificates"),
        "[\"crm.example.com=/c/refunds.pem:/c/refunds.key\"] 16"
    );
    assert_eq!(
        told("gateway.client_certificates"),
        "[\"crm.example.com=/c/crm.pem:/c/crm.key\"] 4"
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_told_with_its_file_its_line_and_its_key() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("empty.pem"), "").unwrap();
    for (line, told, fix) in [
        (
            "[gateway.projects.a.prod]\nproxy = ''",
            "gateway.projects.a.prod.proxy: ",
            "[gateway.projects.PROJECT.ENVIRONMENT]",
        ),
        (
            "[gateway.projects.'A b']\nproxy = ''",
            "gateway.projects.A b.proxy: ",
            "[gateway.projects.PROJECT]",
        ),
        (
            "[gateway.projects.a]\nca_file = ['/a.pem']",
            "there is no setting \"gateway.projects.a.ca_file\"",
            "did you mean gateway.projects.a.ca_files?",
        ),
        (
            "[gateway.projects.a.live]\nattempts = 3",
            "there is no setting \"gateway.projects.a.live.attempts\"",
            "",
        ),
        (
            "[gateway.projects.a.live]\nsystem_ca = 'no!'",
            "gateway.projects.a.live.system_ca cannot be \"no!\"",
            "true or false",
        ),
        (
            "[gateway.projects.a]\nallow = ['ten']",
            "gateway.projects.a.allow: \"ten\" is no network",
            "correct it",
        ),
        (
            "[gateway.projects.a]\nca_files = ['FOLDER/empty.pem']",
            "gateway.projects.a.ca_files: FOLDER/empty.pem",
            "correct it",
        ),
        (
            "[gateway.projects.a]\nproxy = 'https://u:hunter2@proxy.example'",
            "gateway.projects.a.proxy: it is spoken to by plain HTTP",
            "correct it",
        ),
        (
            "[gateway.projects.a]\nclient_certificates.h = { certificate = '/a.pem' }",
            "gateway.projects.a.client_certificates cannot be { h = ",
            "certificate = \"crm.pem\", key = \"crm.key\"",
        ),
        (
            "[gateway]\nclient_certificates.h = { certificate = '/no.pem', key = '/no.key' }",
            "gateway.client_certificates: /no.pem",
            "correct it",
        ),
    ] {
        let place = folder.path().display().to_string();
        let configured = configured(folder.path(), &format!("\n{}", line.replace("FOLDER", &place)));
        let error = match configured {
            Ok(configuration) => way_out(&configuration).err().unwrap(),
            Err(error) => error,
        };
        let shown = format!("{error:?}");
        assert_eq!(error.code, Code::BadConfiguration, "{shown}");
        assert!(
            error.message.starts_with(&told.replace("FOLDER", &place)),
            "{shown}"
        );
        assert!(error.fix.clone().unwrap().contains(fix), "{shown}");
        assert_eq!(error.place, Some(format!("{place}/{FILE_NAME}:3")), "{shown}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
