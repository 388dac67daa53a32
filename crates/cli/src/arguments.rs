//! What may be typed.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

use crate::commands;

/// Runs `end_function(conv)` once for every finished conversation.
#[derive(Debug, Parser)]
#[command(name = "aftercall", version, max_term_width = 110, after_help = TOP_EXAMPLES)]
pub struct Arguments {
    /// For all commands.
    #[command(flatten)]
    pub common: Common,
    /// Which one.
    #[command(subcommand)]
    pub command: Command,
}

const TOP_EXAMPLES: &str = "\
Start here:
  aftercall init my-project                         write a project to start from
  aftercall invoke my-project my-project/conversations/resolved.json
                                                    run it here, with no server
  aftercall serve                                   start the server, in another terminal
  aftercall deploy my-project                       make it the project's active version in sandbox
  aftercall send my-project/conversations/*.json    hand conversations in
  aftercall runs list                               what became of them

Exit status: 0 done · 1 done, and the answer is negative · 2 wrong usage or input · 3 a fault of ours.
With --json an answer is JSON on standard output, an error one JSON object on standard error.
Settings come from flags, AFTERCALL_… variables, aftercall.toml and defaults, in that order: `aftercall config show`.";

/// Options of every command.
#[derive(Debug, Clone, Default, Args)]
#[command(next_help_heading = "Options of every command")]
pub struct Common {
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    pub json: bool,
    /// The server's data folder; commands find its socket there [default: ~/.local/share/aftercall]
    #[arg(long, global = true, value_name = "DIR")]
    pub data: Option<String>,
    /// The server's address, if not its socket: https://HOST:PORT or http://HOST:PORT
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub server: Option<String>,
    /// The API key for --server; AFTERCALL_KEY hides it from other users of the machine
    #[arg(long, global = true, value_name = "KEY", hide_short_help = true)]
    pub key: Option<String>,
    /// For https: trust the authorities in this PEM file instead of the system's
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub ca_file: Option<String>,
    /// The configuration file [default: ./aftercall.toml, else ~/.config/aftercall/aftercall.toml]
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// Any setting that `aftercall config show` lists
    #[arg(long = "set", global = true, value_name = "NAME=VALUE", value_parser = pair, hide_short_help = true)]
    pub settings: Vec<(String, String)>,
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE")?;
    Ok((name.trim().to_owned(), value.to_owned()))
}

/// Which project and environment a command is about.
#[derive(Debug, Clone, Default, Args)]
pub struct About {
    /// The project [default: the key's, or the only one that there is]
    #[arg(long, short, value_name = "NAME")]
    pub project: Option<String>,
    /// The environment: sandbox, pre-release or live
    #[arg(long = "env", short, value_name = "ENV")]
    pub environment: Option<String>,
}

/// Every command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write a project to start from
    Init(commands::init::Init),
    /// Run a project over conversations here and now, with no server
    Invoke(commands::invoke::Invoke),
    /// Look for mistakes in a project, here
    Check(commands::check::Check),
    /// Run the server
    Serve(commands::serve::Serve),
    /// Hand a project to the server; it becomes active in sandbox
    Deploy(commands::deploy::Deploy),
    /// Hand conversations to the server, from files
    Send(crate::send::Send),
    /// Runs: list, show, logs, decide, retry, cancel
    #[command(subcommand)]
    Runs(commands::runs::Runs),
    /// Conversations: show
    #[command(subcommand)]
    Conversations(commands::conversations::Conversations),
    /// Deployments: list, show, promote
    #[command(subcommand)]
    Deployments(commands::deployments::Deployments),
    /// API keys: create, list, revoke
    #[command(subcommand)]
    Keys(commands::keys::Keys),
    /// Hosts that end functions send to: how each is, and who waits for it
    Hosts(commands::hosts::Hosts),
    /// Stop requests of a project, an environment, or to a host
    Pause(commands::hosts::Pause),
    /// Lift a pause, and let runs go on that wait for such a host
    Resume(commands::hosts::Resume),
    /// How the server is
    Status(commands::status::Status),
    /// Settings and where each comes from
    #[command(subcommand)]
    Config(commands::config::Config),
    /// The JSON Schema of a document
    #[command(subcommand)]
    Schema(commands::schema::Schema),
    /// Type stubs of `_gen` and its like, for editors and type checkers
    Stubs(commands::stubs::Stubs),
    /// An end function for the vendor's platform that hands its conversations over
    Bridge(commands::bridge::Bridge),
    /// What an error means, and what to do
    Explain(commands::explain::Explain),
    /// The version of this program
    Version(commands::version::Version),
    /// A script that makes a shell complete commands
    Completion(commands::completion::Completion),
}

impl Common {
    /// What these options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        let named = [
            ("data", &self.data),
            ("server", &self.server),
            ("key", &self.key),
            ("ca_file", &self.ca_file),
        ];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        self.settings.iter().cloned().chain(named).collect()
    }
}

impl About {
    /// Of a command that is about a project as a whole.
    #[must_use]
    pub fn project(project: &Option<String>) -> Self {
        Self {
            project: project.clone(),
            environment: None,
        }
    }

    /// What these options say of settings.
    #[must_use]
    pub fn flags(&self) -> Vec<(String, String)> {
        let named = [("project", &self.project), ("environment", &self.environment)];
        let named = named
            .into_iter()
            .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        // The vendor's files write `pre_release` as well.
        named
            .map(|(name, value)| (name, value.replace("pre_release", "pre-release")))
            .collect()
    }
}
