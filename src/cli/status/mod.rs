//! `revoked status`: the screen of a shift, from the database file, whether the daemon runs or not.
//!
//! `needs` has what needs somebody, `stuck` the cases that do not come to an end, `screen` lays everything out in the room that there is, worst last, and `watch` draws it again and again, or follows one case.

use clap::Args;
use serde::Serialize;

use super::config_faults::faults_in_a_line;
use super::output::{LocalTimes, bare, json, line, name_unreadable, terminal};
use super::store::is_there;
use super::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::model::Timestamp;
use crate::store::{
    Alert, CaseAtWork, Counts, Hold, LaneView, Room, ShownNames, SourceHealth, Store, TargetPause, UnreadableRow, WaitingRequests,
};
use crate::trail;

mod needs;
mod screen;
mod stuck;
mod watch;

use needs::Need;
use stuck::Stuck;
pub(super) use watch::{WatchArgs, run as run_watch};

/// The commands of an incident, in the order in which they are typed, and where the others are.
const INCIDENT: [(&str, &str); 6] = [
    ("revoked find WORD", "who is that?"),
    (
        "revoked revoke WHO --reason compromised --wait",
        "end all access, and prove it",
    ),
    ("revoked case show CASE --follow", "what is being done"),
    ("revoked hold list", "what waits for a decision"),
    ("revoked case report CASE", "what happened, for a ticket"),
    ("revoked help", "all commands"),
];

/// `revoked status`
#[derive(Debug, Clone, Args)]
#[command(after_help = "Example: revoked status --watch
         revoked status --exit-code > /dev/null || echo \"somebody is needed\"

What needs somebody stands last, the most urgent at the very end, each with what to type.")]
pub struct StatusArgs {
    /// The same as revoked watch
    #[arg(long, conflicts_with = "json")]
    watch: bool,
    /// Exit with 7 where something needs somebody, for scripts and monitors
    #[arg(long)]
    exit_code: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

#[derive(Serialize)]
struct Status {
    #[serde(flatten)]
    counts: Counts,
    open_alerts: Vec<Alert>,
    open_holds: Vec<Hold>,
    sources: Vec<SourceHealth>,
    targets: Vec<TargetStatus>,
    /// The cases at work, the most urgent first; of a long queue not all.
    work: Vec<CaseAtWork>,
    at_work: i64,
    /// Those of them whose attempts fail again and again, or that take too long.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    stuck: Vec<Stuck>,
    /// Cases that wait for a day without a departure.
    planned_cases: usize,
    next_plan_at: Option<Timestamp>,
    daemon_running: bool,
    /// What nobody has taken up yet.
    requests: WaitingRequests,
    /// Bytes left on the disk under the store.
    room: Option<u64>,
    disk_full: bool,
    /// What the next start of the daemon would be refused for.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_start_refused: Option<String>,
    /// Why the trail does not stand, where no daemon runs and none would start.
    #[serde(skip_serializing_if = "Option::is_none")]
    trail_refused: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unreadable: Vec<UnreadableRow>,
    /// By which names to show who waits.
    #[serde(skip)]
    shown: ShownNames,
    /// The open alerts with the names of several where they are about several.
    #[serde(skip)]
    named_alerts: Vec<Alert>,
}

/// How a target is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
struct TargetStatus {
    state: TargetState,
    /// Its rate as the config has it.
    rate: Option<String>,
    #[serde(flatten)]
    lane: LaneView,
}

/// How a target is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum TargetState {
    /// It takes what there is to do.
    Up,
    /// Something has waited for it for long.
    Slow,
    /// It does not answer.
    Down,
    /// It refuses us: our credential, or a permission is missing.
    Refused,
    /// An operator has paused it: nothing is sent to it.
    Paused,
    /// Nobody asks it: the daemon does not run.
    Unwatched,
}

/// A target at which something has waited for this long is slow.
const SLOW: std::time::Duration = std::time::Duration::from_mins(1);

/// How many of those are named whose requests wait.
const NAMED: u32 = 3;

/// What waits for a day is counted up to so many.
const MOST_PLANNED: u32 = 1000;

/// Runs `revoked` alone: how things stand, and what one types in an incident. Where no installation is to be found, how one begins.
///
/// # Errors
/// Where there is a store that cannot be read.
pub(super) async fn begin(at: &StoreArgs) -> anyhow::Result<Exit> {
    if at.path().is_ok_and(|path| is_there(&path)) {
        let store = at.open().await?;
        let status = Status::of(&store, at).await?;
        let below = INCIDENT.len() + 1;
        print(&status, &store, below)?;
        line("")?;
        for (command, what) in INCIDENT {
            line(format!("  {command:<48} {what}"))?;
        }
        store.close().await;
        return Ok(Exit::Ok);
    }
    line(super::command().render_help())?;
    Ok(Exit::Usage)
}

