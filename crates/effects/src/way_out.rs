//! What sends one request once.

use async_trait::async_trait;
use domain::effect::{Answer, Request, Trouble};
use domain::{Environment, ProjectName, Timestamp};
use gateway::request::Demands;

use crate::request::TimeOuts;
use crate::room::Room;
use crate::wants::Wanted;

/// What carries one request out once: the network, or what stands for it.
#[async_trait]
pub trait WayOut: Send + Sync + 'static {
    /// Sends it, and waits for the whole answer.
    async fn send(&self, sending: Sending<'_>) -> Sent;

    /// Waits for what is to be known of hosts by whoever lets runs go on that wait for them. To be asked for by one alone; for who knows
    /// of no hosts it never comes.
    async fn news(&self) -> News {
        std::future::pending().await
    }
}

/// What is to be known of a host: its name, with its port where that is not the scheme's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// It was out, and takes requests again.
    Recovered {
        /// Which.
        host: String,
    },
    /// It is out, and a run was begun in vain that had waited for it.
    Out {
        /// Whose requests.
        project: ProjectName,
        /// From where.
        environment: Environment,
        /// Which.
        host: String,
    },
}

/// One sending of a request.
pub struct Sending<'a> {
    /// Whose.
    pub project: &'a ProjectName,
    /// Where.
    pub environment: Environment,
    /// What.
    pub request: &'a Request,
    /// How long its parts may take.
    pub time_outs: TimeOuts,
    /// What the code says of the connection.
    pub demands: &'a Demands,
    /// It changes something: it takes no connection that may have gone stale.
    pub is_write: bool,
    /// Whether anybody still wants it: while it has not left it may have to stay, and what the code has given up is broken off.
    pub wanted: &'a Wanted,
    /// How much of the answer may be recorded: what finds no room is `too_large`.
    pub room: &'a Room,
}

/// The rest of an answer that comes piece by piece.
#[async_trait]
pub trait Rest: std::fmt::Debug + Send {
    /// The next piece; `None` at its end. After an error nothing comes.
    async fn next(&mut self) -> Option<Result<Vec<u8>, (Trouble, String)>>;
}

/// What one sending came to.
#[derive(Debug)]
pub enum Sent {
    /// A whole answer.
    Answered {
        /// Its head.
        answer: Answer,
        /// Its body, as sent.
        body: Vec<u8>,
    },
    /// The head of one whose body comes piece by piece, for a long time perhaps.
    Streaming {
        /// Its head.
        answer: Answer,
        /// What follows.
        rest: Box<dyn Rest>,
    },
    /// One that broke off.
    Broken {
        /// Its head.
        answer: Answer,
        /// What came of its body.
        body: Vec<u8>,
        /// Why no more did.
        trouble: Trouble,
        /// The same for a person.
        message: String,
    },
    /// None.
    Failed {
        /// Why.
        trouble: Trouble,
        /// The same for a person.
        message: String,
    },
    /// It was not let out: the host is out, or paused.
    NotAdmitted {
        /// When to ask again, where that is known.
        until: Option<Timestamp>,
        /// An operator has stopped it.
        paused: bool,
        /// Why, for a person.
        message: String,
    },
}

impl Sent {
    /// What a sending comes to that nobody wanted any more before it could leave.
    #[must_use]
    pub fn stayed() -> Self {
        Self::NotAdmitted {
            until: None,
            paused: false,
            message: "nobody wanted it any more before it could leave".to_owned(),
        }
    }
}

/// Sends nothing: where there is no network to be had.
pub struct NoWayOut;

#[async_trait]
impl WayOut for NoWayOut {
    async fn send(&self, sending: Sending<'_>) -> Sent {
        Sent::Failed {
            trouble: Trouble::Forbidden,
            message: format!("{}: nothing is sent from here", sending.request.host()),
        }
    }
}
