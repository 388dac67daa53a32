//! `crash-campaign CRASHES`: see `make crash-campaign`. Ends with 1 if something was lost, or done twice without leave.
#![allow(clippy::print_stdout, clippy::print_stderr)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let crashes = std::env::args().nth(1).and_then(|count| count.parse().ok());
    let Some(crashes) = crashes.filter(|count| *count > 0) else {
        eprintln!("crash-campaign: how many crashes? A whole number, as in `make crash-campaign N=1000`");
        return ExitCode::from(2);
    };
    let report = system_tests::campaign::run(crashes);
    println!("{report}");
    if report.holds() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
