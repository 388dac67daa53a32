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

#[test]
fn the_page_tells_the_same_and_needs_nothing_else() {
    let page = teller().html(&detail(include_str!("runs/parked.json")));
    insta::assert_snapshot!(page);
    let outage = teller().html(&detail(include_str!("runs/outage.json")));
    for said in [
        "It waited 9 min 53 s",
        "nobody listens at crm.example.com:443",
        "given back",
    ] {
        assert!(outage.to_lowercase().contains(&said.to_lowercase()), "{said}");
    }
    for page in [page, outage] {
        for fetches in ["<script", "<link", "<img", "src=", "href=", "url(", "@import"] {
            assert!(!page.contains(fetches), "{fetches}");
        }
    }
}

/// Every text of the run is made markup, and what comes out must hold none of it.
#[test]
fn nothing_that_others_wrote_is_markup_on_the_page() {
    const MARKUP: &str = "</pre><script>alert('x')</script><b \"&\u{202e}";
    fn poison(value: &mut serde_json::Value, key: &str) {
        match value {
            serde_json::Value::Object(all) => all.iter_mut().for_each(|(key, value)| poison(value, key)),
            serde_json::Value::Array(all) => all.iter_mut().for_each(|value| poison(value, key)),
            serde_json::Value::String(text) => {
                let is_free = [
                    "external_id",
                    "method",
                    "url",
                    "endpoint",
                    "site",
                    "lane",
                    "reason",
                    "message",
                    "text",
                    "content",
                    "origin",
                    "sentence",
                    "commands",
                    "name",
                    "value",
                    "traceback",
                ];
                if is_free.contains(&key) {
                    *text = MARKUP.to_owned();
                }
            }
            _ => {}
        }
    }
    for run in [include_str!("runs/parked.json"), include_str!("runs/outage.json")] {
        let mut run: serde_json::Value = serde_json::from_str(run).unwrap();
        run["metrics"] = serde_json::json!([{"name": "", "value": ""}]);
        run["actions"] = serde_json::json!([{"kind": "sms", "content": ""}]);
        run["attempts"][0]["outcome"] = "failed".into();
        run["attempts"][0]["code"] = "AC0301".into();
        run["attempts"][0]["error"] =
            serde_json::json!({"type": "E", "message": "", "traceback": "", "frames": [], "cause": null});
        poison(&mut run, "");
        let page = teller().html(&detail(&run.to_string()));
        assert!(
            page.matches("&lt;script&gt;alert(&#39;x&#39;)").count() > 10,
            "{page}"
        );
        for raw in ["<script", "<b ", "alert('x')", "\u{202e}"] {
            assert!(!page.contains(raw), "{raw}: {page}");
        }
    }
}
