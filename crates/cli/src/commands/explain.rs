//! `aftercall explain`.

use clap::Args;
use domain::Code;
use serde_json::json;

use crate::context::Context;
use crate::error::{CliError, Exit};
use crate::screen::style;

/// What an error means, and what to do
#[derive(Debug, Args)]
#[command(after_help = "Examples:
  aftercall explain AC0103
  aftercall explain                 all codes
  aftercall explain AC0103 --json")]
pub struct Explain {
    /// The code, as an error tells it [default: a list of all]
    #[arg(value_name = "CODE", value_parser = code)]
    code: Option<Code>,
}

impl Explain {
    /// Tells it.
    ///
    /// # Errors
    /// If the answer cannot be written.
    pub fn run(&self, context: &Context) -> Result<Exit, Box<CliError>> {
        let screen = &context.screen;
        match self.code {
            Some(code) if screen.json => {
                let page = json!({ "code": code, "title": code.title(), "page": code.page(), "text": code.page_text() });
                screen.json(&page, false)?;
            }
            Some(code) => screen.say(code.page_text().trim_end())?,
            None if screen.json => {
                let all: Vec<_> = Code::ALL
                    .iter()
                    .map(|code| json!({ "code": code, "title": code.title(), "page": code.page() }))
                    .collect();
                screen.json(&all, false)?;
            }
            None => {
                for code in Code::ALL {
                    screen.say(&format!("{}  {}", style::strong(code.as_str()), code.title()))?;
                }
            }
        }
        Ok(Exit::Done)
    }
}

fn code(text: &str) -> Result<Code, String> {
    let upper = text.to_ascii_uppercase();
    upper
        .parse()
        .map_err(|_| "there is no such code; `aftercall explain` lists all".to_owned())
}
