//! Requests that nobody wants any more, over the real way out, to a real receiver.

use super::receiver::{Host, house};
use super::*;
use crate::Network;

/// One request that has arrived and hangs, and one that is held for it: their numbers.
async fn under_way(house: &House, network: &Arc<Network>, host: &Host) -> (Attempt, u64, u64) {
    let mut attempt = house.attempt_by(network.clone()).await;
    let hangs = attempt.ask("0.1", "POST", &host.url, &[], "1");
    host.has(1).await;
    let held = attempt.ask("0.2", "POST", &host.url, &[], "2");
    while house
        .records()
        .await
        .iter()
        .filter(|record| record.is_intent())
        .count()
        < 2
    {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    (attempt, hangs, held)
}

#[tokio::test]
async fn what_has_not_left_when_the_attempt_is_ended_stays_and_what_has_is_finished() {
    let ((house, network), host) = (house(1).await, Host::new(2).await);
    let (attempt, ..) = under_way(&house, &network, &host).await;
    attempt.session.over(false);
    host.let_go.add_permits(9);
    attempt.close(false).await;
    assert_eq!(host.arrived(), 1);
    let mut outcomes: Vec<_> = house
        .outcomes()
        .await
        .into_iter()
        .map(|it| (it.effect.0, it.phase, it.heard))
        .collect();
    outcomes.sort_unstable_by_key(|(effect, ..)| *effect);
    assert_eq!(outcomes, [(1, Phase::Done, false), (2, Phase::NotSent, false)]);
}

#[tokio::test]
async fn what_the_code_gives_up_does_not_leave_and_is_broken_off_if_it_has() {
    let ((house, network), host) = (house(1).await, Host::new(2).await);
    let (attempt, hangs, held) = under_way(&house, &network, &host).await;
    attempt.session.give_up(held);
    attempt.session.give_up(hangs);
    // Nobody lets the first one go: it ends all the same.
    let closing = tokio::time::timeout(Duration::from_secs(30), attempt.close(true));
    assert_eq!(closing.await.unwrap().failures(), 2);
    host.let_go.add_permits(9);
    let mut outcomes: Vec<_> = house
        .outcomes()
        .await
        .into_iter()
        .map(|it| (it.effect.0, it.phase))
        .collect();
    outcomes.sort_unstable_by_key(|(effect, _)| *effect);
    assert_eq!(outcomes, [(1, Phase::Unknown), (2, Phase::NotSent)]);
    assert_eq!(host.arrived(), 1);
}

#[tokio::test]
async fn what_was_asked_for_when_the_function_returned_is_done() {
    let ((house, network), host) = (house(1).await, Host::new(2).await);
    let (attempt, ..) = under_way(&house, &network, &host).await;
    attempt.session.over(true);
    host.let_go.add_permits(9);
    assert_eq!(attempt.close(true).await.failures(), 0);
    assert_eq!(host.arrived(), 2);
}
