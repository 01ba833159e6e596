//! The job that every peer runs: look a person up, end all sessions, list what is left. Three calls, no proof, no trail.

use std::time::{Duration, Instant};

use tokio::sync::mpsc;

/// How many jobs are enqueued one by one and then run.
pub const JOBS: usize = 2000;
/// How many run at once.
pub const AT_ONCE: usize = 64;
/// How many come alone, to see how soon their revoke leaves.
const ALONE: usize = 50;

/// Makes the calls, and tells when a revoke is about to leave.
#[derive(Debug, Clone)]
pub struct Caller {
    client: reqwest::Client,
    url: String,
    token: String,
    done: mpsc::UnboundedSender<Instant>,
}

/// Hears of each job that is done when its revoke left.
pub struct Done(mpsc::UnboundedReceiver<Instant>);

/// The caller for the server that the arguments name (`URL TOKEN`), and the folder for the queue's file (`FOLDER`).
pub fn from_arguments() -> (Caller, Done, std::path::PathBuf) {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("three arguments: URL TOKEN FOLDER");
    let (done, heard) = mpsc::unbounded_channel();
    let caller = Caller {
        client: reqwest::Client::new(),
        url: next(),
        token: next(),
        done,
    };
    (caller, Done(heard), next().into())
}

impl Caller {
    /// Does the job.
    pub async fn end_sessions(&self, person: usize) -> Result<(), String> {
        let name = format!("user{person:04}");
        let user: serde_json::Value = self.call(reqwest::Method::GET, &format!("users/username/{name}")).await?;
        let id = user["id"].as_str().ok_or("a person has an id")?;
        let left = Instant::now();
        self.call(reqwest::Method::POST, &format!("users/{id}/sessions/revoke/all"))
            .await?;
        let rest = self.call(reqwest::Method::GET, &format!("users/{id}/sessions")).await?;
        if rest.as_array().is_none_or(|rest| !rest.is_empty()) {
            return Err(format!("sessions are left: {rest}"));
        }
        self.done.send(left).map_err(|error| error.to_string())
    }

    async fn call(&self, method: reqwest::Method, path: &str) -> Result<serde_json::Value, String> {
        let request = self.client.request(method, format!("{}/api/v4/{path}", self.url));
        let answer = request
            .bearer_auth(&self.token)
            .send()
            .await
            .map_err(|error| error.to_string())?;
        let answer = answer.error_for_status().map_err(|error| error.to_string())?;
        answer.json().await.map_err(|error| error.to_string())
    }
}

impl Done {
    /// Waits for so many jobs.
    pub async fn wait(&mut self, jobs: usize) {
        for _ in 0..jobs {
            self.0.recv().await.expect("the queue runs");
        }
    }

    /// From the call that enqueues a job on an idle queue to its revoke, in milliseconds: the median.
    pub async fn reaction(&mut self, mut enqueue: impl AsyncFnMut(usize)) -> f64 {
        let mut waits = Vec::new();
        for person in JOBS + 1..=JOBS + ALONE {
            tokio::time::sleep(Duration::from_millis(20)).await;
            let began = Instant::now();
            enqueue(person).await;
            let left = self.0.recv().await.expect("the queue runs");
            waits.push(left.duration_since(began).as_secs_f64() * 1000.0);
        }
        waits.sort_by(f64::total_cmp);
        waits[ALONE / 2]
    }
}

/// Prints the row of the table: name, jobs a second, enqueues a second, reaction.
pub fn print(name: &str, jobs: Duration, enqueues: Duration, reaction: f64) {
    let rate = |took: Duration| JOBS as f64 / took.as_secs_f64();
    println!("| {name} | {:.0} | {:.0} | {reaction:.1} ms |", rate(jobs), rate(enqueues));
}
