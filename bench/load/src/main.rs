//! Hands finished conversations to a server over HTTP and tells how that went, as one line of JSON.
//!
//! One thread, so that its own share of the machine stays small and can be told: `cpu_s`.
#![allow(clippy::print_stdout, reason = "a program's one line of output")]
#![allow(clippy::disallowed_methods, reason = "real time is what is measured here")]

mod arrivals;
mod batch;
mod connection;
mod document;
mod requests;
mod told;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};

use crate::document::Document;

#[derive(Parser)]
struct Arguments {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    way: Way,
}

/// Where the conversations go, and what they are.
#[derive(Args)]
struct Target {
    /// The server: HOST:PORT.
    #[arg(long)]
    address: SocketAddr,
    /// The path with its query.
    #[arg(long)]
    path: String,
    /// The API key, if one is needed.
    #[arg(long, env = "AFTERCALL_KEY", hide_env_values = true)]
    key: Option<String>,
    /// A JSON document in which `@ID@` stands for the conversation's id.
    #[arg(long)]
    document: PathBuf,
    /// What each id begins with; a number follows.
    #[arg(long)]
    prefix: String,
    /// How many conversations.
    #[arg(long)]
    count: u64,
}

#[derive(Subcommand)]
enum Way {
    /// Every connection sends one after the other, as fast as it is answered.
    Closed {
        #[arg(long, default_value_t = 64)]
        connections: u64,
    },
    /// They arrive at random moments, whatever the answers do; an answer's time counts from the moment that was due.
    Open {
        /// A second.
        #[arg(long)]
        rate: f64,
        #[arg(long, default_value_t = 64)]
        connections: u64,
        /// The same seed gives the same moments.
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// All in one request, one a line.
    Batch,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let Arguments { target, way } = Arguments::parse();
    let document = Document::read(&target.document, &target.prefix)
        .with_context(|| format!("{} is of no use", target.document.display()))?;
    let told = match way {
        Way::Closed { connections } => requests::send(&target, &document, connections, None).await?,
        Way::Open {
            rate,
            connections,
            seed,
        } => {
            let due = arrivals::moments(rate, target.count, seed);
            requests::send(&target, &document, connections, Some(due)).await?
        }
        Way::Batch => batch::send(&target, &document).await?,
    };
    println!("{}", serde_json::to_string(&told)?);
    Ok(())
}
