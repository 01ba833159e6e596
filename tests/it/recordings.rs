//! Holds the sandbox to a real server: every recorded request is sent to a sandbox seeded with what the recording shows, and the answer
//! compared: status, headers, body, and the effect on the requests that follow.
//!
//! Ids that a server makes up differ from run to run. Where the sandbox answers with a new id in the place of a recorded one, the two
//! are bound together; from then on the recorded id stands for the sandbox's, in requests and in answers.

#![expect(
    clippy::expect_used,
    reason = "a recording that cannot be read or played has failed its test"
)]

mod add_objects;
mod compare;
mod fixture;
mod initial_world;
mod objects;
mod scripts;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Duration;

use revoked::http::{Bounds, client};
use revoked_sandbox::{Options, Sandbox};

use compare::Bindings;
use fixture::{Case, Step};
use scripts::{NOT_REPLAYED, STOOD_IN_FOR, Script};

#[tokio::test]
async fn the_sandbox_answers_as_the_recorded_server_did() {
    let cases = fixture::load();
    let directory = initial_world::Directory::of(&cases);
    let client = client(Bounds::default()).expect("a client");
    let (mut replayed, mut report) = (0, String::new());
    for case in cases.values() {
        if NOT_REPLAYED.iter().any(|(name, _)| *name == case.case) {
            continue;
        }
        let problems = replay(case, &directory, &client).await;
        replayed += 1;
        for problem in problems {
            let _ = writeln!(report, "{}: {problem}", case.case);
        }
    }
    assert!(report.is_empty(), "{} differences:\n{report}", report.lines().count());
    assert!(replayed >= 121, "only {replayed} of {} cases were replayed", cases.len());
}

#[test]
fn every_recording_is_replayed_or_named_with_its_reason() {
    let cases: BTreeMap<String, Case> = fixture::load();
    for (name, reason) in NOT_REPLAYED {
        assert!(
            cases.contains_key(name),
            "{name} is named as not replayed, but there is no such recording"
        );
        assert!(!reason.is_empty());
    }
    for name in scripts::names() {
        assert!(
            cases.contains_key(name),
            "there is a script for {name}, but no such recording"
        );
    }
    let named = |list: &[(&str, &str)], case: &Case| list.iter().any(|(name, _)| *name == case.case);
    for case in cases.values().filter(|case| !named(&NOT_REPLAYED, case)) {
        let script = Script::of(&case.case);
        let mut events = case
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| step.event.is_some())
            .peekable();
        assert_eq!(
            events.peek().is_some(),
            named(&STOOD_IN_FOR, case),
            "{}: what stands for its events?",
            case.case
        );
        for (index, step) in events {
            let played = script.acts.iter().any(|(at, _)| *at == index);
            assert!(
                played,
                "{}: nothing plays the event of step {index}: {:?}",
                case.case, step.event
            );
        }
    }
}

/// Plays one case and returns what differed.
async fn replay(case: &Case, directory: &initial_world::Directory, client: &reqwest::Client) -> Vec<String> {
    let script = Script::of(&case.case);
    let (world, clock) = initial_world::world(case, directory, &script);
    let options = Options {
        rate: script.rate,
        clock,
        ..Options::default()
    };
    let mut bindings = Bindings::knowing(initial_world::ids_in(&world));
    let sandbox = Sandbox::start(world, options).await.expect("a sandbox starts");
    let mut problems = Vec::new();
    for (index, step) in case.steps.iter().enumerate() {
        if let Some((_, act)) = script.acts.iter().find(|(at, _)| *at == index) {
            let played = tokio::time::timeout(Duration::from_secs(30), act(&sandbox, client)).await;
            played.expect("an event is played in time");
        }
        if let Some((request, recorded)) = step.exchange() {
            let label = step.label.as_deref().unwrap_or("");
            let answer = send(&sandbox, client, &bindings, request).await;
            for problem in bindings.compare(recorded, &answer, script.loose) {
                problems.push(format!(
                    "step {index} ({label}) {} {}: {problem}",
                    request.method,
                    short(&request.path)
                ));
            }
        }
    }
    problems
}

fn short(path: &str) -> &str {
    path.get(..100).unwrap_or(path)
}

async fn send(sandbox: &Sandbox, client: &reqwest::Client, bindings: &Bindings, request: &fixture::Request) -> fixture::Response {
    let method = request.method.parse().expect("a method");
    let mut call = client.request(method, format!("{}{}", sandbox.url(), bindings.rewrite(&request.path)));
    for (name, value) in &request.headers {
        call = call.header(name, bindings.rewrite(value));
    }
    if let Some(body) = &request.body {
        call = call.body(bindings.rewrite(body));
    }
    let answer = call.send().await.expect("an answer");
    let headers = answer
        .headers()
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
        .collect();
    let status = answer.status().as_u16();
    let body = answer.text().await.expect("a body");
    fixture::Response {
        status,
        headers,
        body: Some(body),
    }
}

impl Step {
    fn exchange(&self) -> Option<(&fixture::Request, &fixture::Response)> {
        self.request.as_ref().zip(self.response.as_ref())
    }
}
