//! From the bytes of one conversation to what is offered to the store, and from what it says to an answer. One by one
//! or in batches, conversations are accepted by these rules.

use std::sync::Arc;

use api::{Accepted, Problem};
use bytes::Bytes;
use domain::conversation::{Conversation, ConversationError};
use domain::{Code, ConversationId, Environment, EventId, ProjectName, RunId, Source, json};
use http::HeaderMap;
use store::{Acceptance, AcceptedRun, NewConversation, Scope};

use crate::app::Shared;
use crate::auth::Principal;
use crate::next;
use crate::params::Params;
use crate::place::{self, ENVIRONMENT, PROJECT};
use crate::problem::{
    ApiError, ApiResult, bad_field, draining, internal, queue_full, sentence, unknown_project,
};

/// From this size on, in bytes, parsing is left to threads that may block: it takes about a millisecond.
const PARSE_INLINE_MAX: usize = 64 * 1024;

/// What a source has to be, for errors.
const SOURCE: &str = "the name of a platform (lower-case letters, digits, '-' and '_')";

/// Where a request's conversations go.
#[derive(Clone)]
pub(crate) struct Way {
    shared: Arc<Shared>,
    principal: Principal,
    /// What `?project` says.
    named: Option<ProjectName>,
    /// That, or what holds where neither it nor the document says; or why nothing does.
    project: ApiResult<ProjectName>,
    /// What `?environment` says.
    environment: Option<Environment>,
    /// What `?source` says.
    source: Source,
}

/// A conversation that is ready to be offered, and what its answer needs once the store has taken it.
pub(crate) struct Offer {
    new: NewConversation,
    kept: Facts,
}

/// What remains of an [`Offer`].
struct Facts {
    external_id: String,
    project: ProjectName,
    environment: Environment,
    sent: Bytes,
}

/// What a conversation is answered with: 200 or 202, or the problem.
pub(crate) type Answer = Result<(u16, Accepted), ApiError>;

impl Way {
    pub async fn of(shared: Arc<Shared>, principal: Principal, params: &Params) -> ApiResult<Self> {
        params.only(&["project", "environment", "source"])?;
        if shared.drain.has_begun() {
            return Err(draining());
        }
        let environment = params.get("environment", ENVIRONMENT)?;
        let source = params.get("source", SOURCE)?.unwrap_or_else(Source::native);
        let named = params.get("project", PROJECT)?;
        let project = place::existing_project(named.clone(), &principal, &shared).await;
        if named.is_some() {
            project.clone()?;
        }
        Ok(Self {
            shared,
            principal,
            named,
            project,
            environment,
            source,
        })
    }

    /// Reads conversations, each on its own: one that is refused harms no other.
    pub async fn read(&self, documents: Vec<Bytes>) -> Vec<ApiResult<Offer>> {
        let mut offers = Vec::with_capacity(documents.len());
        for read in self.parse(documents).await {
            offers.push(match read {
                Ok((conversation, sent)) => self.offer(&conversation, sent).await,
                Err(refused) => Err(refused),
            });
        }
        offers
    }

    async fn parse(&self, documents: Vec<Bytes>) -> Vec<ApiResult<(Conversation, Bytes)>> {
        if documents.iter().map(Bytes::len).sum::<usize>() < PARSE_INLINE_MAX {
            return documents.into_iter().map(parse).collect();
        }
        let count = documents.len();
        let reading = tokio::task::spawn_blocking(move || documents.into_iter().map(parse).collect());
        match reading.await {
            Ok(offers) => offers,
            Err(failed) => (0..count).map(|_| Err(internal(&failed))).collect(),
        }
    }

