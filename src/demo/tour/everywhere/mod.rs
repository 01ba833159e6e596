//! The last stop of the tour: one person who has left, contained by one request in Mattermost and at three more systems.
//!
//! `stand_ins` plays those three. What is held is used afterwards, whatever the daemon said.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::Context as _;
use revoked_sandbox::Sandbox;
use revoked_trail::key::random_key;
use serde::Serialize;
use tokio::time::Instant;

use super::scenario::quoted;
use super::{ProgressSender, installation};
use crate::clock::Clock;
use crate::config::Config;
use crate::daemon::Daemon;
use crate::demo::expectation::{Expectation, expect};
use crate::demo::folder::Folder;
use crate::model::{Reason, Verdict};
use crate::store::{CaseDetail, InboxRow, ListFilter, Store};

mod stand_ins;

use stand_ins::StandIns;

/// Who has left.
const WHO: &str = "user25";
/// How long it may take.
const PATIENCE: Duration = Duration::from_mins(1);
/// How often the store is looked at.
const EVERY: Duration = Duration::from_millis(10);

/// What came of one person at several targets.
#[derive(Debug, Clone, Serialize)]
pub struct Everywhere {
    /// The person, by username.
    pub who: String,
    /// The case.
    pub case: i64,
    /// The worst of the verdicts; absent where the case was not over in time.
    pub verdict: Option<String>,
    /// From the request to the verdict, in milliseconds.
    pub contained_ms: Option<u64>,
    /// What was proved at each.
    pub targets: Vec<AtTarget>,
}

/// What was proved at one target.
#[derive(Debug, Clone, Serialize)]
pub struct AtTarget {
    /// Its name.
    pub target: String,
    /// What was proved, in words.
    pub verdict: String,
}

/// Has the person contained everywhere, and says what came of it and whether it is true.
pub(super) async fn run(
    folder: &Folder,
    sandbox: &Sandbox,
    clock: &Clock,
    progress: &ProgressSender,
) -> anyhow::Result<(Everywhere, Vec<Expectation>)> {
    let email = format!("{WHO}@example.test");
    let stand_ins = StandIns::start(WHO, &email).await?;
    let config = write(folder, sandbox, &stand_ins)?;
    let checked = Config::load(&config, clock).context("loading the config of four targets")?;
    let daemon = Daemon::start(checked, clock.clone())
        .await
        .context("starting the daemon with four targets")?;
    progress.line(format!(
        "everywhere: {WHO} leaves; asked for once, by the address alone, at Mattermost, a directory, a notebook server and a message broker"
    ));
    let store = daemon.store();
    store
        .submit_request(InboxRow {
            subject: format!("email:{email}"),
            reason: Reason::Departed.word().to_owned(),
            requested_by: "demo".to_owned(),
            ..InboxRow::default()
        })
        .await?;
    let detail = follow(store).await?;
    let came = came(&detail);
    daemon.stop().await;
    for at in &came.targets {
        progress.line(format!("everywhere: at {}: {}", at.target, at.verdict));
    }
    let expectations = judge(&came, &stand_ins, sandbox).await?;
    Ok((came, expectations))
}

/// The case, once it is over or the patience ends.
async fn follow(store: &Store) -> anyhow::Result<CaseDetail> {
    let until = Instant::now() + PATIENCE;
    loop {
        let filter = ListFilter {
            limit: 1,
            ..ListFilter::default()
        };
        let late = Instant::now() >= until;
        match store.cases(&filter).await?.first() {
            Some(case) if late || case.state != "open" => return Ok(store.case_detail(case.id).await?),
            None if late => anyhow::bail!("no case followed on the request within {} s", PATIENCE.as_secs()),
            _ => tokio::time::sleep(EVERY).await,
        }
    }
}

fn came(detail: &CaseDetail) -> Everywhere {
    let mut targets: Vec<AtTarget> = Vec::new();
    // The newest job of each target stands first.
    for job in detail.jobs.iter().filter(|job| job.verdict.is_some()) {
        if targets.iter().all(|known| known.target != job.target) {
            targets.push(AtTarget {
                target: job.target.clone(),
                verdict: job.verdict.as_ref().map_or_else(|| job.state.clone(), Verdict::to_string),
            });
        }
    }
    targets.sort_by(|a, b| a.target.cmp(&b.target));
    Everywhere {
        who: WHO.to_owned(),
        case: detail.case.id,
        verdict: detail.case.verdict.clone(),
        contained_ms: detail
            .case
            .contained_at
            .map(|at| super::record::ms(at.since(detail.case.received_at))),
        targets,
    }
}

async fn judge(came: &Everywhere, stand_ins: &StandIns, sandbox: &Sandbox) -> anyhow::Result<Vec<Expectation>> {
    let said = |target: &str| {
        let at = came.targets.iter().find(|at| at.target == target);
        at.map_or("nothing", |at| at.verdict.as_str())
    };
    let proved = [("broker", "contained"), ("chat", "contained")];
    let named = [("directory", "session"), ("notebooks", "suspended")];
    let words = proved.iter().all(|(target, word)| said(target) == *word)
        && named
            .iter()
            .all(|(target, word)| said(target).starts_with("unverified: ") && said(target).contains(word));
    let left = stand_ins.still_works().await?;
    let suspended = sandbox.world().person(WHO).is_none_or(|person| person.delete_at != 0);
    Ok(vec![
        expect(
            "one_request_contains_a_person_everywhere",
            words && came.targets.len() == 4,
            came.targets
                .iter()
                .map(|at| format!("{}: {}", at.target, at.verdict))
                .collect::<Vec<_>>()
                .join("; "),
        ),
        expect(
            "what_the_person_held_everywhere_is_dead",
            left.is_empty() && suspended,
            if left.is_empty() {
                "every token, connection and account was tried once more".to_owned()
            } else {
                format!("still works: {}", left.join(", "))
            },
        ),
    ])
}

/// The config of four targets, in a folder of its own.
fn write(folder: &Folder, sandbox: &Sandbox, stand_ins: &StandIns) -> anyhow::Result<std::path::PathBuf> {
    let place = folder.folder("everywhere")?;
    folder.folder("everywhere/elsewhere")?;
    folder.write("everywhere/trail-key", random_key()?)?;
    let token = sandbox.world().operator_token().context("the sandbox has no operator")?;
    folder.write("everywhere/chat-token", format!("{token}\n"))?;
    let secret = quoted(&folder.write("everywhere/stand-in-secret", format!("{}\n", stand_ins.secret()))?);
    let mut config = format!(
        "# What the last stop of `revoked demo --tour` ran with. The stand-ins went away with it.\n\n{}",
        installation::base_config(&place, &sandbox.url())
    );
    for (name, kind, credential, more) in [
        (
            "directory",
            "scim",
            "token",
            "ourselves = \"0\"\nrole = \"identity_provider\"\n",
        ),
        ("notebooks", "jupyterhub", "token", ""),
        ("broker", "rabbitmq", "password", "user = \"revoked\"\n"),
    ] {
        let url = stand_ins.url(name);
        // Writing to a string cannot fail.
        let _ = write!(
            config,
            "\n[[target]]\nname = \"{name}\"\nkind = \"{kind}\"\nurl = \"{url}\"\n{credential} = {{ file = {secret} }}\nrate = \"100/s\"\n{more}"
        );
    }
    folder.write("everywhere/revoked.toml", config)
}
