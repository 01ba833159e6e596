//! The daemon's look at what commands ask: within a fraction of a second, a few at once, and nothing is kept for longer than an hour.

use std::collections::BTreeSet;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::{Answer, Answerer, Order, Question};
use crate::daemon::reload::Reloader;
use crate::model::{Actor, error_chain};
use crate::store::{OpenQuestion, Result, Store};

/// How many questions are answered at once; the next ones wait.
const AT_ONCE: usize = 4;
/// How many targets and names one question may be about.
const MOST: usize = 1024;
/// How long an answer may take: a canary that is tried takes the longest.
const WITHIN: Duration = Duration::from_mins(10);
/// The longest answer. Whoever asks about less at once gets the whole.
const LONGEST: usize = 4 << 20;
/// How long what nobody has fetched is kept, and how often that is looked for.
const KEPT: Duration = Duration::from_hours(1);
const TIDY_EVERY: Duration = Duration::from_mins(10);
/// How long to wait after the store could not be read.
const AFTER_TROUBLE: Duration = Duration::from_secs(1);

/// Answers until `stop`. A question that is at work then is left without an answer, and whoever waits for it sees that the daemon is gone.
pub(in crate::daemon) async fn run(store: Store, answerer: Answerer, reloader: Reloader, stop: CancellationToken) {
    while let Some(outcome) = stop.run_until_cancelled(watch(&store, &answerer, &reloader)).await {
        if let Err(error) = outcome {
            tracing::error!(error = %error_chain(&error), "could not read what commands ask");
        }
        if stop.run_until_cancelled(tokio::time::sleep(AFTER_TROUBLE)).await.is_none() {
            return;
        }
    }
}

async fn watch(store: &Store, answerer: &Answerer, reloader: &Reloader) -> Result<()> {
    let mut commits = store.watch_commits().await?;
    let mut tidy = tokio::time::interval(TIDY_EVERY);
    let mut at_work = BTreeSet::new();
    let mut answers = JoinSet::new();
    loop {
        for question in store.open_questions().await? {
            if at_work.len() < AT_ONCE && at_work.insert(question.id) {
                let (store, answerer, reloader) = (store.clone(), answerer.clone(), reloader.clone());
                answers.spawn(async move {
                    let id = question.id;
                    answer(&store, &answerer, &reloader, question).await;
                    id
                });
            }
        }
        tokio::select! {
            changed = commits.changed() => changed?,
            Some(done) = answers.join_next() => match done {
                Ok(id) => _ = at_work.remove(&id),
                // Which one it was is not known; the questions are looked at anew.
                Err(error) => {
                    tracing::error!(%error, "answering a command has panicked");
                    return Ok(());
                }
            },
            _ = tidy.tick() => store.forget_questions(store.clock().now().minus(KEPT)).await?,
        }
    }
}

async fn answer(store: &Store, answerer: &Answerer, reloader: &Reloader, question: OpenQuestion) {
    let OpenQuestion { id, question, asked_by } = question;
    let text = match serde_json::from_str(&question) {
        Ok(Order::Reload) => reload(reloader.clone(), &asked_by).await,
        Err(_) => ask(answerer, &question, &asked_by).await,
    };
    if let Err(error) = store.answer_question(id, text).await {
        tracing::warn!(error = %error_chain(&error), "could not answer a command");
    }
}

/// Has the config read anew, in work of its own: what is begun of that is not given up where the questions are looked at anew.
async fn reload(reloader: Reloader, asked_by: &str) -> String {
    let by = asked_by.parse().unwrap_or(Actor::Daemon);
    match tokio::spawn(async move { reloader.reload(by).await }).await {
        Ok(outcome) => serde_json::to_string(&Ok::<_, String>(outcome)).unwrap_or_else(|_| UNWRITABLE.to_owned()),
        Err(_) => r#"{"Err":"reading the config anew met a defect, which the log tells"}"#.to_owned(),
    }
}

/// Asks the targets.
async fn ask(answerer: &Answerer, question: &str, asked_by: &str) -> String {
    let answers = match serde_json::from_str::<Vec<Question>>(question) {
        Err(_) => {
            Err("the daemon is of another version than the command, and does not understand what is asked: restart it".to_owned())
        }
        Ok(questions) if questions.len() > MOST => Err(format!("more than {MOST} things are asked at once")),
        Ok(questions) => {
            tracing::info!(%asked_by, targets = questions.len(), "asks targets for a command");
            let asked = tokio::time::timeout(WITHIN, answerer.answer(&questions)).await;
            asked.map_err(|_| format!("the targets did not answer within {} s", WITHIN.as_secs()))
        }
    };
    let mut text = written(&answers);
    if text.len() > LONGEST {
        text = written(&Err(format!(
            "the answer has {} MiB, more than is kept: ask about one target at a time",
            text.len() >> 20
        )));
    }
    text
}

/// The answer in the place of one that cannot be written.
const UNWRITABLE: &str = r#"{"Err":"the answer cannot be written down"}"#;

fn written(answers: &std::result::Result<Vec<Answer>, String>) -> String {
    serde_json::to_string(answers).unwrap_or_else(|_| UNWRITABLE.to_owned())
}
