//! One request a conversation, over a number of connections.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::Target;
use crate::connection::{self, Kept};
use crate::document::Document;
use crate::told::Told;

/// What one connection saw.
#[derive(Default)]
struct Seen {
    statuses: BTreeMap<u16, u64>,
    waits: Vec<Duration>,
}

/// Sends them all: at the moments that are `due`, or as fast as they are answered.
///
/// # Errors
/// A connection that could not be made, or broke other than by being closed between two requests.
pub async fn send(
    target: &Target,
    document: &Document,
    connections: u64,
    due: Option<Vec<Duration>>,
) -> anyhow::Result<Told> {
    let mut open = Vec::new();
    for _ in 0..connections {
        open.push(Kept::open(target).await?);
    }
    let next = Cell::new(0);
    let began = Instant::now();
    let work = open.into_iter().map(|mut kept| {
        let (next, due) = (&next, due.as_deref());
        async move {
            let mut seen = Seen::default();
            loop {
                let number = next.get();
                if number >= target.count {
                    return anyhow::Ok(seen);
                }
                next.set(number + 1);
                let asked = match due {
                    None => Instant::now(),
                    Some(due) => {
                        let at = began + due[usize::try_from(number)?];
                        tokio::time::sleep_until(at.into()).await;
                        at
                    }
                };
                let answer = kept.send(target, document.numbered(number)).await?;
                let status = answer.status().as_u16();
                connection::read(answer.into_body()).await?;
                seen.waits.push(asked.elapsed());
                *seen.statuses.entry(status).or_default() += 1;
            }
        }
    });
    let all = futures_util::future::try_join_all(work).await?;
    let took = began.elapsed();
    let mut total = Seen::default();
    for seen in all {
        total.waits.extend(seen.waits);
        for (status, count) in seen.statuses {
            *total.statuses.entry(status).or_default() += count;
        }
    }
    Ok(Told::new(total.statuses, took, total.waits))
}
