//! What is sealed. All of it happens on the callers' side of the queue, so that the writer only moves bytes.

use std::sync::Arc;

use crypto::{DataKey, Entropy, KeyedHash, MasterKey};
use domain::effect::Record;
use domain::{
    Action, AttemptEnd, AttemptNumber, AttemptReport, ConversationId, ErrorDocument, EventId, Metric,
    ResourceUse, RunId, Timestamp, json,
};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::place::Place;
use crate::{NewConversation, StoreError};

/// The number of a conversation's first document.
pub(super) const FIRST_REVISION: u32 = 1;

/// Seals, opens and hashes for one folder.
pub(super) struct Sealer {
    master: MasterKey,
    entropy: Arc<dyn Entropy>,
    external_ids: KeyedHash,
    numbers: KeyedHash,
    contents: KeyedHash,
    actions: KeyedHash,
}

/// A new conversation, ready to be written.
pub(super) struct SealedConversation {
    /// Without document, external id and numbers, which stand sealed or hashed beside it.
    pub new: NewConversation,
    pub wrapped_key: Vec<u8>,
    pub external_id_hash: [u8; 32],
    pub external_id: Vec<u8>,
    pub number_hashes: Vec<[u8; 32]>,
    pub content_hash: [u8; 32],
    pub document: Vec<u8>,
}

/// What came later of a conversation, ready to be written.
pub(super) struct SealedRevision {
    pub conversation: ConversationId,
    pub number: u32,
    pub event: EventId,
    pub number_hashes: Vec<[u8; 32]>,
    pub content_hash: [u8; 32],
    pub document: Vec<u8>,
}

/// What an attempt left, ready to be written.
pub(super) struct SealedReport {
    pub number: AttemptNumber,
    /// Without words: those are in `failure`.
    pub end: AttemptEnd,
    pub failure: Option<Vec<u8>>,
    pub function_started_at: Option<Timestamp>,
    pub ended_at: Timestamp,
    pub usage: ResourceUse,
    pub confinement: String,
    pub logs: Option<Vec<u8>>,
    pub metrics: Vec<SealedMetric>,
    pub actions: Vec<SealedAction>,
    pub state: Option<Vec<u8>>,
}

/// An action, and by what it is known should a retry ask for the same.
pub(super) struct SealedAction {
    pub content: Vec<u8>,
    pub fingerprint: [u8; 32],
}

/// A metric: its number in clear where it is one; its exact value sealed where the number does not say it.
pub(super) struct SealedMetric {
    pub name: String,
    pub number: Option<ClearNumber>,
    pub value: Option<Vec<u8>>,
}

/// A number as SQLite keeps them.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum ClearNumber {
    Integer(i64),
    Real(f64),
}

/// What a failed attempt says in words, which may quote the conversation.
#[derive(Serialize, Deserialize)]
pub(super) struct Words {
    pub message: String,
    pub error: Option<ErrorDocument>,
}

impl Sealer {
    pub fn new(master: MasterKey, entropy: Arc<dyn Entropy>) -> Self {
        Self {
            external_ids: master.keyed_hash("external_id"),
            numbers: master.keyed_hash("number"),
            contents: master.keyed_hash("content"),
            actions: master.keyed_hash("action"),
            master,
            entropy,
        }
    }

    pub fn external_id_hash(&self, external_id: &str) -> [u8; 32] {
        self.external_ids.hash(external_id.as_bytes())
    }

    pub fn number_hash(&self, number: &str) -> [u8; 32] {
        self.numbers.hash(number.as_bytes())
    }

    /// A key, and everything of the conversation sealed under it.
    pub fn conversation(&self, mut new: NewConversation) -> Result<SealedConversation, StoreError> {
        let number_hashes = self.number_hashes(&new.numbers);
        let entropy = &*self.entropy;
        let key = DataKey::generate(entropy).map_err(unsealed)?;
        let id = new.conversation;
        let (external_id, document) = (
            std::mem::take(&mut new.external_id),
            std::mem::take(&mut new.document),
        );
        new.numbers.clear();
        Ok(SealedConversation {
            wrapped_key: key
                .wrap(&self.master, Place::key(id).aad(), entropy)
                .map_err(unsealed)?,
            external_id_hash: self.external_id_hash(&external_id),
            external_id: self.seal(&key, &Place::external_id(id), external_id.as_bytes())?,
            number_hashes,
            content_hash: self.content_hash(&new),
            document: self.seal(&key, &Place::document(id, FIRST_REVISION), &document)?,
            new,
        })
    }

