//! The same story as one page, to attach to a ticket: nothing of it is fetched, nothing of it runs, and all that others wrote is escaped.

use std::fmt::Write as _;

use api::{AttemptOutcome, AttemptView, BodyView, EffectView, ParkedView, RunDetail, SendingView};
use domain::effect::Source;

use super::timeline::{self, Happening, Tone, facts, numbers, said_words, verb};
use super::{Teller, attempt, by_hand, effects, in_short};
use crate::screen::time;

/// All of its looks: light and dark, and on paper.
const STYLE: &str = include_str!("html.css");
/// Bytes of one body that are shown; beyond them a ticket is no longer read.
const BODY_BYTES: usize = 64 * 1024;

impl Teller {
    /// Tells a run as a page.
    #[must_use]
    pub fn html(&self, detail: &RunDetail) -> String {
        let run = &detail.run;
        let mut page = String::with_capacity(16 * 1024);
        let title = format!("run {}: {}", run.run_id, run.status);
        // Writing to a string cannot fail.
        let _ = write!(
            page,
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
             <title>{}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n",
            escaped(&title)
        );
        page.push_str(&self.html_opening(detail));
        let retried_after = by_hand::retried_after(detail);
        for attempt in &detail.attempts {
            page.push_str(&self.html_attempt(detail, attempt));
            if retried_after.contains(&attempt.attempt) {
                page.push_str("<p class=\"warn\">Retried by hand.</p>\n");
            }
        }
        page.push_str(&html_left(detail));
        page.push_str(&self.html_ending(detail));
        page.push_str("</main>\n</body>\n</html>\n");
        page
    }

    fn html_opening(&self, detail: &RunDetail) -> String {
        let run = &detail.run;
        let mut text = format!(
            "<header>\n<h1>Run <code>{}</code> <span class=\"{}\">{}</span></h1>\n",
            run.run_id,
            tone_of(run.status.as_str()),
            run.status
        );
        let _ = writeln!(
            text,
            "<p>Conversation <strong>{}</strong> of {}, {} · accepted {} · {} attempts · told {}</p>",
            escaped(&run.external_id),
            escaped(run.project.as_str()),
            run.environment,
            time::moment(run.accepted_at, &self.zone),
            run.attempts,
            time::moment(self.now, &self.zone),
        );
        let sentences = in_short::sentences(detail);
        if !sentences.is_empty() {
            text.push_str("<h2>In short</h2>\n<ul class=\"short\">\n");
            for sentence in sentences {
                let _ = writeln!(text, "<li>{}</li>", escaped(&sentence));
            }
            text.push_str("</ul>\n");
        }
        text + "</header>\n"
    }

    fn html_attempt(&self, detail: &RunDetail, attempt: &AttemptView) -> String {
        let mut text = format!(
            "<section>\n<h2>Attempt {}: {}</h2>\n<p class=\"faint\">deployment {} · began {}</p>\n",
            attempt.attempt,
            escaped(&attempt::outcome_words(attempt)),
            attempt.deployment.short(),
            time::moment(attempt.started_at.unwrap_or(attempt.claimed_at), &self.zone),
        );
        let (given, drifted) = timeline::given_back(detail, attempt);
        if !given.is_empty() {
            let drift = if drifted.is_empty() {
                String::new()
            } else {
                format!("; asked for with other times or durations: {}", numbers(&drifted))
            };
            let _ = writeln!(
                text,
                "<p>Given back as recorded, not sent again: {}{drift}.</p>",
                numbers(&given)
            );
        }
        text.push_str("<ol class=\"time\">\n");
        for happening in timeline::of(detail, attempt, usize::MAX) {
            let _ = writeln!(
                text,
                "<li><time>{}</time><div>{}</div></li>",
                time::clock(happening.at(), &self.zone),
                self.html_happening(detail, attempt, happening)
            );
        }
        text.push_str("</ol>\n");
        if attempt.outcome == AttemptOutcome::Failed {
            text.push_str(&html_failure(attempt));
        }
        text + "</section>\n"
    }

    fn html_happening(&self, detail: &RunDetail, attempt: &AttemptView, happening: Happening<'_>) -> String {
        match happening {
            Happening::Logged(entry) => {
                let level = format!("{:?}", entry.level).to_lowercase();
                format!("<span class=\"faint\">{level}</span> {}", escaped(&entry.content))
            }
            Happening::Sent(effect, sending) => html_sent(effect, sending, attempt),
            Happening::Said(effect, outcome) => format!(
                "<span class=\"warn\">decided</span> {}: {}",
                html_request(effect),
                escaped(&said_words(outcome))
            ),
            Happening::Waits(wait) => format!(
                "<span class=\"warn\">waits</span> for <strong>{}</strong> until {} for #{}: {}",
                escaped(&wait.origin),
                time::clock(wait.until, &self.zone),
                wait.effect,
                escaped(&wait.message)
            ),
            Happening::Parks(parked) => html_parked(detail, parked),
        }
    }

    fn html_ending(&self, detail: &RunDetail) -> String {
        let next = &detail.run.next;
        let mut text = "<section>\n<h2>Next</h2>\n".to_owned();
        let first = std::iter::once((next.sentence.clone(), next.at));
        for (sentence, at) in first.chain(by_hand::sentences(detail)) {
            let at = at
                .map(|at| format!(" ({})", time::moment(at, &self.zone)))
                .unwrap_or_default();
            let _ = writeln!(text, "<p>{}{at}</p>", escaped(&sentence));
        }
        if !next.commands.is_empty() {
            let _ = writeln!(text, "<pre>{}</pre>", escaped(&next.commands.join("\n")));
        }
        text + "</section>\n"
    }
}

