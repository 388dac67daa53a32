//! The requests of a child, and what it is told of them: frames on the one side, the attempt's effects on the other.

use std::collections::BTreeMap;
use std::future::pending;
use std::io;
use std::time::Duration;

use domain::Timestamp;
use domain::effect::Lane;
use effects::{AskedRequest, Conclusion, Halt, Part, Session, Told};
use minicbor::bytes::ByteVec;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

use crate::frame::{self, Answer, Chunk, Effect};

/// How often at most it is looked whether the deadline has moved.
const LOOK: Duration = Duration::from_millis(20);

/// The effects of an attempt, and what its child is to be told.
pub struct Requests(Option<Open>);

struct Open {
    session: Session,
    told: mpsc::Receiver<Told>,
}

impl Requests {
    /// Of an attempt that has a way out.
    pub const fn new(session: Session, told: mpsc::Receiver<Told>) -> Self {
        Self(Some(Open { session, told }))
    }

    /// Of one that asks for nothing: what it asks for all the same is never answered.
    pub const fn none() -> Self {
        Self(None)
    }

    /// What time it is for lanes as they begin; for others it is the time it is.
    pub fn clocks(&self) -> BTreeMap<Lane, Timestamp> {
        self.0
            .as_ref()
            .map(|open| open.session.clocks())
            .unwrap_or_default()
    }

    /// Takes one request.
    pub fn ask(&self, effect: Effect) {
        let Some(open) = &self.0 else { return };
        let body = effect.body.map(Vec::from).unwrap_or_default();
        let asked = AskedRequest::read(effect.request, &effect.head, body);
        open.session.ask(effect.request, Lane(effect.lane), asked);
    }

    /// A lane began, or ended.
    pub fn lane(&self, lane: frame::Lane) {
        if let Some(open) = &self.0 {
            open.session.lane(&Lane(lane.lane), lane.ended);
        }
    }

    /// The code wants no more of a request.
    pub fn give_up(&self, request: u64) {
        if let Some(open) = &self.0 {
            open.session.give_up(request);
        }
    }

    /// The child has handed in its result, or is about to be ended.
    pub fn over(&self, returned: bool) {
        if let Some(open) = &self.0 {
            open.session.over(returned);
        }
    }

    /// The next thing that the child is to be told.
    pub async fn told(&mut self) -> Told {
        let told = match &mut self.0 {
            Some(open) => open.told.recv().await,
            None => None,
        };
        match told {
            Some(told) => told,
            None => pending().await,
        }
    }

    /// Waits until the child is to be ended for what it asked for.
    pub fn halted(&self) -> impl Future<Output = Halt> + use<> {
        let session = self.0.as_ref().map(|open| open.session.clone());
        async move {
            match session {
                Some(session) => session.halted().await,
                None => pending().await,
            }
        }
    }

    /// Waits until the child has had so much time of its own: what it waited for an answer is none.
    pub fn deadline(&self, own: Duration) -> impl Future<Output = ()> + use<> {
        let session = self.0.as_ref().map(|open| open.session.clone());
        let began = Instant::now();
        async move {
            loop {
                let withheld = session.as_ref().map_or(Duration::ZERO, Session::withheld);
                let left = (own + withheld).saturating_sub(began.elapsed());
                if left.is_zero() {
                    return;
                }
                // While an answer is owed `left` stays as it is.
                sleep(left.max(LOOK)).await;
            }
        }
    }

    /// The child is told nothing any more; waits for what is under way.
    pub async fn close(self, returned: bool) -> Conclusion {
        match self.0 {
            Some(Open { session, told }) => {
                drop(told);
                session.close(returned).await
            }
            None => Conclusion::default(),
        }
    }
}

/// What a child is told, as a frame.
pub fn answer(told: Told) -> io::Result<Vec<u8>> {
    let trouble = told.trouble.map(|trouble| trouble.as_str().to_owned());
    if matches!(told.part, Part::Piece | Part::Last) {
        let chunk = Chunk {
            request: told.request,
            body: ByteVec::from(told.body),
            last: told.part == Part::Last,
            trouble,
        };
        return frame::encode(frame::kind::CHUNK, &chunk);
    }
    let head = told.answer.as_ref().map(serde_json::to_vec).transpose()?;
    let answer = Answer {
        request: told.request,
        phase: told.phase.to_owned(),
        code: told.code.map(|code| code.as_str().to_owned()),
        message: told.message,
        head: head.map(ByteVec::from),
        body: told.answer.is_some().then(|| ByteVec::from(told.body)),
        trouble,
        more: told.part == Part::Head,
        clock_ns: told.clock.and_then(nanoseconds),
        real_lanes: told.real_lanes.into_iter().map(|lane| lane.0).collect(),
    };
    frame::encode(frame::kind::ANSWER, &answer)
}

/// A time as it stands in a frame.
pub fn nanoseconds(time: Timestamp) -> Option<u64> {
    u64::try_from(time.as_nanosecond()).ok()
}
