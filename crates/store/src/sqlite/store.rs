//! The promise, kept: what of each call happens before the queue, in the writer, and after the commit.

use async_trait::async_trait;
use domain::effect::Record;
use domain::run::{Event, Policy};
use domain::{
    AttemptEnd, AttemptReport, ConversationId, DeploymentId, Environment, Epoch, Incarnation, KeyId,
    ProjectName, RunId, Timestamp,
};

use super::accept::{Accept, Outcome};
use super::api_keys::{self, PutApiKey, RevokeApiKey};
use super::apply::{Apply, ApplyAsked};
use super::cancelled::KeepCancelled;
use super::claim::ClaimDue;
use super::columns::stored;
use super::deployments::{self, Activate, FreeHeld, PutDeployment};
use super::job::Write;
use super::journal::{self, AddRecords};
use super::pauses::{self, SetPause};
use super::seal::{SealedConversation, SealedReport};
use super::{SqliteStore, conversations, listing, read, revisions};
use crate::{
    Acceptance, Activation, ApiKeyRecord, Applied, Claim, ClaimedRun, ConversationRecord, Decided,
    DeploymentRecord, Meant, NewConversation, Orphan, Page, PauseScope, RunDetail, RunFilter, RunSummary,
    Store, StoreError, StoreHealth, Waiting,
};

/// Conversations that are accepted at one time at most: they all go into one commit.
pub const ACCEPT_MAX: usize = 1_000;
/// Runs that are claimed at one time at most, likewise.
pub const CLAIM_MAX: u32 = 1_000;
/// What is sealed on the caller's own thread; more than this takes so long that other tasks would wait. Bytes.
pub(super) const SEALED_AT_ONCE: usize = 64 * 1024;

#[async_trait]
impl Store for SqliteStore {
    async fn accept(&self, new: Vec<NewConversation>, now: Timestamp) -> Result<Vec<Acceptance>, StoreError> {
        if self.shared.read_only() {
            return Err(StoreError::ReadOnly);
        }
        if new.len() > ACCEPT_MAX {
            let message = format!("{} conversations at a time are more than {ACCEPT_MAX}", new.len());
            return Err(StoreError::Failed(message));
        }
        let bytes = new.iter().map(|one| one.document.len()).sum();
        // Sealed under the key of another conversation they would be of no use.
        let later: Vec<_> = new
            .iter()
            .map(|one| (!one.source.is_native()).then(|| one.clone()))
            .collect();
        // Before sealing, so that what is sealed and waits has a limit.
        let room = self.lanes.room(Accept::LANE, bytes).await?;
        let conversations = self.seal(new, bytes).await?;
        let request = Accept {
            conversations,
            now: stored(now),
        };
        let mut answers = Vec::new();
        for (outcome, later) in self.write_in(room, request).await?.into_iter().zip(later) {
            answers.push(match outcome {
                Outcome::Accepted(run) => Acceptance::Accepted(run),
                Outcome::Known(run) => Acceptance::Known(run),
                Outcome::QueueFull => Acceptance::QueueFull,
                Outcome::Conflict(kept) => match later {
                    Some(later) => self.revise(kept, later, stored(now)).await?,
                    None => self.conflict(kept).await?,
                },
            });
        }
        Ok(answers)
    }

