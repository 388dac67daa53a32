//! A run that is interrupted goes on where it was, whatever its function does in parallel or by the clock: it asks again for all
//! that it had asked for, and nothing is done twice, and nobody is asked what became of it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::json;
use system_tests::{Place, Receiver, Reply, Seen, Server, conversation, until};

use crate::support::{outcomes, project, setup, status};

/// Each way writes through `post`, whose answer it counts on, and passes `stop(n)` after each of its writes: there the server is
/// killed. A stop is a read: it leaves no doubt behind.
const FUNCTION: &str = r#"
import asyncio
import concurrent.futures
import datetime
import threading
import time

import requests


def end_function(conv):
    return globals()[conv.state.way](conv)


def post(conv, name, **more):
    mark = f"{conv.id}/{name}"
    answer = requests.post(f"{conv.state.crm}/notes", json={"mark": mark, **more}, timeout=60)
    answer.raise_for_status()
    return answer.json()["status"]


def stop(conv, number):
    requests.get(f"{conv.state.crm}/stop/{conv.id}/{number}", timeout=600)


def as_completed(conv):
    """What is told next depends on who was first."""
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        futures = {pool.submit(part, conv, name): name for name in ("slow", "quick", "medium", "late")}
        for future in concurrent.futures.as_completed(futures):
            post(conv, f"after-{futures[future]}", place=future.result())
    stop(conv, 4)
    post(conv, "last")


def part(conv, name):
    status = post(conv, name)
    stop(conv, ("slow", "quick", "medium", "late").index(name))
    return status


async def gather(conv):
    """Tasks that go on side by side, each with a second write after its first."""
    async def one(name, number):
        await asyncio.to_thread(post, conv, f"{name}-1")
        await asyncio.to_thread(stop, conv, number)
        return await asyncio.to_thread(post, conv, f"{name}-2")
    conv.state.statuses = await asyncio.gather(*(one(name, number) for number, name in enumerate("abcde")))
    await asyncio.to_thread(stop, conv, 5)
    await asyncio.to_thread(post, conv, "last")


def clocks(conv):
    """Time stamps, durations and counters of time in what is sent."""
    began = time.monotonic()
    for number in range(5):
        now = datetime.datetime.now(datetime.timezone.utc)
        post(conv, f"{number}", at=now.isoformat(), epoch=time.time(), duration_s=time.monotonic() - began)
        stop(conv, number)


def tries_again(conv):
    """A loop around a write, as tenacity makes one: the first answer of each is no."""
    for number in range(3):
        for _ in range(4):
            try:
                post(conv, f"{number}-unwilling")
                break
            except requests.RequestException:
                time.sleep(0.05)
        else:
            raise AssertionError("it never worked")
        stop(conv, number)
    post(conv, "last")


def abandons(conv):
    """Work that nobody waits for."""
    pool = concurrent.futures.ThreadPoolExecutor(2)
    for number in range(4):
        pool.submit(post, conv, f"abandoned-{number}")
        post(conv, f"{number}")
        stop(conv, number)
    pool.shutdown(wait=False)


