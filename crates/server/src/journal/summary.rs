//! What a run's effects came to: why it was late, what was sent, and how often.

use api::{EffectView, EffectsSummary, SendingView, WaitView, WaitedView};
use domain::Timestamp;
use domain::effect::{
    AtRest, Class, EffectNumber, OnUnknown, Phase, Request, Source, Terms, Try, patience_used,
};
use domain::run::Status;

use super::{Reading, began_after};

impl Reading<'_> {
    pub(super) fn summary(
        &self,
        views: &[EffectView],
        waits: &[WaitView],
        at_rest: &AtRest,
    ) -> EffectsSummary {
        let numbers =
            |is: fn(&EffectView) -> bool| views.iter().filter(move |view| is(view)).map(|view| view.effect);
        let again = views
            .iter()
            .filter(|view| self.may_have_left_again(view, at_rest));
        let done = |view: &EffectView| view.class == Class::Write && view.phase == Some(Phase::Done);
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        EffectsSummary {
            writes_done: count(numbers(done).count()),
            sent_again: again.map(|view| view.effect).collect(),
            given_back: count(numbers(|view| !view.given_back.is_empty()).count()),
            unsettled: numbers(|view| view.unsettled).collect(),
            undecided: numbers(|view| view.undecided).collect(),
            left_over: numbers(|view| view.left_over).collect(),
            waited: self.waited(waits, at_rest),
        }
    }

    /// Whether more than one of its sendings can have reached the other side, as far as was written down. Tries within one sending
    /// follow an unknown one only where the host's terms have it sent again.
    fn may_have_left_again(&self, view: &EffectView, at_rest: &AtRest) -> bool {
        if view.class != Class::Write {
            return false;
        }
        let may_have_arrived = |sending: &&SendingView| {
            let live = sending
                .outcomes
                .iter()
                .find(|outcome| outcome.source == Source::Live);
            live.is_none_or(|outcome| matches!(outcome.phase, Phase::Done | Phase::Unknown | Phase::Rejected))
        };
        if view.sendings.iter().filter(may_have_arrived).count() > 1 {
            return true;
        }
        let tried_again = view
            .sendings
            .iter()
            .flat_map(|sending| &sending.outcomes)
            .any(|outcome| outcome.tries > 1);
        tried_again
            && at_rest
                .effect(EffectNumber(view.effect))
                .and_then(|effect| self.terms(effect.last()))
                .is_some_and(|terms| {
                    terms.idempotency.is_some() || terms.on_unknown == Some(OnUnknown::Resend)
                })
    }

    fn terms(&self, sent: &Try) -> Option<Terms> {
        let intent = &sent.intent;
        let request = Request::new(
            &intent.endpoint.method,
            &intent.url,
            intent.headers.clone(),
            (*sent.body).clone(),
        );
        Some(self.catalogue.terms(&request.ok()?))
    }

    fn waited(&self, waits: &[WaitView], at_rest: &AtRest) -> Vec<WaitedView> {
        let mut all: Vec<WaitedView> = Vec::new();
        for wait in waits {
            let lasted = self.wait_ended(wait).duration_since(wait.at).as_secs();
            let seconds = u64::try_from(lasted).unwrap_or(0);
            if let Some(of_host) = all.iter_mut().find(|one| one.origin == wait.origin) {
                of_host.times += 1;
                of_host.seconds += seconds;
                of_host.message.clone_from(&wait.message);
                continue;
            }
            let effect = at_rest.effect(EffectNumber(wait.effect));
            let terms = effect.and_then(|effect| self.terms(effect.last()));
            let used = patience_used(at_rest.waits(), &wait.origin).as_secs();
            all.push(WaitedView {
                origin: wait.origin.clone(),
                times: 1,
                seconds,
                patience_used_s: u64::try_from(used).unwrap_or(0),
                patience_s: terms.map_or(0, |terms| terms.patience_s),
                message: wait.message.clone(),
            });
        }
        all
    }

    /// Until when a wait lasted: to the attempt after it; now, if there is none yet; if there never will be, to the run's end.
    fn wait_ended(&self, wait: &WaitView) -> Timestamp {
        let began = began_after(self.attempts, wait.attempt);
        began.unwrap_or(match self.run.state.status {
            Status::Ended => self.run.changed_at,
            _ => self.now,
        })
    }
}
