//! How what left a run is told, to the letter: at three in the morning this page has to say why the run was late, what was sent, and
//! that it was sent once.
#![allow(clippy::unwrap_used)]

use anstream::adapter::strip_str;
use api::RunDetail;
use cli::story::Teller;
use jiff::tz::TimeZone;

fn detail(text: &str) -> RunDetail {
    serde_json::from_str(text).unwrap()
}

fn teller() -> Teller {
    Teller {
        now: "2026-01-05T10:12:00Z".parse().unwrap(),
        zone: TimeZone::UTC,
    }
}

fn tell(text: &str) -> String {
    strip_str(&teller().run(&detail(text), None)).to_string()
}

#[test]
fn an_outage_then_a_crash_then_done() {
    insta::assert_snapshot!(tell(include_str!("runs/outage.json")));
}

#[test]
fn a_write_that_fits_nothing_stands_beside_what_it_may_be() {
    insta::assert_snapshot!(tell(include_str!("runs/parked.json")));
}
