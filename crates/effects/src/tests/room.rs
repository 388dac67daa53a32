//! What a run may record, also while its answers are under way.

use domain::effect::MAX_RECORDED_BYTES;

use super::receiver::{Host, house};
use super::*;

/// One answer.
const LARGE: usize = 7 * 1024 * 1024;

#[tokio::test]
async fn many_large_answers_at_once_take_no_more_room_than_a_run_has() {
    let ((house, network), host) = (house(100).await, Host::new(LARGE).await);
    let mut attempt = house.attempt_by(network).await;
    let asked = 2 * MAX_RECORDED_BYTES / LARGE;
    for lane in 0..asked {
        let method = if lane % 2 == 0 { "GET" } else { "POST" };
        attempt.ask(&format!("0.{lane}"), method, &host.url, &[], "");
    }
    host.let_go.add_permits(9 * asked); // reads are tried again
    let (mut whole, mut cut) = (0, Vec::new());
    for _ in 0..asked {
        let told = attempt.told().await;
        match told.trouble {
            None => whole += 1,
            Some(Trouble::TooLarge) => cut.push(told.phase),
            other => panic!("{other:?}"),
        }
    }
    attempt.close(true).await;
    assert!((1..=MAX_RECORDED_BYTES / LARGE).contains(&whole), "{whole}");
    assert!(
        cut.iter().all(|phase| ["unknown", "done"].contains(phase)),
        "{cut:?}"
    );
    let recorded: usize = house.records().await.iter().map(|record| record.body.len()).sum();
    assert!(recorded <= MAX_RECORDED_BYTES, "{recorded}");
}