/// `#2 POST https://crm.example.com/notes`.
fn html_request(effect: &EffectView) -> String {
    format!(
        "<strong>#{}</strong> {} <span class=\"url\">{}</span>",
        effect.effect,
        escaped(&effect.method),
        escaped(&effect.url)
    )
}

fn html_sent(effect: &EffectView, sending: &SendingView, attempt: &AttemptView) -> String {
    let (tone, result) = timeline::result(effect, sending, attempt);
    let mut text = format!(
        "{} {} → <span class=\"{}\">{}</span><br><span class=\"faint\">{}</span>",
        verb(sending),
        html_request(effect),
        class(tone),
        escaped(&result),
        escaped(&facts(effect, sending).join(" · "))
    );
    text.push_str(&html_body("sent", &sending.request));
    let live = sending
        .outcomes
        .iter()
        .find(|outcome| outcome.source == Source::Live);
    if let Some(answer) = live.and_then(|outcome| outcome.body.as_ref()) {
        text.push_str(&html_body("answered", answer));
    }
    text
}

/// A write that fits nothing and what it may be, side by side.
fn html_parked(detail: &RunDetail, parked: &ParkedView) -> String {
    let said = parked
        .said
        .map(|verdict| format!(" Since then somebody said: {verdict}."))
        .unwrap_or_default();
    let Some(new) = &parked.new else {
        return format!(
            "<span class=\"warn\">parked</span> the code asks for {} again, and nobody knows whether it happened.{said}",
            numbers(&parked.effects)
        );
    };
    let mut text = format!(
        "<span class=\"warn\">parked</span> this write fits no record, while {} of its kind is left over; it was not sent.{said}\
         <div class=\"pair\"><div><strong>new</strong> {} <span class=\"url\">{}</span><br><span class=\"faint\">{}</span>{}</div>",
        numbers(&parked.effects),
        escaped(&new.method),
        escaped(&new.url),
        escaped(&new.site),
        html_body("to be sent", &new.request)
    );
    for effect in parked
        .effects
        .iter()
        .filter_map(|number| effects::found(detail, *number))
    {
        let _ = write!(
            text,
            "<div>{}<br><span class=\"faint\">{}</span>",
            html_request(effect),
            escaped(effect.site.as_deref().unwrap_or_default())
        );
        if let Some(old) = effect.sendings.last().map(|sending| &sending.request) {
            text.push_str(&html_body("sent", old));
            let differences = effects::differences(old, &new.request);
            if !differences.is_empty() {
                let _ = write!(
                    text,
                    "<pre class=\"warn\">{}</pre>",
                    escaped(&differences.join("\n"))
                );
            }
        }
        text.push_str("</div>");
    }
    text + "</div>"
}

fn html_failure(attempt: &AttemptView) -> String {
    let mut text = String::new();
    if let Some(code) = attempt.code {
        let _ = writeln!(text, "<p class=\"bad\">{code} {}</p>", escaped(code.title()));
    }
    let error = attempt.error.as_ref();
    let told = error
        .map(|error| error.traceback.trim_end())
        .filter(|traceback| !traceback.is_empty());
    let message = error
        .map(|error| error.message.as_str())
        .or(attempt.message.as_deref());
    if let Some(told) = told.or(message) {
        let _ = writeln!(text, "<pre>{}</pre>", escaped(told));
    }
    text
}

fn html_left(detail: &RunDetail) -> String {
    if detail.metrics.is_empty() && detail.actions.is_empty() {
        return String::new();
    }
    let mut text = "<section>\n<h2>What it left</h2>\n<table>\n".to_owned();
    for metric in &detail.metrics {
        let _ = writeln!(
            text,
            "<tr><th>{}</th><td>{}</td></tr>",
            escaped(&metric.name),
            escaped(&metric.value.to_string())
        );
    }
    for action in &detail.actions {
        let fields = serde_json::Value::Object(action.fields.clone());
        let _ = writeln!(
            text,
            "<tr><th>{}</th><td>{}</td></tr>",
            escaped(&action.kind),
            escaped(&fields.to_string())
        );
    }
    text + "</table>\n</section>\n"
}

/// A body, cut at [`BODY_BYTES`]; nothing if it is empty or not shown.
fn html_body(what: &str, body: &BodyView) -> String {
    let text = match (&body.text, &body.base64) {
        (Some(text), _) => text,
        (None, Some(_)) => {
            return format!(
                "<p class=\"faint\">{what}: {} that are no text</p>",
                time::bytes(body.bytes)
            );
        }
        (None, None) => return String::new(),
    };
    let end = (0..=text.len().min(BODY_BYTES))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let rest = if end < text.len() {
        format!(" (the first {BODY_BYTES} of {} bytes)", body.bytes)
    } else {
        String::new()
    };
    format!(
        "<details open><summary>{what}{rest}</summary><pre>{}</pre></details>",
        escaped(&text[..end])
    )
}

fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Neutral => "",
        Tone::Warn => "warn",
        Tone::Bad => "bad",
    }
}

fn tone_of(word: &str) -> &'static str {
    match word {
        "succeeded" => "good",
        "failed" => "bad",
        "queued" | "running" => "",
        _ => "warn",
    }
}

/// What others wrote, as text of a page: no markup, nothing that turns the order of what is read, no control characters.
pub(super) fn escaped(text: &str) -> String {
    let safe = crate::screen::style::safe(text);
    let mut escaped = String::with_capacity(safe.len());
    for c in safe.chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}
