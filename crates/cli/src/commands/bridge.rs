//! `aftercall bridge`.

use clap::Args;
use domain::Code;
use serde_json::json;

use crate::client::query;
use crate::context::Context;
use crate::error::{CliError, Exit};

/// What is printed, with places for what is asked for.
const TEMPLATE: &str = include_str!("bridge/end_function.py");
/// Where it belongs, in a project on the platform.
const FILE: &str = "functions/end_function.py";
/// Where conversations are handed in, on a server.
const PATH: &str = "/v1/conversations";

/// An end function for the vendor's platform that hands its conversations over
#[derive(Debug, Args)]
#[command(
    after_help = "Paste it into the project on the platform as functions/end_function.py, and keep an API key in its
vault under the secret's name (`aftercall keys create polyai --env live`). State arrives with its
types. It needs nothing but requests.

Examples:
  aftercall bridge --url https://calls.example.com > end_function.py
  aftercall bridge --url https://calls.example.com --project front-desk --secret aftercall_key
  aftercall bridge --url https://calls.example.com --json      as `{\"script\": …}`, for programs"
)]
pub struct Bridge {
    /// The server's address as the platform reaches it
    #[arg(long, value_name = "URL", default_value = "https://aftercall.example.com")]
    url: String,
    /// The project that the conversations are handed to [default: the key's]
    #[arg(long, short, value_name = "NAME")]
    project: Option<String>,
    /// The name of the secret that holds the API key
    #[arg(long, value_name = "NAME", default_value = "aftercall_key")]
    secret: String,
}

impl Bridge {
    /// Writes it.
    ///
    /// # Errors
    /// `AC0803` for an address or a name that does not fit; or if the answer cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let base = self.url.trim_end_matches('/').trim_end_matches(PATH);
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(unfit("--url", &self.url, "write it as https://HOST"));
        }
        for (name, text) in [("--url", &self.url), ("--secret", &self.secret)] {
            // Both are written between quotes into a program.
            if text.is_empty() || text.contains(['"', '\\', '@']) || text.contains(char::is_control) {
                return Err(unfit(name, text, "leave out quotes, backslashes and @"));
            }
        }
        let url = format!("{base}{}", query(PATH, &[("project", self.project.clone())]));
        let program = TEMPLATE.replace("@URL@", &url).replace("@SECRET@", &self.secret);
        if context.screen.json {
            let answer = json!({ "file": FILE, "url": url, "secret": self.secret, "script": program });
            context.screen.json(&answer, false)?;
        } else {
            context.screen.hand_over(&program)?;
        }
        Ok(Exit::Done)
    }
}

fn unfit(option: &str, text: &str, fix: &str) -> Box<CliError> {
    CliError::usage(
        Code::BadConfiguration,
        format!("{option} {text:?} cannot be used"),
        fix,
    )
}
