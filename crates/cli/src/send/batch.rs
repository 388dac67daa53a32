//! Conversations on their way: many in one request, and again what the server did not take.

use std::collections::BTreeMap;
use std::time::Duration;

use api::LineAnswer;
use domain::Code;
use http::{Method, StatusCode};
use indicatif::ProgressBar;

use super::report::Line;
use crate::client::{Answer, Client, problem};
use crate::error::CliError;
use crate::input::Document;

/// Conversations of one request: enough that the server commits many at once, few enough that progress is seen.
const BATCH_LINES: usize = 256;
/// Bytes of one request.
const BATCH_BYTES: usize = 4 * 1024 * 1024;
/// The first wait after a broken connection; doubled with each further one.
const FIRST_WAIT: Duration = Duration::from_millis(250);
/// The longest such wait.
const LONGEST_WAIT: Duration = Duration::from_secs(10);

/// Conversations of one request.
#[derive(Debug, Default)]
pub(super) struct Batch {
    documents: Vec<Document>,
    bytes: usize,
}

impl Batch {
    pub(super) fn push(&mut self, document: Document) {
        self.bytes += document.text.len() + 1;
        self.documents.push(document);
    }

    pub(super) fn is_full(&self) -> bool {
        self.documents.len() >= BATCH_LINES || self.bytes >= BATCH_BYTES
    }

    pub(super) fn is_empty(&self) -> bool {
        self.documents.is_empty()
    }
}

/// Sends batches, and goes on while the server does not take them.
pub(super) struct Sender {
    client: Client,
    path: String,
    patience: Duration,
    /// The server has answered before: that it is silent now is likely to pass.
    has_answered: bool,
}

/// What one request came to.
struct Turn {
    /// Answers that stand, by the line's number from 0. The other lines are to be sent again.
    answers: BTreeMap<usize, LineAnswer>,
    /// After this long; if the server said so.
    wait: Option<Duration>,
    /// Why there are others.
    trouble: Box<CliError>,
}

impl Sender {
    pub(super) fn new(client: Client, path: String, patience: Duration) -> Self {
        Self {
            client,
            path,
            patience,
            has_answered: false,
        }
    }

    /// Sends a batch until every line of it has an answer that stands, and hands over each as it comes.
    pub(super) async fn send(
        &mut self,
        batch: Batch,
        bar: &ProgressBar,
        mut take: impl FnMut(Line) -> Result<(), Box<CliError>>,
    ) -> Result<(), Box<CliError>> {
        let mut open = batch.documents;
        let mut waited = Duration::ZERO;
        let mut next_wait = FIRST_WAIT;
        loop {
            let turn = self.request(&open).await?;
            let mut left = Vec::new();
            for (position, document) in open.into_iter().enumerate() {
                match turn.answers.get(&position) {
                    Some(answer) => take(Line::new(&document, answer))?,
                    None => left.push(document),
                }
            }
            open = left;
            if open.is_empty() {
                return Ok(());
            }
            if !turn.answers.is_empty() {
                (waited, next_wait) = (Duration::ZERO, FIRST_WAIT);
            }
            let wait = turn.wait.unwrap_or(next_wait);
            next_wait = (next_wait * 2).min(LONGEST_WAIT);
            if waited + wait > self.patience {
                return Err(self.out_of_patience(&turn.trouble));
            }
            waited += wait;
            bar.set_message(format!("waiting: {}", turn.trouble));
            tokio::time::sleep(wait).await;
            bar.set_message("");
        }
    }

    async fn request(&mut self, documents: &[Document]) -> Result<Turn, Box<CliError>> {
        let body = body(documents);
        let answer = match self
            .client
            .send(Method::POST, &self.path, Some(api::NDJSON), body.into())
            .await
        {
            Ok(answer) => answer,
            // A server that was never there is a wrong address, not an outage.
            Err(trouble) if self.has_answered => {
                return Ok(Turn {
                    answers: BTreeMap::new(),
                    wait: None,
                    trouble,
                });
            }
            Err(error) => return Err(error),
        };
        self.has_answered = true;
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::REQUEST_TIMEOUT => Ok(Turn {
                answers: BTreeMap::new(),
                wait: Some(answer.retry_after()),
                trouble: problem(&answer),
            }),
            status if status.is_success() => read(&answer),
            _ => Err(problem(&answer)),
        }
    }

    fn out_of_patience(&self, trouble: &CliError) -> Box<CliError> {
        CliError::fault(
            trouble.code,
            format!(
                "the server has taken nothing for {} s: {trouble}",
                self.patience.as_secs()
            ),
            "look at `aftercall status`, then send again: what was accepted is not run twice, and --report with --resume leaves it out",
        )
    }
}

fn body(documents: &[Document]) -> Vec<u8> {
    let mut body = Vec::new();
    for document in documents {
        body.extend_from_slice(&document.text);
        body.push(b'\n');
    }
    body
}

/// Takes the answers that stand; lines for which there was no room (503) or no time (408), or that were not answered at
/// all since the stream broke off, are to be sent again.
fn read(answer: &Answer) -> Result<Turn, Box<CliError>> {
    let mut answers = BTreeMap::new();
    let mut trouble = None;
    for text in answer
        .body
        .split(|byte| *byte == b'\n')
        .filter(|text| !text.is_empty())
    {
        let line: LineAnswer = serde_json::from_slice(text).map_err(|error| {
            CliError::fault(
                Code::ServerUnreachable,
                format!("the server's answer to a line cannot be read: {error}"),
                "compare `aftercall version` here and there: the two may be too far apart",
            )
        })?;
        let came_to_nothing = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::REQUEST_TIMEOUT];
        if came_to_nothing
            .iter()
            .any(|status| line.status == status.as_u16())
        {
            trouble = line
                .problem
                .map(|problem| CliError::fault(problem.code, problem.detail, problem.fix));
        } else {
            let position = usize::try_from(line.line.saturating_sub(1)).unwrap_or(usize::MAX);
            answers.insert(position, line);
        }
    }
    let broke_off = || {
        CliError::fault(
            Code::ServerUnreachable,
            "the server's answer broke off",
            "look at the server's log",
        )
    };
    Ok(Turn {
        answers,
        wait: Some(answer.retry_after()),
        trouble: trouble.unwrap_or_else(broke_off),
    })
}
