//! When conversations arrive: independent of one another, at a mean rate.

use std::time::Duration;

/// `count` moments since the beginning, with exponentially distributed gaps (a Poisson process of `rate` a second).
pub fn moments(rate: f64, count: u64, seed: u64) -> Vec<Duration> {
    let mut state = seed;
    let mut at = 0.0;
    (0..count)
        .map(|_| {
            at -= (1.0 - uniform(&mut state)).ln() / rate;
            Duration::from_secs_f64(at)
        })
        .collect()
}

/// Uniform in [0, 1): SplitMix64, the upper 53 bits.
fn uniform(state: &mut u64) -> f64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    ((mixed ^ (mixed >> 31)) >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrivals_have_the_rate_and_the_spread_of_a_poisson_process() {
        let (rate, count) = (200.0, 20_000);
        let moments = moments(rate, count, 7);
        let took = moments.last().unwrap().as_secs_f64();
        assert!((count as f64 / took - rate).abs() < rate * 0.03, "{took}");
        let gaps: Vec<f64> = moments
            .windows(2)
            .map(|two| (two[1] - two[0]).as_secs_f64())
            .collect();
        // Of an exponential distribution, the share of gaps shorter than the mean is 1 - 1/e.
        let short = gaps.iter().filter(|gap| **gap < 1.0 / rate).count() as f64 / gaps.len() as f64;
        assert!((short - 0.632).abs() < 0.02, "{short}");
    }

    #[test]
    fn a_seed_gives_the_same_moments_again() {
        assert_eq!(moments(10.0, 50, 3), moments(10.0, 50, 3));
        assert_ne!(moments(10.0, 50, 3), moments(10.0, 50, 4));
    }
}
