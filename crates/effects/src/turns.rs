//! In which order the lanes of a child hear what became of their requests: as an earlier attempt heard it. Code that goes on with
//! whatever is there first (`as_completed`, a queue between threads) then asks for what it asked for before.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use domain::effect::EffectNumber;
use tokio::time::Instant;

use crate::session::Inner;

/// Nothing is asked for and nothing is told for so long: what is left over is not asked for before something else is told.
pub(crate) const QUIET: Duration = Duration::from_secs(1);
/// No answer is kept from the code for longer.
const LONGEST: Duration = Duration::from_secs(60);
/// The place of what no earlier attempt heard: behind everything that one did.
pub(crate) const LAST: u32 = u32::MAX;

/// Who waits for its turn.
#[derive(Default)]
pub(crate) struct Turns(Mutex<State>);

#[derive(Default)]
struct State {
    /// Places of what was asked for and not told yet.
    pending: BTreeSet<u32>,
    /// What is left over before that place was waited for in vain.
    passed_over: u32,
}

impl Turns {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the order that is taken, until it is told.
pub(crate) struct Pending<'a>(&'a Turns, u32);

impl Drop for Pending<'_> {
    fn drop(&mut self) {
        self.0.state().pending.remove(&self.1);
    }
}

impl Inner {
    /// When an earlier attempt heard of this, if one did.
    pub(crate) fn order_of(&self, effect: Option<EffectNumber>) -> u32 {
        let journal = self.journal();
        let concluded = effect.and_then(|number| journal.effect(number)?.concluded());
        concluded
            .filter(|concluded| concluded.outcome.heard)
            .map_or(LAST, |concluded| concluded.order)
    }

    /// Takes a place, so that what comes after it waits.
    pub(crate) fn place(&self, order: u32) -> Pending<'_> {
        self.turns.state().pending.insert(order);
        Pending(&self.turns, order)
    }

    /// Waits while something that an earlier attempt heard before this is still to be told, or is likely to be asked for yet.
    pub(crate) async fn turn(&self, order: u32) {
        let began = Instant::now();
        while began.elapsed() < LONGEST {
            let changed = self.changed.notified();
            if self.is_over() || self.lanes.alive() < 2 {
                return;
            }
            let (pending, passed_over) = {
                let state = self.turns.state();
                (state.pending.range(..order).next().is_some(), state.passed_over)
            };
            let is_left = {
                let journal = self.journal();
                let left = journal.first_left_to_give(passed_over);
                // What nobody heard then comes behind all that was asked for then: none of that was a reaction to it.
                let asked_then = order == LAST && passed_over < LAST && journal.has_left();
                left.is_some_and(|left| left < order) || asked_then
            };
            let quiet = self.lanes.quiet_for();
            let wait = match is_left {
                _ if pending => LONGEST.saturating_sub(began.elapsed()),
                false => return,
                true if quiet >= QUIET => {
                    let mut state = self.turns.state();
                    state.passed_over = state.passed_over.max(order);
                    return;
                }
                true => QUIET - quiet,
            };
            tokio::select! { () = changed => {}, () = tokio::time::sleep(wait) => {} }
        }
    }
}
