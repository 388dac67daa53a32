//! The program. Everything that it does is in the crate `cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    ExitCode::from(cli::run(std::env::args_os(), std::env::vars_os()))
}
