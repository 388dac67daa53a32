//! What left a run, on a terminal.

use api::{
    AttemptView, BodyView, EffectView, OutcomeView, ParkedView, ParkedWhy, RunDetail, SendingView, WaitView,
};
use domain::effect::Source;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::timeline::{self, Tone, facts, numbers, said_words};
use super::{indented, short};
use crate::screen::{style, time};

/// Letters of a body that are shown; `--json` and `--html` have it whole.
pub(super) const BODY_LETTERS: usize = 240;
/// Where what belongs to a line begins: below its text, as a log's further lines do.
const BELOW: usize = 21;

/// Tells what effects came to.
pub(super) fn in_short(detail: &RunDetail) -> String {
    let sentences = super::in_short::sentences(detail);
    if sentences.is_empty() {
        return String::new();
    }
    let lines: String = sentences
        .iter()
        .map(|sentence| format!("  {}\n", style::safe(sentence)))
        .collect();
    format!("{}\n{lines}", style::strong("in short"))
}

/// What an attempt was given back instead of sending it again.
pub(super) fn given_back(detail: &RunDetail, attempt: &AttemptView) -> String {
    let (given, drifted) = timeline::given_back(detail, attempt);
    if given.is_empty() {
        return String::new();
    }
    let mut text = format!("given back as recorded, not sent again: {}", numbers(&given));
    if !drifted.is_empty() {
        let differ = format!("; asked for with other times or durations: {}", numbers(&drifted));
        text.push_str(&differ);
    }
    text.push('\n');
    style::faint(&text)
}

pub(super) fn sent(
    effect: &EffectView,
    sending: &SendingView,
    attempt: &AttemptView,
    zone: &TimeZone,
) -> String {
    let (tone, result) = timeline::result(effect, sending, attempt);
    let asked = format!(
        "{} {} {}",
        style::strong(&format!("#{}", effect.effect)),
        effect.method,
        style::safe(&effect.url)
    );
    let mut text = format!(
        "{} {:<7} {asked} {} {}\n",
        style::faint(&time::clock(sending.at, zone)),
        timeline::verb(sending),
        style::faint("→"),
        toned(tone, &style::safe(&result))
    );
    let facts = style::faint(&style::safe(&facts(effect, sending).join(" · ")));
    text.push_str(&below(&facts));
    text.push_str(&body("", &sending.request));
    let live = sending
        .outcomes
        .iter()
        .find(|outcome| outcome.source == Source::Live);
    if let Some(answer) = live.and_then(|outcome| outcome.body.as_ref()) {
        text.push_str(&body("← ", answer));
    }
    text
}

pub(super) fn said(effect: &EffectView, outcome: &OutcomeView, zone: &TimeZone) -> String {
    format!(
        "{} {} {} {} {}: {}\n",
        style::faint(&time::clock(outcome.at, zone)),
        style::warn("decided"),
        style::strong(&format!("#{}", effect.effect)),
        effect.method,
        style::safe(&effect.url),
        said_words(outcome)
    )
}

pub(super) fn waits(wait: &WaitView, zone: &TimeZone) -> String {
    format!(
        "{} {} for {} until {} for #{}: {}\n",
        style::faint(&time::clock(wait.at, zone)),
        style::warn("waits  "),
        style::strong(&style::safe(&wait.origin)),
        time::clock(wait.until, zone),
        wait.effect,
        style::safe(&wait.message)
    )
}

pub(super) fn parks(detail: &RunDetail, parked: &ParkedView, zone: &TimeZone) -> String {
    let head = format!(
        "{} {}",
        style::faint(&time::clock(parked.at, zone)),
        style::warn("parked ")
    );
    let said = parked.said.map_or_else(String::new, |verdict| {
        below(&format!("since then somebody said: {verdict}"))
    });
    match (parked.why, &parked.new) {
        (ParkedWhy::Mismatch, Some(new)) => {
            let mut text = format!(
                "{head} this write fits no record, while {} of its kind {} left over; it was not sent\n",
                numbers(&parked.effects),
                if parked.effects.len() == 1 { "is" } else { "are" }
            );
            text.push_str(&below(&format!(
                "{} {} {}  {}",
                style::strong("new"),
                new.method,
                style::safe(&new.url),
                style::faint(&style::safe(&new.site))
            )));
            text.push_str(&body("", &new.request));
            for effect in parked.effects.iter().filter_map(|number| found(detail, *number)) {
                text.push_str(&beside(effect, &new.request));
            }
            text + &said
        }
        _ => {
            let what = format!(
                "{head} the code asks for {} again, and nobody knows whether it happened\n",
                numbers(&parked.effects)
            );
            what + &said
        }
    }
}

/// A record that a new write may be: what was sent then, and where the two differ.
fn beside(effect: &EffectView, new: &BodyView) -> String {
    let old = effect.sendings.last().map(|sending| &sending.request);
    let mut text = below(&format!(
        "{} {} {}  {}",
        style::strong(&format!("#{} ", effect.effect)),
        effect.method,
        style::safe(&effect.url),
        style::faint(&style::safe(effect.site.as_deref().unwrap_or_default()))
    ));
    if let Some(old) = old {
        text.push_str(&body("", old));
        for line in differences(old, new) {
            text.push_str(&below(&style::warn(&style::safe(&line))));
        }
    }
    text
}

/// Where two JSON bodies differ, one place a line.
pub(super) fn differences(old: &BodyView, new: &BodyView) -> Vec<String> {
    let json = |body: &BodyView| serde_json::from_str::<Value>(body.text.as_deref()?).ok();
    let (Some(old), Some(new)) = (json(old), json(new)) else {
        return Vec::new();
    };
    let side = |value: Option<Value>| value.map_or_else(|| "nothing".to_owned(), |value| value.to_string());
    domain::json::diff(&old, &new)
        .into_iter()
        .map(|one| format!("{}: was {}, now {}", one.path, side(one.kept), side(one.sent)))
        .collect()
}

pub(super) fn found(detail: &RunDetail, number: u32) -> Option<&EffectView> {
    detail.effects.iter().find(|effect| effect.effect == number)
}

/// A body on one line, cut at [`BODY_LETTERS`]; nothing if it is empty or not shown.
fn body(mark: &str, body: &BodyView) -> String {
    match (&body.text, &body.base64) {
        (Some(text), _) => {
            let told = short(text, BODY_LETTERS);
            let cut = text.chars().count() > BODY_LETTERS;
            let rest = if cut {
                style::faint(&format!(
                    " ({} in all: --json shows them)",
                    time::bytes(body.bytes)
                ))
            } else {
                String::new()
            };
            below(&format!("{}{told}{rest}", style::faint(mark)))
        }
        (None, Some(_)) => below(&style::faint(&format!(
            "{mark}{} that are no text",
            time::bytes(body.bytes)
        ))),
        (None, None) => String::new(),
    }
}

fn below(line: &str) -> String {
    indented(line, BELOW)
}

fn toned(tone: Tone, text: &str) -> String {
    match tone {
        Tone::Good => style::good(text),
        Tone::Neutral => text.to_owned(),
        Tone::Warn => style::warn(text),
        Tone::Bad => style::bad(text),
    }
}
