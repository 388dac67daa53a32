//! Requests per second: a token bucket, kept as the moment at which it was last empty.

use jiff::{SignedDuration, Timestamp};

/// Tokens come at a rate and are kept up to a burst.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bucket {
    tokens: f64,
    at: Timestamp,
}

impl Bucket {
    pub(super) fn full(burst: u32, now: Timestamp) -> Self {
        Self {
            tokens: f64::from(burst.max(1)),
            at: now,
        }
    }

    /// Takes a token, or says when there will be one.
    pub(super) fn take(&mut self, rate: f64, burst: u32, now: Timestamp) -> Result<(), Timestamp> {
        // A clock that was set back gives no tokens and takes none.
        let passed = now.duration_since(self.at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + passed * rate).min(f64::from(burst.max(1)));
        self.at = now;
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let missing = ((1.0 - self.tokens) / rate).min(super::WAIT_LIMIT.as_secs_f64());
        let wait = SignedDuration::try_from_secs_f64(missing).unwrap_or(super::WAIT_LIMIT);
        // Rounded up, so that there is a token when the moment has come.
        Err(super::after(
            now,
            wait.saturating_add(SignedDuration::from_nanos(1_000)),
        ))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(millis: i64) -> Timestamp {
        Timestamp::from_millisecond(1_700_000_000_000 + millis).unwrap()
    }

    proptest! {
        /// Whatever the moments: never more than the burst and what came in since.
        #[test]
        fn no_more_leave_than_the_rate_allows(
            rate in 0.1_f64..1_000.0,
            burst in 1_u32..50,
            steps in prop::collection::vec(0_i64..2_000, 1..200),
        ) {
            let mut bucket = Bucket::full(burst, at(0));
            let (mut now, mut taken) = (0, 0_u32);
            for step in steps {
                now += step;
                if bucket.take(rate, burst, at(now)).is_ok() {
                    taken += 1;
                }
                let most = f64::from(burst) + rate * (now as f64) / 1_000.0;
                prop_assert!(f64::from(taken) <= most + 1e-6, "{taken} > {most}");
            }
        }

        /// Who comes when it was told to come is served.
        #[test]
        fn the_moment_that_is_named_is_the_right_one(rate in 0.01_f64..10_000.0, burst in 1_u32..5) {
            let mut bucket = Bucket::full(burst, at(0));
            for _ in 0..burst {
                prop_assert!(bucket.take(rate, burst, at(0)).is_ok());
            }
            let Err(then) = bucket.take(rate, burst, at(0)) else { return Err(TestCaseError::fail("empty")) };
            prop_assert!(then > at(0));
            prop_assert!(bucket.take(rate, burst, then).is_ok());
        }
    }
}