/// Runs `revoked status`.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn run(args: &StatusArgs, at: &StoreArgs) -> anyhow::Result<Exit> {
    let store = at.open().await?;
    if args.watch {
        let needed = watch::watch(&store, at, false).await?;
        store.close().await;
        return Ok(if args.exit_code { exit(needed) } else { Exit::Ok });
    }
    let status = Status::of(&store, at).await?;
    if args.json {
        name_unreadable(&status.unreadable);
        json(&status)?;
    } else {
        print(&status, &store, 0)?;
    }
    let needed = !status.needs(&store).is_empty();
    store.close().await;
    Ok(if args.exit_code { exit(needed) } else { Exit::Ok })
}

fn exit(needed: bool) -> Exit {
    if needed { Exit::NeedsSomebody } else { Exit::Ok }
}

/// Prints it, in the room that the screen leaves beside `below` lines and the next prompt.
fn print(status: &Status, store: &Store, below: usize) -> anyhow::Result<()> {
    name_unreadable(&status.unreadable);
    let room = screen::ScreenRoom {
        width: terminal().width.map(usize::from),
        height: terminal().height.map(|height| usize::from(height).saturating_sub(below + 1)),
    };
    for text in screen::lines(status, store, room, None) {
        line(text)?;
    }
    Ok(())
}

impl Status {
    async fn of(store: &Store, at: &StoreArgs) -> anyhow::Result<Self> {
        let (alerts, holds) = (store.alerts(false).await?, store.holds(false).await?);
        let sources = store.source_health().await?;
        let room = store.room().ok();
        let daemon_running = crate::store::daemon_runs(store.path());
        let (work, at_work) = (store.at_work().await?, store.count_at_work().await?);
        let now = store.clock().now();
        let planned = store.planned_cases(now, Timestamp::from_ms(i64::MAX), MOST_PLANNED).await?;
        let counts = store.counts().await?;
        let mut lanes = store.lanes().await?;
        // Whoever has paused it, and whether it was ever at work or not.
        for (target, why) in &counts.paused {
            match lanes.iter_mut().find(|lane| lane.target == *target) {
                Some(lane) => lane.paused_why = Some(why.clone()),
                None => lanes.push(LaneView {
                    target: target.clone(),
                    paused_why: Some(why.clone()),
                    ..LaneView::default()
                }),
            }
        }
        let shown = store
            .shown_names(holds.iter().flat_map(|hold| &hold.first).map(String::as_str))
            .await?;
        let paused = store.paused_targets().await?;
        for lane in &mut lanes {
            if let Some(pause) = paused.get(&lane.target) {
                lane.paused_at = Some(pause.since);
            }
        }
        let (config, faults) = next_start(at);
        let rates = config::target_rates(&at.config);
        let is_paused = |target: &str| paused.contains_key(target);
        let stuck = if daemon_running {
            stuck::of(store, &work, &alerts.rows, is_paused, now).await
        } else {
            // That nothing is done at all is told.
            Vec::new()
        };
        let targets = targets(lanes, rates, (&paused, &alerts.rows), daemon_running.then_some(now));
        Ok(Self {
            counts,
            named_alerts: super::alert::with_names(store, &alerts).await?,
            open_alerts: alerts.rows,
            open_holds: holds.rows,
            sources: sources.rows,
            targets,
            work,
            at_work,
            stuck,
            planned_cases: planned.rows.len(),
            next_plan_at: store.next_plan().await?,
            daemon_running,
            requests: store.waiting_requests(NAMED).await?,
            room: room.map(|room| room.bytes),
            disk_full: room.is_some_and(Room::is_full),
            trail_refused: if daemon_running {
                None
            } else {
                trail_refused(store, config.as_ref()).await
            },
            next_start_refused: faults,
            unreadable: [alerts.unreadable, holds.unreadable, sources.unreadable, planned.unreadable].concat(),
            shown,
        })
    }

    /// What waits while the daemon does not run.
    fn stopped(&self) -> String {
        let named: Vec<String> = self.requests.first.iter().map(|name| bare(name)).collect();
        let more = self.requests.count - i64::try_from(named.len()).unwrap_or(i64::MAX);
        let more = if more > 0 {
            format!(" and {more} more")
        } else {
            String::new()
        };
        match self.requests.count {
            0 => "not running: nothing is done until it is".to_owned(),
            1 => format!("not running: 1 request waits: {}", named.join(", ")),
            count => format!("not running: {count} requests wait: {}{more}", named.join(", ")),
        }
    }

