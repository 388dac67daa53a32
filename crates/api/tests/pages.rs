//! The pages under `docs/errors` and the table of codes are one.
#![allow(clippy::unwrap_used, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use domain::Code;

/// What every page tells, in this order.
const PARTS: [&str; 4] = ["What happened", "Why", "What to do", "Example"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page(code: Code) -> String {
    fs::read_to_string(root().join(code.page())).unwrap_or_else(|error| panic!("{}: {error}", code.page()))
}

#[test]
fn every_code_has_a_page_of_its_title_that_tells_all_four_things() {
    for code in Code::ALL {
        let text = page(*code);
        assert!(
            text.starts_with(&format!("# {code}: {}\n", code.title())),
            "{code}: the title differs"
        );
        let mut rest = text.as_str();
        for part in PARTS {
            let (_, after) = rest
                .split_once(&format!("\n## {part}\n"))
                .unwrap_or_else(|| panic!("{code}: no {part}"));
            let told = after.split("\n## ").next().unwrap_or_default();
            assert!(told.trim().len() > 20, "{code}: nothing under {part}");
            rest = after;
        }
    }
}

#[test]
fn every_page_belongs_to_a_code() {
    let known: BTreeSet<String> = Code::ALL.iter().map(|code| format!("{code}.md")).collect();
    for entry in fs::read_dir(root().join("docs/errors")).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(known.contains(&name), "docs/errors/{name} is of no code");
    }
}

#[test]
fn links_between_pages_lead_somewhere() {
    for code in Code::ALL {
        let text = page(*code);
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            if !link.contains("://") {
                assert!(
                    root().join("docs/errors").join(link).exists(),
                    "{code} links to {link}"
                );
            }
        }
    }
}