def threads(conv):
    """The same write from each of some threads, whose order is anybody's guess."""
    for number in range(3):
        workers = [threading.Thread(target=post, args=(conv, f"{number}-{n}")) for n in range(3)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        stop(conv, number)


def streams(conv):
    """Something is done for each event of a stream, while it comes."""
    with requests.get(f"{conv.state.crm}/events/{conv.id}", stream=True, timeout=60) as events:
        for line in events.iter_lines():
            if line:
                number = int(line.removeprefix(b"data: "))
                post(conv, f"of-event-{number}")
                stop(conv, number)
    post(conv, "last")


def overtakes(conv):
    """In its second attempt it asks for something new before its thread asks for anything."""
    worker = threading.Thread(target=overtaken, args=(conv,))
    worker.start()
    if conv.run.attempt == 1:
        worker.join()
    post(conv, "own")
    worker.join()


def overtaken(conv):
    if conv.run.attempt > 1:
        time.sleep(0.3)
    post(conv, "of-the-thread")
    stop(conv, 0)
"#;

/// Each way, where it can be stopped, and how many writes it makes.
const WAYS: [(&str, u64, usize); 8] = [
    ("as_completed", 5, 9),
    ("gather", 6, 11),
    ("clocks", 5, 5),
    ("tries_again", 3, 4),
    ("abandons", 4, 8),
    ("threads", 3, 9),
    ("streams", 3, 4),
    ("overtakes", 1, 2),
];
const PROJECT: &str = "replay";
/// Nothing new is heard for so long once all that can go on has gone on.
const QUIET: Duration = Duration::from_secs(2);

/// What holds back stops: the first time that each is passed which is in the list.
#[derive(Clone, Default)]
struct Stops(Arc<Mutex<BTreeSet<String>>>);

impl Stops {
    fn add(&self, path: String) {
        self.0.lock().unwrap().insert(path);
    }

    fn take(&self, path: &str) -> bool {
        self.0.lock().unwrap().remove(path)
    }
}

/// Answers of its own pace, so that who is first is not who was asked first.
fn behave(crm: &Receiver, stops: &Stops) {
    let never = system_tests::Gate::closed();
    let (stops, mut unwilling) = (stops.clone(), BTreeSet::new());
    crm.behave(move |seen: &Seen| {
        let mark = seen.mark();
        if stops.take(&seen.path) {
            return Reply::done().behind(&never);
        }
        if mark.ends_with("unwilling") && unwilling.insert(mark.clone()) {
            return Reply::status(500);
        }
        if seen.path.starts_with("/events/") {
            return Reply::events(3, Duration::from_millis(50));
        }
        let pace = [("slow", 250), ("medium", 120), ("late", 400)];
        let millis = pace.iter().find(|(name, _)| mark.ends_with(&format!("/{name}")));
        Reply::done().after(Duration::from_millis(millis.map_or(5, |(_, millis)| *millis)))
    });
}

#[test]
fn interrupted_after_each_of_its_writes_and_once_more_every_function_ends_well_and_each_write_is_done_once() {
    let crm = Receiver::new();
    let stops = Stops::default();
    behave(&crm, &stops);
    let place = Place::new();
    let setup = setup(&place).set("concurrency", 40);
    let server = setup.start();
    server.deploy(project(FUNCTION, &[]).path(), PROJECT);
    let mut conversations = Vec::new();
    for (way, stops_of_way, _) in WAYS {
        for at in 0..stops_of_way {
            let id = format!("{way}-{at}");
            conversations.push(conversation(&id, &json!({"way": way, "crm": crm.url()})));
            stops.add(format!("/stop/{id}/{at}"));
        }
    }
    let runs = server.send_all(PROJECT, &conversations);
    kill_when_quiet(&server, &crm, &stops);

    // Each goes on to a stop that it has not passed yet, and is interrupted there once more.
    for (way, stops_of_way, _) in WAYS {
        let last = stops_of_way - 1;
        for at in 0..last {
            let parallel = matches!(way, "as_completed" | "gather");
            stops.add(format!(
                "/stop/{way}-{at}/{}",
                if parallel { last } else { at + 1 }
            ));
        }
    }
    let server = setup.start();
    kill_when_quiet(&server, &crm, &stops);

    let server = setup.start();
    let mut ends: BTreeMap<String, usize> = BTreeMap::new();
    for run in &runs {
        let detail = server.reached(run, |status| {
            system_tests::is_over(status) || status == "needs_decision"
        });
        let id = detail["run"]["external_id"].as_str().unwrap();
        assert_eq!(status(&detail), "succeeded", "{id}: {detail:#}");
        *ends.entry(outcomes(&detail).join(", ")).or_default() += 1;
    }
    println!("how the attempts of {} runs ended: {ends:#?}", runs.len());
    assert!(
        ends.keys().all(|ends| ends.starts_with("interrupted, ")),
        "{ends:#?}"
    );
    check_works(&crm);
}

/// Where the server dies with requests under way: at which of these, and at its how many-th pass.
const CUTS: [(&str, u64); 10] = [
    ("store.intent.after_commit", 1),
    ("store.intent.after_commit", 8),
    ("store.intent.after_commit", 15),
    ("store.intent.after_commit", 22),
    ("store.intent.after_commit", 30),
    ("store.outcome.after_commit", 2),
    ("store.outcome.after_commit", 9),
    ("store.outcome.after_commit", 16),
    ("store.outcome.before_commit", 23),
    ("store.outcome.before_commit", 30),
];

#[test]
fn cut_off_with_requests_under_way_every_function_ends_well_where_the_host_honours_keys() {
    let crm = Receiver::honouring_keys();
    behave(&crm, &Stops::default());
    let place = Place::new();
    let setup = setup(&place);
    let honours = format!(
        "{{ host: \"{}\", idempotency: {{ window_s: 86400 }} }}",
        crm.host()
    );
    setup
        .start()
        .deploy(project(FUNCTION, &[honours]).path(), PROJECT);
    for (point, nth) in CUTS {
        let server = setup.clone().fail_point(point, nth).start();
        let id = |way: &str| format!("{way}-{point}-{nth}");
        let conversations: Vec<_> = WAYS
            .iter()
            .map(|(way, ..)| conversation(&id(way), &json!({"way": way, "crm": crm.url()})))
            .collect();
        let runs = server.send_all(PROJECT, &conversations);
        server.wait_until_ended();
        assert!(server.was_killed(), "{point}:{nth}: {}", server.log_tail());
        drop(server);
        let server = setup.start();
        for (run, (way, _, count)) in runs.iter().zip(WAYS) {
            let detail = server.reached(run, |status| {
                system_tests::is_over(status) || status == "needs_decision"
            });
            assert_eq!(status(&detail), "succeeded", "{}: {detail:#}", id(way));
            let of_run = format!("{}/", id(way));
            let works = crm.works();
            let done: Vec<_> = works
                .iter()
                .filter(|(mark, _)| mark.starts_with(&of_run))
                .collect();
            assert_eq!(done.len(), count, "{done:#?}");
            assert!(done.iter().all(|(_, times)| **times == 1), "{done:#?}");
        }
    }
    assert_eq!(crm.misused_keys(), Vec::<String>::new());
}

/// Waits until every stop is reached and nothing else goes on, and kills the server.
fn kill_when_quiet(server: &Server<'_>, crm: &Receiver, stops: &Stops) {
    until("every stop is reached", || {
        stops.0.lock().unwrap().is_empty().then_some(())
    });
    let mut last = crm.seen().len();
    until("nothing else goes on", || {
        std::thread::sleep(QUIET);
        let before = std::mem::replace(&mut last, crm.seen().len());
        (before == last).then_some(())
    });
    server.kill();
    server.wait_until_nothing_is_left();
}

fn check_works(crm: &Receiver) {
    let writes = |mark: &str| !mark.starts_with("GET ");
    let works: Vec<_> = crm.works().into_iter().filter(|(mark, _)| writes(mark)).collect();
    let twice: Vec<_> = works.iter().filter(|(_, times)| *times != 1).collect();
    assert!(twice.is_empty(), "{twice:#?}");
    for (way, stops, count) in WAYS {
        for at in 0..stops {
            let of_run = format!("{way}-{at}/");
            let done: Vec<&String> = works
                .iter()
                .map(|(mark, _)| mark)
                .filter(|m| m.starts_with(&of_run))
                .collect();
            assert_eq!(done.len(), count, "{of_run}: {done:#?}");
        }
    }
    // What was asked for again after a no is the code's own retry: the same write, with the same key.
    let mut keys: BTreeMap<String, BTreeSet<Option<String>>> = BTreeMap::new();
    for seen in crm
        .seen()
        .into_iter()
        .filter(|seen| seen.mark().ends_with("unwilling"))
    {
        keys.entry(seen.mark()).or_default().insert(seen.key);
    }
    assert!(keys.values().all(|keys| keys.len() == 1), "{keys:#?}");
    assert_eq!(crm.misused_keys(), Vec::<String>::new());
}
