//! What a server is asked, over its API and by the command line.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::command::{self, Ended};
use crate::http::{Answer, Target, request};
use crate::server::{Server, told_file};
use crate::wait::until;

impl Server<'_> {
    /// Its socket.
    #[must_use]
    pub fn target(&self) -> Target {
        Target::Socket(self.place.data().join("aftercall.sock"))
    }

    /// Its address, which it tells once it listens.
    #[must_use]
    pub fn address(&self) -> Target {
        let told = fs::read_to_string(told_file(self.place)).unwrap();
        let told: Value = serde_json::from_str(told.trim()).unwrap_or_else(|error| panic!("{error}: {told}"));
        Target::Tcp(told["listen"][0].as_str().unwrap().parse().unwrap())
    }

    /// One request over its socket.
    ///
    /// # Errors
    /// When it cannot be reached, or goes in the middle of it.
    pub fn request(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<bytes::Bytes>,
    ) -> Result<Answer, String> {
        request(
            &Target::Socket(self.place.data().join("aftercall.sock")),
            method,
            path,
            headers,
            body,
        )
    }

    /// What is there.
    #[must_use]
    #[track_caller]
    pub fn get(&self, path: &str) -> Value {
        self.request("GET", path, &[], "").unwrap().expect(200).json()
    }

    /// A document is handed over.
    ///
    /// # Errors
    /// As [`Self::request`].
    pub fn try_post(&self, path: &str, document: &Value) -> Result<Answer, String> {
        self.request(
            "POST",
            path,
            &[("content-type", "application/json")],
            document.to_string(),
        )
    }

    /// A document is handed over.
    #[track_caller]
    pub fn post(&self, path: &str, document: &Value) -> Answer {
        self.try_post(path, document).unwrap()
    }

    /// Runs a command that speaks to it.
    pub fn cli(&self, arguments: &[&str]) -> Ended {
        let data = self.place.data().display().to_string();
        command::run(arguments.iter().copied().chain(["--data", &data]))
    }

    /// Deploys a project, and gives the deployment.
    #[track_caller]
    pub fn deploy(&self, project: &Path, name: &str) -> Value {
        let folder = project.display().to_string();
        let ended = self
            .cli(&["deploy", &folder, "--project", name, "--json"])
            .expect(0);
        ended.json()["deployment"].clone()
    }

    /// Hands in one conversation.
    #[track_caller]
    pub fn send(&self, project: &str, conversation: &Value) -> Answer {
        self.post(&format!("/v1/conversations?project={project}"), conversation)
    }

    /// Hands in many, which must all be new, and gives their runs.
    #[track_caller]
    pub fn send_all(&self, project: &str, conversations: &[Value]) -> Vec<String> {
        let answers = self.send_batch(project, conversations);
        assert_eq!(answers.len(), conversations.len());
        let new = |answer: &Value| {
            assert_eq!(answer["status"], 202, "{answer}");
            answer["accepted"]["run_id"].as_str().unwrap().to_owned()
        };
        answers.iter().map(new).collect()
    }

    /// Hands in many, and gives the answers.
    #[track_caller]
    pub fn send_batch(&self, project: &str, conversations: &[Value]) -> Vec<Value> {
        let lines: String = conversations.iter().map(|one| format!("{one}\n")).collect();
        let path = format!("/v1/conversations?project={project}");
        self.request("POST", &path, &[("content-type", "application/x-ndjson")], lines)
            .unwrap()
            .expect(200)
            .lines()
    }

    /// Everything about a run.
    #[must_use]
    #[track_caller]
    pub fn run(&self, id: &str) -> Value {
        self.get(&format!("/v1/runs/{id}"))
    }

    /// Everything about a run that is over; waits for that.
    #[must_use]
    #[track_caller]
    pub fn finished(&self, id: &str) -> Value {
        self.reached(id, is_over)
    }

    /// Everything about a run once it is in such a state.
    #[must_use]
    #[track_caller]
    pub fn reached(&self, id: &str, wanted: impl Fn(&str) -> bool) -> Value {
        until(&format!("run {id} gets there"), || {
            let detail = self.run(id);
            wanted(detail["run"]["status"].as_str().unwrap()).then_some(detail)
        })
    }

    /// All runs of a listing, whatever its pages.
    #[must_use]
    #[track_caller]
    pub fn runs(&self, filter: &str) -> Vec<Value> {
        let mut runs = Vec::new();
        let mut after = String::new();
        loop {
            let page = self.get(&format!("/v1/runs?limit=1000&{filter}{after}"));
            runs.extend(page["runs"].as_array().unwrap().iter().cloned());
            match page["next"].as_str() {
                Some(next) => after = format!("&after={next}"),
                None => return runs,
            }
        }
    }

    /// Waits until no run is left to be done.
    pub fn wait_until_done(&self) {
        until("no run is left to be done", || {
            (self.get("/v1/status")["queue"]["unfinished"] == 0).then_some(())
        });
    }
}

/// Whether nothing more happens to a run by itself.
#[must_use]
pub fn is_over(status: &str) -> bool {
    matches!(
        status,
        "succeeded" | "completed_with_failures" | "failed" | "cancelled"
    )
}