    /// Keyed as well: who guesses a short document could else compare.
    fn content_hash(&self, new: &NewConversation) -> [u8; 32] {
        self.contents.hash(&new.content_hash)
    }

    fn number_hashes(&self, numbers: &[String]) -> Vec<[u8; 32]> {
        let mut hashes: Vec<_> = numbers.iter().map(|number| self.number_hash(number)).collect();
        // Both ends may have the same number.
        hashes.sort_unstable();
        hashes.dedup();
        hashes
    }

    /// What came later of a conversation that has this key.
    pub fn revision(
        &self,
        key: &DataKey,
        conversation: ConversationId,
        number: u32,
        new: &NewConversation,
    ) -> Result<SealedRevision, StoreError> {
        Ok(SealedRevision {
            conversation,
            number,
            event: new.event,
            number_hashes: self.number_hashes(&new.numbers),
            content_hash: self.content_hash(new),
            document: self.seal(key, &Place::document(conversation, number), &new.document)?,
        })
    }

    /// A conversation's key, from what keys.db holds of it.
    pub fn unwrap(&self, conversation: ConversationId, wrapped: &[u8]) -> Result<DataKey, StoreError> {
        DataKey::unwrap(&self.master, Place::key(conversation).aad(), wrapped).map_err(unopened)
    }

    /// Everything that an attempt left, sealed.
    pub fn report(
        &self,
        key: &DataKey,
        run: RunId,
        report: AttemptReport,
    ) -> Result<SealedReport, StoreError> {
        let number = report.number;
        let mut sealed = SealedReport {
            usage: report.usage,
            confinement: report.confinement,
            ..SealedReport::bare(
                number,
                AttemptEnd::Interrupted,
                report.function_started_at,
                report.ended_at,
            )
        };
        if !report.logs.is_empty() {
            sealed.logs = Some(self.seal_json(key, &Place::logs(run, number), &report.logs)?);
        }
        if matches!(report.end, AttemptEnd::Returned { .. }) {
            for (seq, metric) in (0..).zip(report.metrics) {
                sealed
                    .metrics
                    .push(self.metric(key, &Place::metric(run, seq), metric)?);
            }
            for (seq, action) in (0..).zip(&report.actions) {
                sealed.actions.push(self.action(key, run, (number, seq), action)?);
            }
            if let Some(state) = &report.state {
                sealed.state = Some(self.seal_json(key, &Place::state(run), state)?);
            }
        }
        let (end, words) = without_words(report.end);
        sealed.end = end;
        if let Some(words) = words {
            sealed.failure = Some(self.seal_json(key, &Place::failure(run, number), &words)?);
        }
        Ok(sealed)
    }

    /// A record of a run's effects.
    pub fn record(
        &self,
        key: &DataKey,
        run: RunId,
        seq: u32,
        record: &Record,
    ) -> Result<Vec<u8>, StoreError> {
        self.seal(key, &Place::record(run, seq), &record.to_bytes())
    }

    fn action(
        &self,
        key: &DataKey,
        run: RunId,
        (number, seq): (AttemptNumber, u32),
        action: &Action,
    ) -> Result<SealedAction, StoreError> {
        let told = serde_json::to_value(action).map_err(unsealed)?;
        let known_by = [run.as_bytes().as_slice(), &json::canonical(&told)].concat();
        Ok(SealedAction {
            content: self.seal_json(key, &Place::action(run, number, seq), action)?,
            fingerprint: self.actions.hash(&known_by),
        })
    }

