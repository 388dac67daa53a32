//! In which order lanes hear what became of their requests.

use super::*;

const OTHER: &str = "https://stock.example.com/items";

/// A run whose first attempt has heard of two writes of two lanes, in this order, and was interrupted.
async fn heard() -> House {
    let mut house = House::new().await;
    let mut attempt = house.attempt().await;
    for (lane, body) in [("0.1", "first"), ("0.2", "second")] {
        attempt.ask(lane, "POST", NOTES, &[], body);
        attempt.told().await;
    }
    attempt.close(false).await;
    house.resumed().await;
    house
}

async fn all_told(attempt: &mut Attempt) -> Vec<u64> {
    let mut told = Vec::new();
    for _ in 0..attempt.number {
        told.push(attempt.told().await.request);
    }
    told
}

#[tokio::test]
async fn what_was_heard_before_is_heard_first_and_in_that_order_whoever_asks_first() {
    let house = heard().await;
    let mut attempt = house.attempt().await;
    let new = attempt.ask("0.3", "POST", OTHER, &[], "new");
    let second = attempt.ask("0.2", "POST", NOTES, &[], "second");
    let first = attempt.ask("0.1", "POST", NOTES, &[], "first");
    assert_eq!(all_told(&mut attempt).await, [first, second, new]);
    attempt.close(true).await;
    assert_eq!(
        house.receiver.arrived.lock().unwrap().len(),
        3,
        "each was sent once"
    );
}

#[tokio::test]
async fn what_nobody_asks_for_any_more_is_waited_for_once_and_not_for_long() {
    let house = heard().await;
    let mut attempt = house.attempt().await;
    let began = tokio::time::Instant::now();
    attempt.ask("0.3", "POST", OTHER, &[], "new");
    attempt.told().await;
    let waited = began.elapsed();
    assert!(waited >= crate::turns::QUIET, "{waited:?}");
    let began = tokio::time::Instant::now();
    attempt.ask("0.4", "POST", OTHER, &[], "newer");
    attempt.told().await;
    assert!(began.elapsed() < crate::turns::QUIET, "{:?}", began.elapsed());
    attempt.close(true).await;
}
