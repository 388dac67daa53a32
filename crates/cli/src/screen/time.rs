//! Times and spans, as people say them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-01-05 10:00:03`, in this zone.
#[must_use]
pub fn moment(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone())
        .strftime("%Y-%m-%d %H:%M:%S")
        .to_string()
}

/// `10:00:03.120`, in this zone.
#[must_use]
pub fn clock(at: Timestamp, zone: &TimeZone) -> String {
    at.to_zoned(zone.clone()).strftime("%H:%M:%S%.3f").to_string()
}

/// `12 min ago`, `in 3 s`.
#[must_use]
pub fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.duration_since(at).as_secs_f64();
    let span = rough(seconds.abs());
    if seconds < -0.5 {
        format!("in {span}")
    } else {
        format!("{span} ago")
    }
}

fn rough(seconds: f64) -> String {
    const STEPS: [(f64, f64, &str); 4] = [
        (90.0, 1.0, "s"),
        (5_400.0, 60.0, "min"),
        (129_600.0, 3_600.0, "h"),
        (f64::INFINITY, 86_400.0, "d"),
    ];
    let (_, unit, name) = STEPS
        .iter()
        .find(|(below, ..)| seconds < *below)
        .unwrap_or(&STEPS[3]);
    format!("{:.0} {name}", seconds / unit)
}

/// `83 ms`, `1.24 s`, `4 min 10 s`.
#[must_use]
pub fn span(span: Duration) -> String {
    let seconds = span.as_secs_f64();
    if seconds < 0.001 {
        format!("{:.2} ms", seconds * 1e3)
    } else if seconds < 0.9995 {
        format!("{:.0} ms", seconds * 1e3)
    } else if seconds < 60.0 {
        format!("{seconds:.2} s")
    } else {
        format!("{} min {} s", span.as_secs() / 60, span.as_secs() % 60)
    }
}

/// The time from one moment to another; nothing if they stand the wrong way round.
#[must_use]
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// `12 B`, `6.1 KB`, `3.4 MB`.
#[must_use]
pub fn bytes(count: u64) -> String {
    // Exact to far more digits than are shown.
    #[allow(clippy::cast_precision_loss)]
    let count_f = count as f64;
    match count {
        0..1_000 => format!("{count} B"),
        1_000..1_000_000 => format!("{:.1} KB", count_f / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", count_f / 1e6),
        _ => format!("{:.1} GB", count_f / 1e9),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn spans_read_as_people_say_them() {
        for (micros, text) in [
            (350, "0.35 ms"),
            (83_000, "83 ms"),
            (999_900, "1.00 s"),
            (1_240_000, "1.24 s"),
            (250_000_000, "4 min 10 s"),
        ] {
            assert_eq!(span(Duration::from_micros(micros)), text);
        }
    }

    #[test]
    fn moments_are_told_from_now() {
        let now: Timestamp = "2026-01-05T10:00:00Z".parse().unwrap();
        for (at, text) in [
            ("10:00:03", "in 3 s"),
            ("10:00:00", "0 s ago"),
            ("09:58:00", "2 min ago"),
            ("03:00:00", "7 h ago"),
        ] {
            assert_eq!(relative(format!("2026-01-05T{at}Z").parse().unwrap(), now), text);
        }
        assert_eq!(relative("2026-01-01T10:00:00Z".parse().unwrap(), now), "4 d ago");
        assert_eq!(moment(now, &TimeZone::UTC), "2026-01-05 10:00:00");
    }
}
