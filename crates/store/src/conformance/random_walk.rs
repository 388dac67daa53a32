//! That a store keeps the lifecycle's rules to the letter: random events, beside the rules themselves.

use std::collections::BTreeMap;

use domain::run::{Decision, Event, Policy, RunState, step};
use domain::{Code, Environment, Epoch, RunId, Timestamp};
use jiff::SignedDuration;

use super::given::{
    Given, accept, activate, boot, claim_as, conversation, deployment_id, failure_report, report, run_id,
    shop, start,
};
use crate::StoreError;

const RUNS: u64 = 12;
const STEPS: u32 = 1_500;
const SEED: u64 = 0x05ee_d0fa_ca11;

/// A small generator (xorshift64*), so that a walk that fails can be walked again.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) % sides
    }

    fn event(&mut self, state: &RunState, now: Timestamp) -> Event {
        // Mostly of the current attempt, sometimes of one that is over or never was.
        let epoch = match self.roll(8) {
            0 => Epoch(state.epoch.0.saturating_sub(1)),
            1 => state.epoch.next(),
            _ => state.epoch,
        };
        let jitter = 0.25;
        match self.roll(11) {
            0 | 1 => Event::Returned {
                epoch,
                unsettled_failures: u32::try_from(self.roll(2)).unwrap(),
                unheard_unknown: self.roll(4) == 0,
                jitter,
            },
            2 | 3 => Event::AttemptFailed {
                epoch,
                code: [Code::FunctionRaised, Code::CouldNotStart][usize::try_from(self.roll(2)).unwrap()],
                jitter,
            },
            4 => Event::Interrupted { epoch },
            5 => Event::Released { epoch },
            6 => Event::OutageBegan {
                epoch,
                host: "crm.example".into(),
                until: now + SignedDuration::from_millis(1_500),
            },
            7 => Event::HostAdmitted,
            8 => Event::Parked { epoch },
            9 => Event::Decided {
                decision: [Decision::Happened, Decision::Abort][usize::try_from(self.roll(2)).unwrap()],
                open: u32::try_from(self.roll(2)).unwrap(),
                unsettled_failures: u32::try_from(self.roll(2)).unwrap(),
            },
            _ if self.roll(4) == 0 => Event::CancelRequested,
            _ => Event::RetryRequested {
                deployment: (self.roll(2) == 0).then(|| deployment_id(2)),
                again: self.roll(2) == 0,
            },
        }
    }
}

/// Every answer, every refusal and every state is what [`step`] says; at the end the records of the attempts agree.
pub async fn every_step_is_what_the_rules_say(store: Given) {
    activate(&store, &shop(), Environment::Sandbox, 1).await;
    let mut expected = BTreeMap::new();
    for number in 0..RUNS {
        let accepted = accept(&store, conversation(number), start()).await;
        expected.insert(accepted.run, accepted.state);
    }
    let (mut dice, mut now) = (Dice(SEED), start());
    for _ in 0..STEPS {
        now += SignedDuration::from_millis(i64::try_from(dice.roll(4_000)).unwrap());
        if dice.roll(3) == 0 {
            claim(&store, &mut expected, now).await;
        } else {
            let run = run_id(dice.roll(RUNS));
            one_step(&store, &mut dice, run, expected.get_mut(&run).unwrap(), now).await;
        }
    }
    for (run, state) in expected {
        let detail = store.run(run).await.unwrap().unwrap();
        assert_eq!(detail.summary.state, state);
        assert_eq!(detail.attempts.len(), state.attempt.0 as usize);
        let open = detail
            .attempts
            .iter()
            .filter(|attempt| attempt.end.is_none())
            .count();
        assert_eq!(
            open,
            usize::from(state.claimed_by.is_some()),
            "only a running run has an open attempt"
        );
    }
}

async fn claim(store: &Given, expected: &mut BTreeMap<RunId, RunState>, now: Timestamp) {
    for run in claim_as(store, boot(1), 3, true, now).await {
        let event = Event::Claimed {
            incarnation: boot(1),
            active: deployment_id(1),
        };
        let state = expected.get_mut(&run.run).unwrap();
        *state = step(state, &event, now, &Policy::default()).unwrap().state;
        assert_eq!(
            (run.epoch, run.number, Some(run.deployment)),
            (state.epoch, state.attempt, state.deployment)
        );
    }
}

async fn one_step(store: &Given, dice: &mut Dice, run: RunId, state: &mut RunState, now: Timestamp) {
    let event = dice.event(state, now);
    let left = match event {
        Event::Returned { .. } => Some(report(state.attempt, now)),
        Event::AttemptFailed { .. } => Some(failure_report(state.attempt, now)),
        _ => None,
    };
    let policy = Policy::default();
    let applied = store.apply(run, event.clone(), left, &policy, now).await;
    match (applied, step(state, &event, now, &policy)) {
        (Ok(applied), Ok(transition)) => {
            assert_eq!(applied.commands, transition.commands, "{event:?}");
            assert_states(&applied.state, &transition.state);
            *state = applied.state;
        }
        (Err(StoreError::Refused { error, .. }), Err(expected)) => assert_eq!(error, expected, "{event:?}"),
        (answer, rules) => panic!("{event:?} on {state:?}: {answer:?}, the rules say {rules:?}"),
    }
}

/// Equal but for what is finer than a microsecond.
fn assert_states(kept: &RunState, ruled: &RunState) {
    let coarse = |time: Timestamp| Timestamp::from_nanosecond(time.as_nanosecond() / 1_000 * 1_000).unwrap();
    let ruled = RunState {
        due_at: coarse(ruled.due_at),
        ..ruled.clone()
    };
    assert_eq!(*kept, ruled);
}
