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

    fn body(documents: &[&Document]) -> Vec<u8> {
        let mut body = Vec::new();
        for document in documents {
            body.extend_from_slice(&document.text);
            body.push(b'\n');
        }
        body
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
enum Turn {
    /// Answers to some of its lines, by number from 0, and how long to wait before the others are sent again.
    Answered(BTreeMap<usize, LineAnswer>, Duration),
    /// None.
    Silent(Box<CliError>),
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

    /// Sends a batch until every line of it has an answer that stands. Answers in order.
    pub(super) async fn send(&mut self, batch: Batch, bar: &ProgressBar) -> Result<Vec<Line>, Box<CliError>> {
        let documents = batch.documents;
        let mut lines: Vec<Option<Line>> = documents.iter().map(|_| None).collect();
        let mut waited = Duration::ZERO;
        let mut next_wait = FIRST_WAIT;
        loop {
            let open: Vec<usize> = (0..documents.len())
                .filter(|index| lines[*index].is_none())
                .collect();
            if open.is_empty() {
                return Ok(lines.into_iter().flatten().collect());
            }
            let sent: Vec<&Document> = open.iter().map(|index| &documents[*index]).collect();
            let (wait, error) = match self.request(&sent).await? {
                Turn::Answered(answers, wait) => {
                    if !answers.is_empty() {
                        (waited, next_wait) = (Duration::ZERO, FIRST_WAIT);
                    }
                    for (position, answer) in answers {
                        if let Some(index) = open.get(position) {
                            lines[*index] = Some(Line::new(&documents[*index], &answer));
                        }
                    }
                    (wait, None)
                }
                Turn::Silent(error) => {
                    let wait = next_wait;
                    next_wait = (next_wait * 2).min(LONGEST_WAIT);
                    (wait, Some(error))
                }
            };
            if lines.iter().all(Option::is_some) {
                continue;
            }
            if waited + wait > self.patience {
                return Err(error.unwrap_or_else(|| self.out_of_patience()));
            }
            waited += wait;
            bar.set_message(match error {
                Some(_) => "the server does not answer; trying again".to_owned(),
                None => format!("the server takes nothing for now; waiting {} s", wait.as_secs()),
            });
            tokio::time::sleep(wait).await;
            bar.set_message("");
        }
    }

    async fn request(&mut self, documents: &[&Document]) -> Result<Turn, Box<CliError>> {
        let body = Batch::body(documents);
        let answer = match self
            .client
            .send(Method::POST, &self.path, Some(api::NDJSON), body.into())
            .await
        {
            Ok(answer) => answer,
            // A server that was never there is a wrong address, not an outage.
            Err(error) if self.has_answered => return Ok(Turn::Silent(error)),
            Err(error) => return Err(error),
        };
        self.has_answered = true;
        match answer.status {
            StatusCode::SERVICE_UNAVAILABLE => Ok(Turn::Answered(BTreeMap::new(), answer.retry_after())),
            status if status.is_success() => read(&answer),
            _ => Err(problem(&answer)),
        }
    }

    fn out_of_patience(&self) -> Box<CliError> {
        CliError::fault(
            Code::QueueFull,
            format!("the server has taken nothing for {} s", self.patience.as_secs()),
            "look at `aftercall status`, then send again: what was accepted is not run twice (--report and --resume leave it out)",
        )
    }
}

/// Takes the answers that stand; lines answered 503, or not at all since the stream broke off, are to be sent again.
fn read(answer: &Answer) -> Result<Turn, Box<CliError>> {
    let mut answers = BTreeMap::new();
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
        let position = usize::try_from(line.line.saturating_sub(1)).unwrap_or(usize::MAX);
        if line.status != StatusCode::SERVICE_UNAVAILABLE.as_u16() {
            answers.insert(position, line);
        }
    }
    Ok(Turn::Answered(answers, answer.retry_after()))
}