    async fn offer(&self, conversation: &Conversation, sent: Bytes) -> ApiResult<Offer> {
        let project = self.project_of(conversation).await?;
        let environment = self.environment_of(conversation)?;
        self.principal.check_environment(environment)?;
        let external_id = conversation.id().to_owned();
        let numbers = [conversation.caller_number(), conversation.callee_number()];
        Ok(Offer {
            new: NewConversation {
                conversation: ConversationId::from_uuid(self.shared.new_id()),
                event: EventId::from_uuid(self.shared.new_id()),
                run: RunId::from_uuid(self.shared.new_id()),
                project: project.clone(),
                environment,
                source: self.source.clone(),
                external_id: external_id.clone(),
                numbers: numbers.into_iter().flatten().map(str::to_owned).collect(),
                content_hash: *conversation.content_hash().as_bytes(),
                document: sent.to_vec(),
            },
            kept: Facts {
                external_id,
                project,
                environment,
                sent,
            },
        })
    }

    /// The environment that the document names, which must not be another than the request does, else the request's.
    fn environment_of(&self, conversation: &Conversation) -> ApiResult<Environment> {
        match (conversation.environment(), self.environment) {
            (Some(said), Some(named)) if said != named => Err(bad_field(
                "/environment",
                said.as_str(),
                &format!("{named}, as the request says (?environment={named})"),
                "Name one environment, in the document or in the request.",
            )),
            (said, named) => Ok(said.or(named).unwrap_or(Environment::Sandbox)),
        }
    }

    /// The project that the document names, which must not be another than the request does, else the request's.
    async fn project_of(&self, conversation: &Conversation) -> ApiResult<ProjectName> {
        let Some(said) = conversation.project() else {
            return self.project.clone();
        };
        let project: ProjectName = said
            .parse()
            .map_err(|_| bad_field("/project", said, PROJECT, "Correct it, or leave it out."))?;
        match &self.named {
            Some(named) if *named == project => Ok(project),
            Some(named) => Err(bad_field(
                "/project",
                said,
                &format!("{named}, as the request says (?project={named})"),
                "Name one project, in the document or in the request.",
            )),
            None => {
                self.principal.check_project(&project)?;
                let Shared { projects, app, .. } = &*self.shared;
                if projects.exists(&project, &*app.store).await? {
                    Ok(project)
                } else {
                    Err(unknown_project(&project))
                }
            }
        }
    }

    /// Offers conversations to the store, in one commit for all, and says what became of each, in order.
    pub async fn accept(&self, offers: Vec<ApiResult<Offer>>) -> Vec<Answer> {
        let mut new = Vec::with_capacity(offers.len());
        let mut rest = Vec::with_capacity(offers.len());
        for offer in offers {
            rest.push(offer.map(|offer| {
                new.push(offer.new);
                offer.kept
            }));
        }
        let accepted = match new.is_empty() {
            true => Ok(Vec::new()),
            false => self.shared.app.store.accept(new, self.shared.now()).await,
        };
        if let Ok(acceptances) = &accepted
            && acceptances
                .iter()
                .any(|one| matches!(one, Acceptance::Accepted(run) if run.state.hold.is_none()))
        {
            self.shared.app.engine.wake();
        }
        let mut accepted = accepted.map(Vec::into_iter);
        let mut answers = Vec::with_capacity(rest.len());
        for facts in rest {
            answers.push(match (facts, &mut accepted) {
                (Err(problem), _) => Err(problem),
                (Ok(_), Err(error)) => Err(error.clone().into()),
                (Ok(facts), Ok(acceptances)) => match acceptances.next() {
                    Some(acceptance) => self.answer(acceptance, facts).await,
                    None => Err(internal(
                        &"the store answered fewer conversations than it was offered",
                    )),
                },
            });
        }
        answers
    }

    async fn answer(&self, acceptance: Acceptance, facts: Facts) -> Answer {
        match acceptance {
            Acceptance::Accepted(run) => Ok((202, self.accepted(run, facts, false))),
            Acceptance::Known(run) => Ok((200, self.accepted(run, facts, true))),
            Acceptance::Revised { kept, revision } => {
                let revised = Accepted {
                    revision: Some(revision),
                    ..self.accepted(kept, facts, true)
                };
                Ok((200, revised))
            }
            Acceptance::Conflict { kept, document } => {
                let may_read = self.principal.scope >= Scope::Operate;
                Err(conflict(kept, document, facts, may_read).await)
            }
            Acceptance::QueueFull => Err(queue_full()),
        }
    }

