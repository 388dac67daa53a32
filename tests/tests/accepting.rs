//! Conversations are handed in, held, run, repaired and refused as the API promises.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde_json::{Value, json};
use system_tests::{
    Answer, Place, Project, Server, Target, WAITING_PY, conversation, now, request, until, waiting,
};

const ENDS: &str = "def end_function(conv):\n    conv.state.ended = True\n";
const SLEEPS: &str = "import time\n\n\ndef end_function(conv):\n    conv.log.info('sleeping')\n    time.sleep(conv.state.stays_s)\n    conv.state.ended = True\n";
/// Waits until it is told.
const WAITS: &str = "from .waiting import until_told\n\n\ndef end_function(conv):\n    if conv.state.waits:\n        conv.log.info('waiting')\n        until_told()\n    conv.state.ended = True\n";
const BROKEN: &str = "def end_function(conv):\n    conv.state.ended = conv.state['absent']\n";

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

#[test]
fn a_bad_line_of_a_batch_is_refused_alone_with_field_and_fix() {
    let place = Place::new();
    let server = place.server().start();
    server.deploy(Project::of(ENDS).path(), "desk");
    let document = conversation("call-1", &json!({"topic": "opening hours"}));
    let nested = json!({"id": "call-3", "turns": [{"role": "user", "text": 7}]});
    let lines = format!(
        "{document}\n{{\"id\": \"call-2\",\n\n{nested}\n{}\n",
        conversation("call-4", &json!({}))
    );
    let answers = server
        .request(
            "POST",
            "/v1/conversations?project=desk",
            &[("content-type", "application/x-ndjson")],
            lines,
        )
        .unwrap()
        .expect(200)
        .lines();
    let statuses: Vec<_> = answers
        .iter()
        .map(|answer| {
            (
                answer["line"].as_u64().unwrap(),
                answer["status"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(statuses, [(1, 202), (2, 400), (4, 400), (5, 202)], "{answers:#?}");
    assert_eq!(answers[1]["problem"]["code"], "AC0101");
    let problem = &answers[2]["problem"];
    assert_eq!(
        (&problem["code"], &problem["errors"][0]["path"]),
        (&json!("AC0102"), &json!("/turns/0/text")),
        "{problem:#}"
    );
    assert!(!text(&problem["errors"][0]["fix"]).is_empty());

    assert_eq!(server.runs("").len(), 2);
}

#[test]
fn the_same_again_is_the_same_run_and_other_content_is_told_what_differs() {
    let place = Place::new();
    let server = place.server().start();
    server.deploy(Project::of(ENDS).path(), "desk");
    let document = conversation("call-1", &json!({"topic": "opening hours"}));
    let run = &server.send("desk", &document).expect(202).json()["run_id"];
    // The order of keys and the way to write a text are not content.
    let same = document
        .to_string()
        .replacen("\"id\":\"call-1\"", "\"id\" : \"c\\u0061ll-1\"", 1);
    let again = server
        .request(
            "POST",
            "/v1/conversations?project=desk",
            &[("content-type", "application/json")],
            same,
        )
        .unwrap();
    let again = again.expect(200).json();
    assert_eq!((&again["run_id"], &again["known"]), (run, &json!(true)));

    let mut other = document;
    other["state"]["topic"] = json!("refund");
    other["turns"][1]["text"] = json!("Something else.");
    let conflict = server.send("desk", &other).expect(409).json();
    assert_eq!(
        (&conflict["code"], &conflict["kept_run_id"]),
        (&json!("AC0103"), run)
    );
    let mut differences: Vec<_> = conflict["differences"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| text(&one["path"]))
        .collect();
    differences.sort_unstable();
    assert_eq!(differences, ["/state/topic", "/turns/1/text"], "{conflict:#}");
    let kept = server.get("/v1/conversations/call-1?project=desk");
    assert_eq!(
        kept["document"]["state"]["topic"], "opening hours",
        "the first is kept"
    );
    assert_eq!(server.runs("").len(), 1);

    let unknown = server.send("nobody", &other).expect(404).json();
    assert_eq!(unknown["code"], "AC0107");
    assert_eq!(unknown["type"], "/docs/errors/AC0107.md");
}

#[test]
fn a_conversation_for_an_environment_without_a_deployment_is_held_with_the_reason_and_runs_once_there_is_one()
{
    let place = Place::new();
    let server = place.server().start();
    let deployment = server.deploy(Project::of(ENDS).path(), "desk");
    let mut document = conversation("early", &json!({}));
    document["environment"] = json!("live");
    let accepted = server.send("desk", &document).expect(202).json();
    assert_eq!(
        (&accepted["hold"], &accepted["status"]),
        (&json!("no_active_deployment"), &json!("queued")),
        "{accepted:#}"
    );
    assert!(text(&accepted["detail"]).contains("live"), "{accepted:#}");
    let short = &text(&deployment["id"])[..12];
    let told = server
        .cli(&["deployments", "promote", short, "--to", "live", "--json"])
        .expect(0)
        .json();
    assert_eq!(told["released_runs"], 1);
    let detail = server.finished(text(&accepted["run_id"]));
    assert_eq!(
        (&detail["run"]["status"], &detail["run"]["environment"]),
        (&json!("succeeded"), &json!("live"))
    );
}

#[test]
fn a_dead_letter_is_retried_on_a_fixed_deployment_and_a_run_under_way_is_cancelled() {
    let place = Place::new();
    let server = place.server().set("attempts", 2).set("backoff.base_s", 0).start();
    let broken = server.deploy(Project::of(BROKEN).path(), "desk");
    let run = server
        .send_all("desk", &[conversation("mended", &json!({}))])
        .remove(0);
    assert_eq!(server.finished(&run)["run"]["status"], "failed");
    let story = server.cli(&["runs", "show", &run]).expect(1).out;
    for part in [
        "KeyError",
        "functions/end_function.py",
        "conv.state['absent']",
        "retry",
    ] {
        assert!(story.contains(part), "{part} is missing:\n{story}");
    }

    let waits = [
        ("functions/end_function.py", WAITS),
        ("functions/waiting.py", WAITING_PY),
    ];
    let mended = server.deploy(Project::files(&waits).path(), "desk");
    // By itself a run stays on the deployment that it began on.
    server.cli(&["runs", "retry", &run]).expect(0);
    until("the retry failed too", || {
        (server.run(&run)["attempts"].as_array().unwrap().len() == 4).then_some(())
    });
    let detail = server.finished(&run);
    assert_eq!(detail["run"]["status"], "failed", "{detail:#}");
    server
        .cli(&["runs", "retry", &run, "--deployment", &text(&mended["id"])[..10]])
        .expect(0);
    let detail = server.finished(&run);
    assert_eq!(detail["run"]["status"], "succeeded", "{detail:#}");
    let deployments: Vec<_> = detail["attempts"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attempt| &attempt["deployment"])
        .collect();
    let (broken, mended) = (&broken["id"], &mended["id"]);
    assert_eq!(
        deployments,
        [broken, broken, broken, broken, mended],
        "what each attempt ran is recorded"
    );

    let refused = server.cli(&["runs", "cancel", &run]).expect(1);
    assert!(refused.err.contains("AC0706"), "{refused:#?}");
    let long = server
        .send_all("desk", &[conversation("long", &json!({"waits": true}))])
        .remove(0);
    let _ = server.reached(&long, |status| status == "running");
    let said = server.cli(&["runs", "logs", &long]).expect(0).out;
    assert!(said.contains("under way"), "{said}");
    // What an attempt logs cannot be seen before it ends; by the time it waits, its first line is on its way.
    let _cut_off = waiting(&server, 1);
    let began = now();
    server.cli(&["runs", "cancel", &long]).expect(0);
    until("its child is ended", || {
        (server.get("/v1/status")["runner"]["running"] == 0).then_some(())
    });
    println!("a cancelled attempt was ended after {:?}", began.elapsed());
    let detail = server.run(&long);
    assert_eq!(
        (&detail["run"]["status"], &detail["attempts"][0]["outcome"]),
        (&json!("cancelled"), &json!("cancelled")),
        "{detail:#}"
    );
    let logged = until("what it logged is kept", || {
        let attempt = server.run(&long)["attempts"][0].clone();
        (attempt["confinement"] != "").then_some(attempt)
    });
    assert_eq!(logged["logs"][0]["content"], "waiting", "{logged:#}");
}

#[test]
fn on_sigterm_what_runs_may_end_what_takes_longer_is_given_back_and_nothing_is_counted_against_it() {
    let place = Place::new();
    let setup = place.server().set("drain_s", 6).set("concurrency", 4);
    let server = setup.start();
    server.deploy(Project::of(SLEEPS).path(), "desk");
    let stays = |id: &str, stays_s: u32| conversation(id, &json!({"stays_s": stays_s}));
    let mut runs = server.send_all(
        "desk",
        &[
            stays("short-1", 2),
            stays("short-2", 2),
            stays("long", 12),
            stays("short-3", 2),
            stays("later", 0),
        ],
    );
    until("four run", || {
        (server.get("/v1/status")["runner"]["running"] == 4).then_some(())
    });
    server.terminate();
    // The signal may take a moment to arrive; what is taken until then is kept.
    let mut late = 0;
    until("nothing new is taken", || {
        late += 1;
        match server.try_post(
            "/v1/conversations?project=desk",
            &stays(&format!("late-{late}"), 0),
        ) {
            Ok(answer) if answer.status == 202 => {
                runs.push(text(&answer.json()["run_id"]).to_owned());
                None
            }
            Ok(answer) => {
                assert_eq!(answer.expect(503).json()["code"], "AC0108");
                Some(())
            }
            // It does not even listen any more.
            Err(_) => Some(()),
        }
    });
    let status = server.wait_until_ended();
    assert_eq!(status.code(), Some(0), "{}", server.log_tail());
    assert!(server.processes().is_empty(), "nothing is left");

    let server = setup.start();
    server.wait_until_done();
    let attempts = runs.iter().map(|run| {
        let detail = server.run(run);
        assert_eq!(
            (&detail["run"]["status"], &detail["run"]["failures"]),
            (&json!("succeeded"), &json!(0)),
            "{detail:#}"
        );
        detail["attempts"]
            .as_array()
            .unwrap()
            .iter()
            .map(|attempt| text(&attempt["outcome"]).to_owned())
            .collect::<Vec<_>>()
    });
    let attempts: Vec<_> = attempts.collect();
    let once = || vec!["returned".to_owned()];
    let cut_off = vec!["interrupted".to_owned(), "returned".to_owned()];
    assert_eq!(attempts[..5], [once(), once(), cut_off, once(), once()]);
    assert!(attempts[5..].iter().all(|outcomes| *outcomes == once()));
}

/// One request over the network with a key.
fn with_key(address: &Target, key: &str, method: &str, path: &str, body: &Value) -> Answer {
    let bearer = format!("Bearer {key}");
    let headers = [
        ("authorization", bearer.as_str()),
        ("content-type", "application/json"),
    ];
    request(address, method, path, &headers, body.to_string()).unwrap()
}

fn key(server: &Server<'_>, arguments: &[&str]) -> (String, String) {
    let all = [&["keys", "create"], arguments, &["--json"]].concat();
    let made = server.cli(&all).expect(0).json();
    (
        text(&made["secret"]).to_owned(),
        text(&made["key"]["id"]).to_owned(),
    )
}

fn code(answer: &Answer) -> (u16, String) {
    (answer.status, text(&answer.json()["code"]).to_owned())
}

fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

const POST: &str = "/v1/conversations?project=desk";

#[test]
fn over_the_network_nobody_comes_in_without_a_key_that_is_valid_and_not_revoked() {
    let place = Place::new();
    let server = place.server().start();
    server.deploy(Project::of(ENDS).path(), "desk");
    let address = server.address();
    let document = conversation("keyed", &json!({}));
    let nobody = request(
        &address,
        "POST",
        POST,
        &[("content-type", "application/json")],
        document.to_string(),
    )
    .unwrap();
    assert_eq!(code(&nobody), refused(401, "AC0701"));
    let (right, id) = key(&server, &["phones", "--env", "sandbox"]);
    with_key(&address, &right, "POST", POST, &document).expect(202);
    let wrong = format!("{}{}", &right[..right.len() - 8], "AAAAAAAA");
    assert_eq!(
        code(&with_key(&address, &wrong, "POST", POST, &document)),
        refused(401, "AC0702")
    );
    server.cli(&["keys", "revoke", &id]).expect(0);
    assert_eq!(
        code(&with_key(&address, &right, "POST", POST, &document)),
        refused(401, "AC0702")
    );
    let open = request(&address, "GET", "/healthz", &[], "").unwrap();
    assert_eq!(open.status, 200, "whether it is alive needs no key");
}

#[test]
fn a_key_may_do_what_its_scope_project_and_environments_say_and_no_more() {
    let place = Place::new();
    let server = place.server().start();
    // The same files in two projects are two deployments.
    server.deploy(Project::of(ENDS).path(), "desk");
    server.deploy(Project::of(ENDS).path(), "other");
    let elsewhere = server
        .send_all("other", &[conversation("elsewhere", &json!({}))])
        .remove(0);
    let address = server.address();
    let document = conversation("keyed", &json!({}));
    let of_desk = |scope| {
        key(
            &server,
            &["desk", "--project", "desk", "--env", "sandbox", "--scope", scope],
        )
        .0
    };

    let ingest = of_desk("ingest");
    with_key(&address, &ingest, "POST", POST, &document).expect(202);
    let again = with_key(&address, &ingest, "POST", "/v1/conversations", &document)
        .expect(200)
        .json();
    let run = format!("/v1/runs/{}", text(&again["run_id"]));
    with_key(&address, &ingest, "GET", &run, &json!({})).expect(200);
    let not_allowed = [
        ("POST", "/v1/conversations?project=other"),
        ("POST", "/v1/conversations?project=desk&environment=live"),
        ("GET", "/v1/conversations/keyed"),
        ("POST", "/v1/keys"),
        ("POST", "/v1/activations"),
        ("POST", "/v1/deployments?project=desk"),
        ("GET", "/v1/config"),
    ];
    let new = conversation("not allowed", &json!({}));
    for (method, path) in not_allowed {
        let answer = with_key(&address, &ingest, method, path, &new);
        assert_eq!(code(&answer), refused(403, "AC0703"), "{method} {path}");
    }
    let hidden = with_key(
        &address,
        &ingest,
        "GET",
        &format!("/v1/runs/{elsewhere}"),
        &json!({}),
    );
    assert_eq!(
        code(&hidden),
        refused(404, "AC0704"),
        "another project's run is not even there"
    );

    let operate = of_desk("operate");
    with_key(&address, &operate, "GET", "/v1/conversations/keyed", &json!({})).expect(200);
    let answer = with_key(
        &address,
        &operate,
        "POST",
        "/v1/deployments?project=desk",
        &json!({}),
    );
    assert_eq!(code(&answer), refused(403, "AC0703"));
}
