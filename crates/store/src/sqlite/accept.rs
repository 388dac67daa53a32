//! Accepting conversations: event, conversation, revision and run of each, or what was there before.

use domain::run::{Hold, RunState};
use domain::{ConversationId, Environment, ProjectName, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

use super::columns::{RunRow, micros};
use super::failure::Failure;
use super::job::{Batch, Write};
use super::lanes::Lane;
use super::revisions;
use super::seal::{FIRST_REVISION, SealedConversation};
use crate::{AcceptedRun, StoreError};

/// Conversations to be accepted at one time, in one commit.
pub(super) struct Accept {
    pub conversations: Vec<SealedConversation>,
    pub now: Timestamp,
}

/// What became of one; [`crate::Acceptance`] but for the document of a conflict, which the caller reads.
pub(super) enum Outcome {
    Accepted(AcceptedRun),
    Known(AcceptedRun),
    Conflict(AcceptedRun),
    QueueFull,
}

impl Write for Accept {
    type Answer = Vec<Outcome>;
    const LANE: Lane = Lane::Accept;
    const FAIL_POINTS: Option<[&'static str; 2]> =
        Some(["store.accept.before_commit", "store.accept.after_commit"]);

    fn rows(&self) -> usize {
        self.conversations.len()
    }

    fn carry_out(&self, batch: &mut Batch<'_>) -> Result<Vec<Outcome>, Failure> {
        self.conversations
            .iter()
            .map(|one| accept(one, self.now, batch))
            .collect()
    }
}

fn accept(sealed: &SealedConversation, now: Timestamp, batch: &mut Batch<'_>) -> Result<Outcome, Failure> {
    if let Some(conversation) = known(batch.connection, sealed)? {
        let run = RunRow::of_conversation(batch.connection, conversation)?
            .map(accepted)
            .ok_or_else(|| StoreError::Failed(format!("conversation {conversation} has no run")))?;
        let was_there = revisions::has_content(batch.connection, conversation, &sealed.content_hash)?;
        return Ok(if was_there {
            Outcome::Known(run)
        } else {
            Outcome::Conflict(run)
        });
    }
    if batch.counts.unfinished() >= batch.queue_limit {
        return Ok(Outcome::QueueFull);
    }
    insert_conversation(batch.connection, sealed, now)?;
    let new = &sealed.new;
    let hold = match is_active(batch.connection, &new.project, new.environment)? {
        true => None,
        false => Some(Hold::NoActiveDeployment),
    };
    let run = RunRow {
        run: new.run,
        conversation: new.conversation,
        project: new.project.clone(),
        environment: new.environment,
        accepted_at: now,
        changed_at: now,
        state: RunState::accepted(now, hold),
    };
    run.insert(batch.connection)?;
    batch.counts.moved(None, &run.state);
    batch.keys.push((new.conversation, sealed.wrapped_key.clone()));
    Ok(Outcome::Accepted(accepted(run)))
}

fn accepted(row: RunRow) -> AcceptedRun {
    AcceptedRun {
        run: row.run,
        conversation: row.conversation,
        state: row.state,
    }
}

/// The conversation of this identity.
fn known(connection: &Connection, sealed: &SealedConversation) -> rusqlite::Result<Option<ConversationId>> {
    connection
        .prepare_cached(
            "SELECT conversation_id FROM conversation \
             WHERE external_id_hash = ?1 AND project = ?2 AND environment = ?3 AND source = ?4",
        )?
        .query_row(
            params![
                sealed.external_id_hash,
                sealed.new.project.as_str(),
                sealed.new.environment.as_str(),
                sealed.new.source.as_str(),
            ],
            |row| Ok(ConversationId::from_bytes(row.get(0)?)),
        )
        .optional()
}

fn is_active(
    connection: &Connection,
    project: &ProjectName,
    environment: Environment,
) -> rusqlite::Result<bool> {
    connection
        .prepare_cached("SELECT 1 FROM activation WHERE project = ?1 AND environment = ?2")?
        .exists(params![project.as_str(), environment.as_str()])
}

fn insert_conversation(
    connection: &Connection,
    sealed: &SealedConversation,
    now: Timestamp,
) -> rusqlite::Result<()> {
    let new = &sealed.new;
    let (id, project, environment, source) = (
        new.conversation.as_bytes(),
        new.project.as_str(),
        new.environment.as_str(),
        new.source.as_str(),
    );
    connection
        .prepare_cached(
            "INSERT INTO conversation (conversation_id, project, environment, source, external_id_hash, external_id, \
             accepted_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            project,
            environment,
            source,
            sealed.external_id_hash,
            sealed.external_id,
            micros(now)
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO event (conversation_id, event_id, project, environment, source, revision, received_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?
        .execute(params![
            id,
            new.event.as_bytes(),
            project,
            environment,
            source,
            FIRST_REVISION,
            micros(now)
        ])?;
    connection
        .prepare_cached(
            "INSERT INTO revision (conversation_id, number, content_hash, document) VALUES (?1, ?2, ?3, ?4)",
        )?
        .execute(params![id, FIRST_REVISION, sealed.content_hash, sealed.document])?;
    revisions::insert_numbers(connection, new.conversation, &sealed.number_hashes)
}