    fn accepted(&self, run: AcceptedRun, facts: Facts, known: bool) -> Accepted {
        Accepted {
            run_id: run.run,
            conversation_id: run.conversation,
            external_id: facts.external_id,
            status: (&run.state).into(),
            hold: run.state.hold,
            known,
            revision: None,
            detail: run
                .state
                .hold
                .map(|hold| next::held(hold, &facts.project, facts.environment)),
        }
    }
}

fn parse(sent: Bytes) -> ApiResult<(Conversation, Bytes)> {
    let conversation = Conversation::parse(&sent).map_err(refused)?;
    Ok((conversation, sent))
}

fn refused(error: ConversationError) -> ApiError {
    let code = error.code();
    let status = if code == Code::TooLarge { 413 } else { 400 };
    let problems = error.problems();
    let more = (problems.len() + error.omitted()).saturating_sub(1);
    let (detail, fix) = match problems.first() {
        Some(first) => {
            let place = if first.path.is_empty() {
                "The document"
            } else {
                &first.path
            };
            let more = match more {
                0 => String::new(),
                more => format!(" There are {more} more such places."),
            };
            (
                format!(
                    "{place}: found {}, expected {}.{more}",
                    first.found, first.expected
                ),
                sentence(&first.fix),
            )
        }
        None => (
            code.title().to_owned(),
            "Compare it with `aftercall schema conversation`.".to_owned(),
        ),
    };
    let mut problem = Problem::new(code, status, detail, fix);
    problem.errors = problems.into_iter().map(Into::into).collect();
    problem.into()
}

/// The answer to one conversation that was sent by itself.
pub(crate) async fn one(way: &Way, document: Bytes) -> Answer {
    let offers = way.read(vec![document]).await;
    way.accept(offers)
        .await
        .pop()
        .unwrap_or_else(|| Err(internal(&"one conversation, no answer")))
}

/// What differs from what is kept. Who may not read conversations (`may_read`) learns where, and not what is kept there:
/// otherwise guessing an id would read it.
async fn conflict(kept: AcceptedRun, document: Option<Vec<u8>>, facts: Facts, may_read: bool) -> ApiError {
    let sent = facts.sent;
    let comparing = move || -> Result<Vec<api::Difference>, ConversationError> {
        let Some(document) = document else {
            return Ok(Vec::new());
        };
        let (kept, sent) = (Conversation::parse(&document)?, Conversation::parse(&sent)?);
        Ok(json::diff(kept.document(), sent.document())
            .into_iter()
            .map(|difference| api::Difference {
                kept: difference.kept.filter(|_| may_read),
                path: difference.path,
                sent: difference.sent,
            })
            .collect())
    };
    let differences = match tokio::task::spawn_blocking(comparing).await {
        Ok(Ok(differences)) => differences,
        Ok(Err(unreadable)) => return internal(&unreadable),
        Err(failed) => return internal(&failed),
    };
    let mut problem = Problem::new(
        Code::ConversationConflict,
        409,
        format!(
            "Conversation {:?} was accepted before in {} with other content; what was kept then stays.",
            facts.external_id, facts.environment
        ),
        "Send another conversation under another id; what is kept is never replaced.",
    );
    problem.kept_run_id = Some(kept.run);
    problem.differences = differences;
    problem.into()
}

/// Whether a body may be one conversation or a batch, by what it says it is.
pub(crate) fn is_batch(headers: &HeaderMap) -> ApiResult<bool> {
    match crate::body::media_type(headers).as_str() {
        "application/json" => Ok(false),
        api::NDJSON | "application/ndjson" | "application/jsonl" => Ok(true),
        other => Err(crate::body::wrong_media_type(
            other,
            "application/json or application/x-ndjson",
        )),
    }
}
