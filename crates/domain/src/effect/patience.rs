//! How long a run waits for a host that is out, and when it stops waiting.

use jiff::SignedDuration;

use super::record::Wait;
use crate::Timestamp;

/// The first wait for a host, after the tries that nobody sees.
const FIRST: SignedDuration = SignedDuration::from_secs(10);
/// By how much each further wait is longer.
const FACTOR: f64 = 2.0;
/// The longest wait: so late at most it is noticed that a host is back, should nothing else tell.
const LONGEST: SignedDuration = SignedDuration::from_mins(30);
/// Less than this is not worth a process.
const SHORTEST: SignedDuration = SignedDuration::from_secs(1);

/// A wait that began.
pub type Waited = (Timestamp, Wait);

/// Until when to wait for a host once more; `None` if the run's patience with it is used up. What counts is the sum of its own waits
/// as they were planned: pauses and queueing behind others do not, and a retry renews nothing.
///
/// The host may have named a time itself (`not_before`). `jitter` is uniform in [0, 1): runs that met one outage do not come back together.
#[must_use]
pub fn next_wait(
    waits: &[Waited],
    origin: &str,
    patience_s: u64,
    not_before: Option<Timestamp>,
    now: Timestamp,
    jitter: f64,
) -> Option<Timestamp> {
    let used = patience_used(waits, origin);
    let patience = SignedDuration::from_secs(i64::try_from(patience_s).unwrap_or(i64::MAX));
    let left = patience.checked_sub(used).filter(|left| *left >= SHORTEST)?;
    let count = i32::try_from(of_host(waits, origin).count()).unwrap_or(i32::MAX);
    let grown = (FIRST.as_secs_f64() * FACTOR.powi(count)).min(LONGEST.as_secs_f64());
    // Between half and all of it: never at once, never all together.
    let own =
        SignedDuration::try_from_secs_f64(grown * (0.5 + jitter.clamp(0.0, 1.0) / 2.0)).unwrap_or(LONGEST);
    let asked = not_before.map_or(SignedDuration::ZERO, |until| until.duration_since(now));
    now.checked_add(own.max(asked).min(left)).ok()
}

/// How much of its patience with a host a run has used up.
#[must_use]
pub fn patience_used(waits: &[Waited], origin: &str) -> SignedDuration {
    of_host(waits, origin)
        .map(|(at, wait)| wait.until.duration_since(*at).max(SignedDuration::ZERO))
        .fold(SignedDuration::ZERO, |sum, one| {
            sum.checked_add(one).unwrap_or(SignedDuration::MAX)
        })
}

fn of_host<'a>(waits: &'a [Waited], origin: &'a str) -> impl Iterator<Item = &'a Waited> {
    waits
        .iter()
        .filter(move |(_, wait)| wait.origin == origin && !wait.paused)
}

/// How long to leave a host alone that an operator has stopped, unless that is taken back before.
const PAUSED: SignedDuration = SignedDuration::from_mins(5);

/// Until when to wait for what an operator has stopped.
#[must_use]
pub fn paused_until(now: Timestamp, jitter: f64) -> Timestamp {
    let wait = PAUSED.as_secs_f64() * (1.0 + jitter.clamp(0.0, 1.0));
    let wait = SignedDuration::try_from_secs_f64(wait).unwrap_or(PAUSED);
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::effect::EffectNumber;
    use crate::ids::AttemptNumber;

    const START: Timestamp = Timestamp::UNIX_EPOCH;

    fn seconds(count: i64) -> SignedDuration {
        SignedDuration::from_secs(count)
    }

    /// Waits until patience is used up; gives how long each wait was, in seconds.
    fn all(patience_s: u64, jitter: f64) -> Vec<i64> {
        let (mut waits, mut now) = (Vec::new(), START);
        while let Some(until) = next_wait(&waits, "https://crm", patience_s, None, now, jitter) {
            let wait = Wait {
                attempt: AttemptNumber(1),
                effect: EffectNumber(1),
                origin: "https://crm".into(),
                until,
                message: String::new(),
                paused: false,
            };
            waits.push((now, wait));
            now = until + seconds(5); // queueing behind others costs nothing
            assert!(waits.len() < 1_000);
        }
        waits
            .iter()
            .map(|(at, wait)| wait.until.duration_since(*at).as_secs())
            .collect()
    }

    #[test]
    fn waits_grow_and_their_sum_is_the_patience() {
        let waits = all(24 * 3600, 1.0);
        assert_eq!(waits[..9], [10, 20, 40, 80, 160, 320, 640, 1280, 1800]);
        assert_eq!(waits.iter().sum::<i64>(), 24 * 3600);
        assert_eq!(all(0, 1.0), [0; 0]);
        assert_eq!(all(25, 0.0), [5, 10, 10]);
    }

    #[test]
    fn another_host_has_a_patience_of_its_own_and_a_named_time_is_kept() {
        let wait = Wait {
            attempt: AttemptNumber(1),
            effect: EffectNumber(1),
            origin: "https://crm".into(),
            until: START + seconds(60),
            message: String::new(),
            paused: false,
        };
        let paused = Wait {
            paused: true,
            ..wait.clone()
        };
        let waits = [(START, wait), (START, paused)];
        let now = START + seconds(60);
        assert_eq!(next_wait(&waits, "https://crm", 60, None, now, 1.0), None);
        assert_eq!(
            next_wait(&waits, "https://other", 60, None, now, 1.0),
            Some(now + seconds(10))
        );
        let asked = Some(now + seconds(30));
        assert_eq!(next_wait(&waits, "https://other", 60, asked, now, 1.0), asked);
        assert_eq!(
            next_wait(&waits, "https://other", 20, asked, now, 1.0),
            Some(now + seconds(20)),
            "never beyond patience"
        );
    }
}
