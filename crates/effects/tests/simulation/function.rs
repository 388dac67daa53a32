//! A function, as a program of requests in lanes, and the child that plays it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::effect::Lane;
use effects::{AskedRequest, Session, Surroundings as _, Told};
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;

use crate::world::{Chance, Shared};

/// One request, or a rest.
#[derive(Debug, Clone)]
pub enum Op {
    /// A write: to which host, about what, with the time in it.
    Post {
        host: &'static str,
        id: String,
        stamped: bool,
    },
    /// A read.
    Get { host: &'static str },
    /// Time that the function takes for itself, milliseconds.
    Rest(u64),
}

/// What the function does: its own lane, and those that it submits at once.
#[derive(Debug, Clone)]
pub struct Program {
    pub lanes: Vec<Vec<Op>>,
    /// It raises at its end in so many attempts.
    pub raises: u32,
    /// It catches everything, as the vendor's page advises.
    pub swallows: bool,
}

const HOSTS: [&str; 2] = ["keyed.example", "plain.example"];

impl Program {
    pub fn any(chance: &mut Chance) -> Self {
        let lanes = 1 + chance.below(3);
        let lane = |chance: &mut Chance, lane: u64| {
            let op = |chance: &mut Chance, at: u64| {
                let host = HOSTS[usize::try_from(chance.below(2)).unwrap()];
                match chance.below(6) {
                    0 => Op::Get { host },
                    1 => Op::Rest(chance.below(2_000)),
                    _ => Op::Post {
                        host,
                        id: format!("{lane}/{at}"),
                        stamped: chance.once_in(3),
                    },
                }
            };
            (0..1 + chance.below(5)).map(|at| op(chance, at)).collect()
        };
        Self {
            lanes: (0..lanes).map(|at| lane(chance, at)).collect(),
            raises: if chance.once_in(4) {
                1 + u32::try_from(chance.below(2)).unwrap()
            } else {
                0
            },
            swallows: !chance.once_in(3),
        }
    }

    /// What is to be done, where and how often.
    pub fn writes(&self) -> Vec<(&'static str, String)> {
        let ops = self.lanes.iter().flatten();
        let write = |op: &Op| match op {
            Op::Post { host, id, .. } => Some((*host, id.clone())),
            _ => None,
        };
        ops.filter_map(write).collect()
    }
}

/// How a child ended by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    Returned,
    Raised,
}

type Waiting = Arc<Mutex<HashMap<u64, oneshot::Sender<Told>>>>;

/// A child's end of its channel.
struct Child {
    session: Session,
    waiting: Waiting,
    next: Mutex<u64>,
    world: Shared,
}

/// Plays the program to its end. Whoever ends the child drops this.
pub async fn play(
    program: Program,
    attempt: u32,
    session: Session,
    mut told: mpsc::Receiver<Told>,
    world: Shared,
) -> Ended {
    let waiting = Waiting::default();
    let answers = Arc::clone(&waiting);
    let child = Arc::new(Child {
        session,
        waiting,
        next: Mutex::new(1),
        world,
    });
    let lanes = async {
        let mut lanes = Vec::new();
        for (at, ops) in program.lanes.iter().enumerate() {
            let name = if at == 0 {
                "0".to_owned()
            } else {
                format!("0.{at}")
            };
            lanes.push(lane(
                Arc::clone(&child),
                Lane(name),
                ops.clone(),
                program.swallows,
            ));
        }
        let mut well = true;
        for ended in all(lanes).await {
            well &= ended;
        }
        well
    };
    let pump = async {
        while let Some(one) = told.recv().await {
            let waiter = answers.lock().unwrap().remove(&one.request);
            if let Some(waiter) = waiter {
                let _ = waiter.send(one);
            }
        }
        std::future::pending::<bool>().await
    };
    let well = tokio::select! { biased; well = lanes => well, never = pump => never };
    if !well || attempt <= program.raises {
        Ended::Raised
    } else {
        Ended::Returned
    }
}

/// All lanes at once, in one task: the order of their steps follows from time alone.
async fn all(lanes: Vec<impl Future<Output = bool>>) -> Vec<bool> {
    let mut lanes: Vec<_> = lanes.into_iter().map(Box::pin).collect();
    let mut ended: Vec<Option<bool>> = vec![None; lanes.len()];
    std::future::poll_fn(|context| {
        for (lane, ended) in lanes.iter_mut().zip(&mut ended) {
            if ended.is_none()
                && let std::task::Poll::Ready(well) = lane.as_mut().poll(context)
            {
                *ended = Some(well);
            }
        }
        match ended.iter().copied().collect::<Option<Vec<bool>>>() {
            Some(all) => std::task::Poll::Ready(all),
            None => std::task::Poll::Pending,
        }
    })
    .await
}

/// One lane. Whether it came to its end.
async fn lane(child: Arc<Child>, lane: Lane, ops: Vec<Op>, swallows: bool) -> bool {
    child.session.lane(&lane, false);
    let mut well = true;
    for op in ops {
        let told = match op {
            Op::Rest(ms) => {
                sleep(Duration::from_millis(ms)).await;
                continue;
            }
            Op::Get { host } => child.ask(&lane, "GET", host, String::new()).await,
            Op::Post { host, id, stamped } => {
                let body = if stamped {
                    format!(r#"{{"id":"{id}","at":"{}"}}"#, child.world.now())
                } else {
                    format!(r#"{{"id":"{id}"}}"#)
                };
                child.ask(&lane, "POST", host, body).await
            }
        };
        if told.phase != "done" && !swallows {
            well = false;
            break;
        }
    }
    child.session.lane(&lane, true);
    well
}

impl Child {
    async fn ask(&self, lane: &Lane, method: &str, host: &str, body: String) -> Told {
        let number = {
            let mut next = self.next.lock().unwrap();
            *next += 1;
            *next
        };
        let (tell, told) = oneshot::channel();
        self.waiting.lock().unwrap().insert(number, tell);
        let headers = [["Content-Type", "application/json"]];
        let path = body.split('"').nth(3).map_or("all", |id| {
            if id.ends_with(['0', '2', '4']) {
                "notes"
            } else {
                "tickets"
            }
        });
        let head = serde_json::json!({"method": method, "url": format!("https://{host}/{path}"), "headers": headers});
        let asked = AskedRequest::read(number, head.to_string().as_bytes(), body.into_bytes());
        self.session.ask(number, lane.clone(), asked);
        match told.await {
            Ok(told) => told,
            Err(_) => std::future::pending().await,
        }
    }
}
