//! Whole lives of runs, simulated: functions with parallel lanes, hosts that fail in every way, a supervisor that dies at any moment,
//! a store that is slow. Everything follows from a seed, so that a failing life can be lived again:
//! `AFTERCALL_SEED=17 cargo test -p effects --test simulation`.
#![allow(clippy::unwrap_used, clippy::print_stderr)]

mod function;
mod life;
mod world;

/// Lives that are lived unless a seed is named.
const LIVES: u64 = 500;

#[test]
fn no_life_loses_a_write_or_makes_one_twice() {
    let seeds = match std::env::var("AFTERCALL_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..LIVES).collect(),
    };
    let mut all = life::Told::default();
    for seed in seeds {
        match life::live(seed) {
            Ok(told) => all.add(&told),
            Err(why) => panic!("seed {seed}: {why}\nlive it again with AFTERCALL_SEED={seed}"),
        }
    }
    eprintln!("{all:?}");
    // A simulation in which nothing goes wrong proves nothing.
    if all.lives > 1 {
        assert!(
            all.crashes > 100 && all.waits > 50 && all.decisions > 10 && all.retries > 20,
            "{all:?}"
        );
    }
}
