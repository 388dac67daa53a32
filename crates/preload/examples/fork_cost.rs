//! What a child costs from the fork until it may run user code, with and without each layer of confinement.
//!
//! `ac_enter` and its CPU are as the interpreter sees them, with the page faults that it has after any fork: what a
//! layer costs is the difference between rows. Set `TMPDIR` to a tmpfs for folders that cost no disk.
//!
//! `cargo run --release -p preload --example fork_cost -- [forks per case, default 500]`
#![cfg(target_os = "linux")]
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[path = "../tests/support/mod.rs"]
mod support;

use preload::packet::Report;
use support::{Options, Zygote, interpreters};

const FORKS: usize = 500;

fn main() {
    let forks = std::env::args()
        .nth(1)
        .map_or(FORKS, |number| number.parse().expect("a number of forks"));
    println!("microseconds, median (90 %) of {forks} forks one after another");
    println!(
        "{:24} {:>13} {:>15} {:>15} {:>16} {:>9}",
        "", "fork", "ac_enter", "its CPU", "CPU of child", "faults"
    );
    for python in interpreters() {
        println!("{}", python.executable.display());
        for (name, landlock, seccomp) in [
            ("no confinement", false, false),
            ("Landlock", true, false),
            ("seccomp", false, true),
            ("Landlock and seccomp", true, true),
        ] {
            let zygote = Zygote::start(
                &python,
                &Options {
                    landlock,
                    seccomp,
                    ..Options::default()
                },
            );
            let mut figures: [Vec<u64>; 5] = Default::default();
            for token in 0..forks as u64 {
                let ended = zygote.run(
                    token,
                    "answer = [settings['forked_ns'], settings['entered_ns'], settings['enter_cpu_ns']]",
                );
                let Report::Exited {
                    user_us,
                    system_us,
                    minor_faults,
                    ..
                } = ended.report
                else {
                    unreachable!()
                };
                let microseconds = |at: usize| ended.answer[at].as_u64().unwrap() / 1000;
                let row = [
                    microseconds(0),
                    microseconds(1),
                    microseconds(2),
                    user_us + system_us,
                    minor_faults,
                ];
                figures
                    .iter_mut()
                    .zip(row)
                    .for_each(|(figure, value)| figure.push(value));
            }
            let [fork, enter, enter_cpu, cpu, faults] = figures.map(|mut figure| {
                figure.sort_unstable();
                format!("{} ({})", figure[forks / 2], figure[forks * 9 / 10])
            });
            println!("  {name:22} {fork:>13} {enter:>15} {enter_cpu:>15} {cpu:>16} {faults:>9}");
        }
    }
}