    fn metric(&self, key: &DataKey, place: &Place, metric: Metric) -> Result<SealedMetric, StoreError> {
        let number = clear_number(&metric.value);
        let told = number
            .and_then(ClearNumber::to_json)
            .is_some_and(|told| told == metric.value);
        let value = (!told).then(|| self.seal_json(key, place, &metric.value));
        Ok(SealedMetric {
            name: metric.name,
            number,
            value: value.transpose()?,
        })
    }

    fn seal(&self, key: &DataKey, place: &Place, plaintext: &[u8]) -> Result<Vec<u8>, StoreError> {
        key.seal(place.aad(), plaintext, &*self.entropy).map_err(unsealed)
    }

    fn seal_json(&self, key: &DataKey, place: &Place, value: &impl Serialize) -> Result<Vec<u8>, StoreError> {
        self.seal(key, place, &serde_json::to_vec(value).map_err(unsealed)?)
    }
}

impl SealedReport {
    /// With nothing of what the attempt said, used or left.
    pub fn bare(
        number: AttemptNumber,
        end: AttemptEnd,
        function_started_at: Option<Timestamp>,
        ended_at: Timestamp,
    ) -> Self {
        Self {
            number,
            end,
            failure: None,
            function_started_at,
            ended_at,
            usage: ResourceUse::default(),
            confinement: String::new(),
            logs: None,
            metrics: Vec::new(),
            actions: Vec::new(),
            state: None,
        }
    }

    /// Of a conversation that was erased while the attempt ran: how it ended, and no word of what it said.
    pub fn of_erased(report: AttemptReport) -> Self {
        let (end, _) = without_words(report.end);
        Self {
            usage: report.usage,
            confinement: report.confinement,
            ..Self::bare(report.number, end, report.function_started_at, report.ended_at)
        }
    }
}

/// Parts what a failed attempt says in words, to be sealed, from what it says in codes.
fn without_words(end: AttemptEnd) -> (AttemptEnd, Option<Words>) {
    match end {
        AttemptEnd::Failed {
            code,
            signal,
            exit_status,
            message,
            error,
        } => {
            let codes = AttemptEnd::Failed {
                code,
                signal,
                exit_status,
                message: String::new(),
                error: None,
            };
            (codes, Some(Words { message, error }))
        }
        other => (other, None),
    }
}

fn clear_number(value: &serde_json::Value) -> Option<ClearNumber> {
    let number = value.as_number()?;
    let integer = number.as_i64().map(ClearNumber::Integer);
    integer.or_else(|| {
        number
            .as_f64()
            .filter(|real| real.is_finite())
            .map(ClearNumber::Real)
    })
}

impl ClearNumber {
    /// The number as JSON.
    pub fn to_json(self) -> Option<serde_json::Value> {
        match self {
            Self::Integer(integer) => Some(integer.into()),
            Self::Real(real) => serde_json::Number::from_f64(real).map(Into::into),
        }
    }
}

/// Sealed bytes.
pub(super) fn open(key: &DataKey, place: &Place, blob: &[u8]) -> Result<Vec<u8>, StoreError> {
    key.open(place.aad(), blob).map_err(unopened)
}

/// Sealed text.
pub(super) fn open_text(key: &DataKey, place: &Place, blob: &[u8]) -> Result<String, StoreError> {
    String::from_utf8(open(key, place, blob)?).map_err(unopened)
}

/// Sealed JSON.
pub(super) fn open_json<T: DeserializeOwned>(
    key: &DataKey,
    place: &Place,
    blob: &[u8],
) -> Result<T, StoreError> {
    // What was sealed was within limits when it came in, and those of a state allow more depth than the reader's own.
    let text = open(key, place, blob)?;
    let mut reader = serde_json::Deserializer::from_slice(&text);
    reader.disable_recursion_limit();
    T::deserialize(&mut reader).map_err(unopened)
}

fn unsealed(error: impl std::fmt::Display) -> StoreError {
    StoreError::Failed(format!("sealing failed: {error}"))
}

fn unopened(error: impl std::fmt::Display) -> StoreError {
    StoreError::Sealed(error.to_string())
}
