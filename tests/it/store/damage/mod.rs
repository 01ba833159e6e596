//! Every column of every table is damaged in turn, as another program or a failing disk could do it beside a running daemon. Whatever it is,
//! what has nothing to do with it is taken in, claimed, settled and told, every list is shown, and the trail can be verified.
//!
//! The damages come from the schema: a new table must be furnished here, a new column is included by itself. What the schema does not refuse
//! must stop nothing. What it refuses can come about only with its rules switched off, or by a damaged file; it must not stop anything either.
//! What SQLite itself does not let be, whatever the schema says, is not tried. The one exception is the head of the trail: every change is
//! appended to it, so a daemon ends where it makes no sense, and no other starts (`daemon/dead_writer`).

mod converted;
mod furnished;
mod making;
mod receivers;
mod round;

use std::panic::AssertUnwindSafe;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use futures_util::FutureExt as _;
use revoked::clock::Clock;
use revoked::store::{Role, Store};

use super::NOW;
use making::{Damage, Made, damages, make};
use round::{Wrong, look, start, work};

/// How many stores are looked at side by side: each has a writer and readers that wait for each other.
const SIDE_BY_SIDE: usize = 4;

/// Tables that hold the trail: what is damaged there is found by verification, and nothing may be appended to a head that makes no sense.
const TRAIL: &[&str] = &["trail", "trail_head", "trail_block", "checkpoint"];

#[tokio::test(flavor = "multi_thread")]
async fn whatever_column_is_damaged_the_rest_goes_on_and_every_list_is_shown() {
    let place = furnished::furnished().await;
    place.store.close().await;
    let damages = damages(&place.path).await;
    let outcomes = tokio::task::block_in_place(|| all(&place.path, damages));
    let count = |made| outcomes.iter().filter(|outcome| outcome.1 == made).count();
    println!(
        "{} damages by the rules, {} past them, {} never",
        count(Made::ByTheRules),
        count(Made::PastTheRules),
        count(Made::Never)
    );
    let mut wrong: Vec<String> = outcomes
        .iter()
        .flat_map(|(damage, made, wrong)| {
            let told = move |what: &String| format!("{made:?}: {}.{} = {}: {what}", damage.table, damage.column, damage.value);
            wrong.iter().map(told)
        })
        .collect();
    wrong.sort();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

/// What became of each.
fn all(template: &Path, damages: Vec<Damage>) -> Vec<(Damage, Made, Vec<String>)> {
    let (left, outcomes) = (Mutex::new(damages), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for _ in 0..SIDE_BY_SIDE {
            scope.spawn(|| {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                loop {
                    let next = left.lock().unwrap().pop();
                    let Some(damage) = next else { break };
                    let bounded = async { tokio::time::timeout(crate::wait::BOUND, outcome(template, &damage)).await };
                    let (made, wrong) = match runtime.block_on(AssertUnwindSafe(bounded).catch_unwind()) {
                        Ok(Ok(outcome)) => outcome,
                        Ok(Err(_)) => (Made::PastTheRules, vec!["it comes to no end".to_owned()]),
                        Err(_) => (Made::PastTheRules, vec!["a panic".to_owned()]),
                    };
                    outcomes.lock().unwrap().push((damage, made, wrong));
                }
            });
        }
    });
    outcomes.into_inner().unwrap()
}

/// How a damage came about, and what went wrong that has nothing to do with it.
async fn outcome(template: &Path, damage: &Damage) -> (Made, Vec<String>) {
    let (_folder, path) = copy_of(template);
    let clock = Clock::fixed(NOW);
    let store = Store::open(&path, Role::Daemon, clock.clone()).await.unwrap();
    let made = make(&path, damage).await;
    let mut wrong = Wrong::default();
    if made != Made::Never {
        if TRAIL.contains(&damage.table.as_str()) {
            // Nothing may end the store; what it says is another matter.
            let kind = revoked_trail::EntryKind::DaemonStarted;
            drop(store.record(kind, serde_json::json!({})).await);
        } else {
            start(&store, &mut wrong).await;
            work(&store, &clock, &path, &mut wrong).await;
        }
        look(&store, &mut wrong).await;
    }
    store.close().await;
    (made, wrong.0)
}

fn copy_of(template: &Path) -> (tempfile::TempDir, PathBuf) {
    // In memory where there is such a folder: what is looked at is no disk.
    let memory = Path::new("/dev/shm");
    let folder = if memory.is_dir() {
        tempfile::tempdir_in(memory).unwrap()
    } else {
        tempfile::tempdir().unwrap()
    };
    let path = folder.path().join("revoked.db");
    std::fs::copy(template, &path).unwrap();
    (folder, path)
}