    /// What needs somebody, the most urgent last.
    fn needs(&self, store: &Store) -> Vec<Need> {
        let now = store.clock().now();
        let mut needs = needs::of(&self.open_holds, &self.named_alerts, &self.shown, self.disk_full);
        let told = self
            .open_alerts
            .iter()
            .filter(|alert| alert.kind == "could_not_revoke")
            .count();
        let untold = self.counts.ledger.saturating_sub(i64::try_from(told).unwrap_or(i64::MAX));
        if untold > 0 {
            let since = self.counts.ledger_oldest.unwrap_or(now);
            needs.push(Need {
                name: "ledger".to_owned(),
                cause: "ledger".to_owned(),
                number: 0,
                text: format!(
                    "{untold} more could not be revoked, the oldest since {}",
                    screen::ago(since, now)
                ),
                command: "revoked ledger".to_owned(),
                urgent: false,
                decision: false,
                at: since,
            });
        }
        needs.extend(stuck::need(&self.stuck, now));
        if !self.daemon_running {
            needs.push(Need {
                name: "daemon".to_owned(),
                cause: "daemon".to_owned(),
                number: 0,
                text: match &self.trail_refused {
                    Some(why) => format!("not running, and would not start: {why}"),
                    None => self.stopped(),
                },
                command: match &self.trail_refused {
                    Some(_) => "revoked trail verify".to_owned(),
                    None => "systemctl start revoked".to_owned(),
                },
                urgent: true,
                decision: false,
                at: now,
            });
        }
        if self.disk_full {
            let folder = store.path().parent().map(|folder| folder.display().to_string());
            needs.push(Need {
                name: "disk".to_owned(),
                cause: "disk".to_owned(),
                number: 0,
                text: format!(
                    "full, {} KiB are left: what does not fit is refused until there is room",
                    self.room.unwrap_or(0) / 1024
                ),
                command: format!("df -h {}", folder.unwrap_or_else(|| ".".to_owned())),
                urgent: true,
                decision: false,
                at: now,
            });
        }
        if let Some(refused) = &self.next_start_refused {
            needs.push(Need {
                name: "config".to_owned(),
                cause: "config".to_owned(),
                number: 0,
                text: refused.clone(),
                command: "revoked check".to_owned(),
                urgent: !self.daemon_running,
                decision: false,
                at: now,
            });
        }
        needs::sort(&mut needs);
        let times = LocalTimes::at(now);
        for need in &mut needs {
            need.text = times.told(&need.text);
        }
        needs
    }
}

/// The config as far as it stands, and what the next start would be refused for. Who names a database alone may have no config here.
fn next_start(at: &StoreArgs) -> (Option<Config>, Option<String>) {
    if at.store.is_some() && !at.config.exists() {
        return (None, None);
    }
    let (config, faults) = Config::load_what_stands(&at.config, &Clock::system());
    (config, faults_in_a_line(&faults))
}

/// Why a start would refuse the trail.
async fn trail_refused(store: &Store, config: Option<&Config>) -> Option<String> {
    let trail = &config?.trail;
    trail::refusal(store, &trail.origin, &trail::AnchorFile::new(&trail.anchor)).await
}

/// The targets of the config and those that something is known of, by name: which of them operators have `paused`, and which are down as
/// `alerts` say. `now` is none where the daemon does not run.
fn targets(
    lanes: Vec<LaneView>,
    rates: Vec<(String, Option<String>)>,
    (paused, alerts): (&std::collections::BTreeMap<String, TargetPause>, &[Alert]),
    now: Option<Timestamp>,
) -> Vec<TargetStatus> {
    let mut targets: Vec<TargetStatus> = Vec::new();
    let of_config: std::collections::BTreeMap<String, Option<String>> = rates.into_iter().collect();
    // A target that the config no longer names is told of only where something still waits for it.
    let stands = |lane: &LaneView| of_config.is_empty() || of_config.contains_key(&lane.target) || lane.oldest.is_some();
    let known: std::collections::BTreeMap<String, LaneView> = lanes
        .into_iter()
        .filter(stands)
        .map(|lane| (lane.target.clone(), lane))
        .collect();
    let names: std::collections::BTreeSet<&String> = known.keys().chain(of_config.keys()).collect();
    for name in names {
        let lane = known.get(name).cloned().unwrap_or_else(|| LaneView {
            target: name.clone(),
            ..LaneView::default()
        });
        let key = format!("target:{name}");
        let is_down = alerts.iter().any(|alert| alert.kind == "target_down" && alert.key == key);
        let state = match now {
            _ if paused.contains_key(name) => TargetState::Paused,
            _ if lane.paused_why.is_some() => TargetState::Refused,
            None => TargetState::Unwatched,
            Some(_) if is_down => TargetState::Down,
            Some(now) if lane.oldest.is_some_and(|oldest| now.since(oldest) > SLOW) => TargetState::Slow,
            Some(_) => TargetState::Up,
        };
        targets.push(TargetStatus {
            state,
            rate: of_config.get(name).cloned().flatten(),
            lane,
        });
    }
    targets
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::INCIDENT;

    #[test]
    fn the_commands_of_an_incident_are_commands() {
        let tree = crate::cli::Cli::command();
        for (typed, _) in INCIDENT {
            let mut command = &tree;
            for word in typed.split(' ').skip(1).filter(|word| *word != "help") {
                let is_argument = word.starts_with('-') || word.chars().all(char::is_uppercase);
                if is_argument || !command.has_subcommands() {
                    break;
                }
                command = command
                    .find_subcommand(word)
                    .unwrap_or_else(|| panic!("{typed}: there is no {word}"));
            }
        }
    }
}