    async fn claim(
        &self,
        claim: Claim,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Vec<ClaimedRun>, StoreError> {
        let now = stored(now);
        self.give_back(policy, now).await?;
        let request = ClaimDue {
            claim: Claim {
                limit: claim.limit.min(CLAIM_MAX),
                ..claim
            },
            policy: policy.clone(),
            now,
        };
        let claimed = self.write(request, 0).await?;
        Ok(self.with_documents(claimed, policy, now).await)
    }

    async fn apply(
        &self,
        run: RunId,
        event: Event,
        report: Option<AttemptReport>,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<Applied, StoreError> {
        self.key_ring.forget(run);
        let report = match report {
            Some(report) => Some(self.seal_report(run, report).await?),
            None => None,
        };
        let bytes = report.as_ref().map_or(0, SealedReport::bytes);
        // Recovery may have very many, and has time: nobody waits for an attempt that a dead boot had.
        let is_completion = event.epoch().is_some() && !matches!(event, Event::Interrupted { .. });
        let request = Apply {
            run,
            event,
            report,
            policy: policy.clone(),
            now: stored(now),
        };
        let applied = if is_completion {
            self.write(request, bytes).await?
        } else {
            self.write(ApplyAsked(request), bytes).await?
        };
        // A person may have cancelled it.
        self.stranded.forget(run);
        Ok(applied)
    }

    async fn decide(&self, decided: Decided, policy: &Policy, now: Timestamp) -> Result<Applied, StoreError> {
        self.write_decision(decided, policy, stored(now)).await
    }

    async fn keep_cancelled(
        &self,
        run: RunId,
        epoch: Epoch,
        report: AttemptReport,
    ) -> Result<(), StoreError> {
        // As one that was cancelled: else what it would have left were sealed too.
        let report = AttemptReport {
            end: AttemptEnd::Cancelled,
            ..report
        };
        let report = self.seal_report(run, report).await?;
        let bytes = report.bytes();
        self.write(KeepCancelled { run, epoch, report }, bytes).await
    }

    async fn strand(&self, run: RunId, why: StoreError, now: Timestamp) {
        let of = self
            .readers
            .read(move |reader| read::whose(&reader.main, run))
            .await;
        self.stranded.note(run, of.ok(), &why, now);
    }

    async fn record(
        &self,
        run: RunId,
        epoch: Epoch,
        first: u32,
        records: Vec<Record>,
    ) -> Result<(), StoreError> {
        let bytes: usize = records.iter().map(|record| record.body.len()).sum();
        let intends = records.iter().any(Record::is_intent);
        let Some(records) = self.seal_records(run, first, records, bytes).await? else {
            return Ok(()); // erased: what it did is not to be written down any more
        };
        if intends {
            let request: AddRecords<true> = AddRecords {
                run,
                epoch,
                first,
                records,
            };
            self.write(request, bytes).await
        } else {
            let request: AddRecords<false> = AddRecords {
                run,
                epoch,
                first,
                records,
            };
            self.write(request, bytes).await
        }
    }

    async fn journal(&self, run: RunId) -> Result<Vec<Record>, StoreError> {
        self.readers
            .read(move |reader| journal::journal(reader, run))
            .await
    }

    async fn set_pause(&self, scope: PauseScope, paused: bool, now: Timestamp) -> Result<bool, StoreError> {
        self.write(SetPause { scope, paused, now }, 0).await
    }

    async fn pauses(&self) -> Result<Vec<(PauseScope, Timestamp)>, StoreError> {
        self.readers.read(|reader| pauses::all(&reader.main)).await
    }

    async fn waiting(&self) -> Result<Vec<Waiting>, StoreError> {
        self.readers.read(|reader| pauses::waiting(&reader.main)).await
    }

    async fn admit_waiting(
        &self,
        meant: Meant,
        apart: std::time::Duration,
        policy: &Policy,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.admit_all(&meant, apart, policy, stored(now)).await
    }

    async fn spread_waiting(
        &self,
        project: &ProjectName,
        environment: Environment,
        host: &str,
        first: Timestamp,
        apart: std::time::Duration,
        now: Timestamp,
    ) -> Result<u64, StoreError> {
        self.spread_due(project, environment, host, stored(first), apart, stored(now))
            .await
    }

    async fn orphans(&self, incarnation: Incarnation, limit: u32) -> Result<Vec<Orphan>, StoreError> {
        self.readers
            .read(move |reader| read::orphans(&reader.main, incarnation, limit))
            .await
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, StoreError> {
        self.readers.read(|reader| read::next_due(&reader.main)).await
    }

    async fn put_deployment(&self, deployment: DeploymentRecord) -> Result<(), StoreError> {
        self.write(PutDeployment(deployment), 0).await
    }

    async fn deployment(&self, id: DeploymentId) -> Result<Option<DeploymentRecord>, StoreError> {
        self.readers
            .read(move |reader| deployments::deployment(&reader.main, id))
            .await
    }

    async fn deployments(
        &self,
        project: &ProjectName,
    ) -> Result<Vec<(DeploymentRecord, Vec<Environment>)>, StoreError> {
        let project = project.clone();
        self.readers
            .read(move |reader| deployments::deployments(&reader.main, &project))
            .await
    }

    async fn activate(&self, activation: Activation, policy: &Policy) -> Result<u64, StoreError> {
        self.write(Activate(activation.clone()), 0).await?;
        let mut freed = 0;
        loop {
            let request = FreeHeld {
                activation: activation.clone(),
                policy: policy.clone(),
            };
            match self.write(request, 0).await? {
                0 => return Ok(freed),
                some => freed += some,
            }
        }
    }

    async fn active(
        &self,
        project: &ProjectName,
        environment: Environment,
    ) -> Result<Option<DeploymentId>, StoreError> {
        let project = project.clone();
        self.readers
            .read(move |reader| deployments::active(&reader.main, &project, environment))
            .await
    }

    async fn projects(&self) -> Result<Vec<ProjectName>, StoreError> {
        self.readers
            .read(|reader| deployments::projects(&reader.main))
            .await
    }

    async fn put_api_key(&self, key: ApiKeyRecord) -> Result<(), StoreError> {
        self.write(PutApiKey(key), 0).await
    }

    async fn api_key(&self, secret_hash: [u8; 32]) -> Result<Option<ApiKeyRecord>, StoreError> {
        self.readers
            .read(move |reader| api_keys::by_hash(&reader.main, secret_hash))
            .await
    }

    async fn api_keys(&self) -> Result<Vec<ApiKeyRecord>, StoreError> {
        self.readers.read(|reader| api_keys::all(&reader.main)).await
    }

    async fn revoke_api_key(&self, id: KeyId, now: Timestamp) -> Result<bool, StoreError> {
        self.write(RevokeApiKey { id, now }, 0).await
    }

    async fn runs(&self, filter: RunFilter) -> Result<Page<RunSummary>, StoreError> {
        self.readers
            .read(move |reader| listing::runs(reader, &filter))
            .await
    }

    async fn run(&self, id: RunId) -> Result<Option<RunDetail>, StoreError> {
        self.readers.read(move |reader| read::run(reader, id)).await
    }

    async fn conversations(&self, external_id: &str) -> Result<Vec<ConversationRecord>, StoreError> {
        let external_id = external_id.to_owned();
        self.readers
            .read(move |reader| conversations::conversations(reader, &external_id))
            .await
    }

    async fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRecord>, StoreError> {
        self.readers
            .read(move |reader| conversations::conversation(reader, id))
            .await
    }

    async fn revision(&self, id: ConversationId, number: u32) -> Result<Option<Vec<u8>>, StoreError> {
        self.readers
            .read(move |reader| revisions::revision(reader, id, number))
            .await
    }

    async fn health(&self) -> Result<StoreHealth, StoreError> {
        let counts = self.shared.counts();
        Ok(StoreHealth {
            read_only: self.shared.read_only(),
            runs: counts.by_word(),
            unfinished: counts.unfinished(),
            queue_limit: self.queue_limit,
            commits: self.shared.commits(),
            stranded: self.stranded.told(),
        })
    }

    async fn close(&self) {
        if let Some(held) = self.stop() {
            // If the runtime is going away, dropping the store does the same.
            let _ = tokio::task::spawn_blocking(|| held.end()).await;
        }
    }
}

impl SqliteStore {
    async fn seal(
        &self,
        new: Vec<NewConversation>,
        bytes: usize,
    ) -> Result<Vec<SealedConversation>, StoreError> {
        let sealer = std::sync::Arc::clone(&self.sealer);
        let seal = move || new.into_iter().map(|one| sealer.conversation(one)).collect();
        if bytes <= SEALED_AT_ONCE {
            return seal();
        }
        tokio::task::spawn_blocking(seal)
            .await
            .map_err(|error| StoreError::Failed(format!("sealing did not end: {error}")))?
    }

    async fn seal_report(&self, run: RunId, report: AttemptReport) -> Result<SealedReport, StoreError> {
        let seal = move |reader: &mut super::readers::Reader| match reader
            .key(read::conversation_of(reader, run)?)?
        {
            Some(key) => reader.sealer.report(&key, run, report),
            None => Ok(SealedReport::of_erased(report)),
        };
        self.readers.read(seal).await
    }
}

impl SealedReport {
    /// What it takes in the queue, roughly.
    fn bytes(&self) -> usize {
        let sealed = [&self.failure, &self.logs, &self.state].into_iter().flatten();
        let metrics = self
            .metrics
            .iter()
            .map(|metric| metric.value.as_ref().map_or(0, Vec::len));
        let actions = self.actions.iter().map(|action| action.content.len());
        sealed.map(Vec::len).chain(metrics).chain(actions).sum()
    }
}
