//! What a file would do here: its rows weighed as the daemon would, against what was said before and against what policy allows without a human.

use std::collections::HashMap;

use crate::config::Config;
use crate::model::{Signal, Subject, Timestamp};
use crate::policy::{Decision, Facts};
use crate::sources::hr_csv::{ChangeKind, Effect, Preview, PreviewRow, state_key_of_end};
use crate::store::{DepartureFilter, DepartureView, EmploymentView, Foresight, Novelty, Store};

/// Weighs the rows of a preview. Without a store nothing is known that was said before.
///
/// # Errors
/// Where the store cannot be read.
pub(super) async fn weigh(
    store: Option<&Store>,
    config: &Config,
    source: &str,
    preview: &mut Preview,
    now: Timestamp,
) -> anyhow::Result<()> {
    let policy = &config.policy;
    let mut turns: Vec<usize> = (0..preview.rows.len()).collect();
    turns.sort_by_key(|place| preview.rows[*place].turn);
    let handed_in = turns.iter().map(|place| preview.rows[*place].signal.as_ref());
    let signals: Vec<&Signal> = handed_in.flatten().collect();
    let foresight = match store {
        Some(store) => store.foresee(policy, source, &signals, false).await?,
        None => Foresight::of_strangers(&signals),
    };
    let mut facts = Facts {
        delivery_departures: foresight.departures,
        population: foresight.population,
        ..Facts::new(source, now).after_departures(foresight.recent)
    };
    let mut over = HashMap::new();
    let mut over_share = None;
    let mut acts = 0_usize;
    let mut novelty = foresight.novelty.into_iter();
    for place in turns {
        let row = &mut preview.rows[place];
        let Some(signal) = row.signal.clone() else {
            if let (Some(store), ChangeKind::Active) = (store, row.change) {
                goes_on(store, source, row).await?;
            }
            continue;
        };
        let novelty = novelty.next().unwrap_or(Novelty::News);
        if matches!(row.effect, Effect::Overtaken | Effect::Nothing) {
            continue;
        }
        let known = match store {
            Some(store) => Known::of(store, source, row).await?,
            None => Known::default(),
        };
        // Where nothing is known, what a row calls off is not known either.
        let is_told = store.is_some() || novelty != Novelty::News;
        if is_told && known.settles(row, &signal, novelty) || row.effect == Effect::CallsOff {
            continue;
        }
        let (names, unclear) = match store {
            Some(store) => store.whom(&signal.subject).await?,
            None => (signal.subject.clone(), false),
        };
        let person = Signal {
            subject: names,
            ..signal
        };
        facts.unclear = unclear;
        // Of a source that only rehearses, what would be done.
        let decision = policy.decide(&person, &facts);
        match decision.in_earnest().clone() {
            Decision::Hold { class, why, .. } => {
                *over.entry(class).or_insert(0_usize) += 1;
                if SHARES.contains(&class) {
                    over_share.get_or_insert_with(|| why.clone());
                }
                if row.effect != Effect::Held {
                    row.effect = Effect::Held;
                    row.adds(if LIMITS.contains(&class) { "over the limit" } else { &why });
                }
            }
            Decision::Ignore { why } => row.comes_to_nothing(why),
            Decision::Act(_) | Decision::Withdraw | Decision::Rehearse(_) => {
                known.blocks_or_moves(row);
                if row.effect != Effect::Blocked {
                    acts += 1;
                    facts.acted_on(&person);
                }
            }
        }
    }
    let limits = policy.limits_of(source);
    if let Some(why) = over_share {
        preview.held_whole = Some(why);
    } else if let (Some(limit), true) = (limits.departures_per_delivery, over.contains_key(LIMITS[0])) {
        let all = departures(foresight.departures);
        preview.held_whole = Some(format!("{all}, {limit} may come at once"));
    } else if let (Some(limit), Some(held)) = (limits.departures_per_hour, over.get(LIMITS[1])) {
        let have = match foresight.recent {
            0 => String::new(),
            recent if recent >= limit => ", and as many have come".to_owned(),
            recent => format!(", and {recent} have come"),
        };
        let needs = format!("{limit} an hour need nobody's word{have}");
        if acts == 0 {
            preview.held_whole = Some(format!("{}: {needs}", departures(*held)));
        } else {
            preview.held_in_part = Some(format!("{held} of {}: {needs}", departures(*held + acts)));
        }
    }
    Ok(())
}

/// The classes of the holds over too many departures: in one delivery, and within an hour.
const LIMITS: [&str; 2] = ["delivery_limit", "departures_limit"];

/// The same where a share of the people who are known is the limit.
const SHARES: [&str; 2] = ["delivery_share", "departures_share"];

fn departures(count: usize) -> String {
    match count {
        1 => "1 departure".to_owned(),
        count => format!("{count} departures"),
    }
}

/// What the store knows of the person of a row.
#[derive(Default)]
struct Known {
    departures: Vec<DepartureView>,
    employments: Vec<EmploymentView>,
}

impl Known {
    async fn of(store: &Store, source: &str, row: &PreviewRow) -> anyhow::Result<Self> {
        let filter = DepartureFilter {
            source: Some(source.to_owned()),
            person: Some(Subject::EmployeeId(row.employee.clone())),
            limit: 100,
            ..DepartureFilter::default()
        };
        Ok(Self {
            departures: store.departures(&filter).await?.rows,
            employments: store.employments(source, &row.employee).await?.rows,
        })
    }

    /// What is known of the row's own employment.
    fn own(&self, row: &PreviewRow) -> Option<&DepartureView> {
        self.departures
            .iter()
            .find(|departure| departure.employment == row.employment && row.change != ChangeKind::Suspend)
    }

    /// Says so where the row comes to nothing by what was said before, and what it calls off. Answers whether that is all.
    fn settles(&self, row: &mut PreviewRow, signal: &Signal, novelty: Novelty) -> bool {
        match novelty {
            Novelty::News => {}
            Novelty::Said => {
                row.comes_to_nothing(self.own(row).map_or_else(
                    || "HR has said so before".to_owned(),
                    |own| match (own.state.as_str(), &own.why) {
                        ("cancelled", Some(note)) => format!("an operator called departure {} off: {note:?}", own.id),
                        ("cancelled", None) => format!("an operator called departure {} off", own.id),
                        ("rescinded", _) => format!("HR called departure {} off", own.id),
                        ("executed", _) => format!("departure {} was carried out", own.id),
                        ("held", _) => format!("departure {} says so already, and waits for a human", own.id),
                        ("blocked", Some(why)) => format!("departure {} says so already, and is blocked: {why}", own.id),
                        _ => format!("departure {} says so already", own.id),
                    },
                ));
                return true;
            }
            Novelty::OtherWords => {
                row.comes_to_nothing("its updated_at has come with other words before: refused, with an alert");
                return true;
            }
        }
        let stated = self.employments.iter().find(|one| one.employment == row.employment);
        let stated_at = stated.and_then(|stated| stated.stated_at);
        if signal.occurred_at.zip(stated_at).is_some_and(|(at, last)| at < last) {
            row.comes_to_nothing("HR has said something newer about this employment");
            return true;
        }
        match row.change {
            ChangeKind::Rescind | ChangeKind::Rehire => {
                self.calls_off(row);
                true
            }
            ChangeKind::Deleted if stated.is_some_and(|stated| stated.state != "stands") && self.own(row).is_some() => {
                row.comes_to_nothing("the end of this employment is known already");
                true
            }
            _ => false,
        }
    }

    /// What a word that takes an end back calls off.
    fn calls_off(&self, row: &mut PreviewRow) {
        let every = row.change == ChangeKind::Rehire;
        let concerned = || {
            let all = self.departures.iter();
            all.filter(|departure| every || departure.employment == row.employment)
        };
        if let Some(open) = concerned().find(|departure| is_open(departure)) {
            names_open(row, open);
            return;
        }
        let late = concerned().find(|departure| departure.state == "executed");
        let why = late.map_or_else(
            || "no departure of this employee is planned".to_owned(),
            |late| {
                let release = late.case.map_or(String::new(), |case| format!(": revoked release {case}"));
                format!(
                    "too late: departure {} was carried out, and nothing is undone by itself{release}",
                    late.id
                )
            },
        );
        row.comes_to_nothing(why);
    }

    /// What another employment, or a plan that is there already, makes of the end of this one.
    fn blocks_or_moves(&self, row: &mut PreviewRow) {
        if row.change != ChangeKind::Terminate || !matches!(row.effect, Effect::Planned | Effect::AtOnce) {
            return;
        }
        let other = self
            .employments
            .iter()
            .find(|other| other.state == "stands" && other.employment != row.employment && !other.employment.is_empty());
        if let Some(other) = other {
            row.effect = Effect::Blocked;
            row.adds(&format!("employment {} has not ended", other.employment));
            return;
        }
        let Some(own) = self.own(row) else { return };
        let (is_same, id) = (row.utc == Some(own.fire_at), own.id);
        match own.state.as_str() {
            "planned" if is_same => row.comes_to_nothing(format!("departure {id} says so already")),
            "planned" => {
                row.from = Some(own.fire_at);
                if row.effect == Effect::Planned {
                    row.effect = Effect::Moves;
                }
                row.adds(&format!("departure {id}"));
            }
            "executed" if is_same => row.comes_to_nothing(format!("departure {id} was carried out")),
            "executed" => {
                let release = own.case.map_or(String::new(), |case| format!(", revoked release {case} is"));
                row.adds(&format!("departure {id} was carried out: it is not undone by this{release}"));
            }
            "cancelled" => {
                let note = own.why.as_ref().map_or(String::new(), |note| format!(": {note:?}"));
                row.adds(&format!("planned anew: an operator called departure {id} off{note}"));
            }
            "rescinded" => row.adds(&format!("planned anew: HR called departure {id} off")),
            _ => row.adds(&format!("in the place of departure {id}, which is {}", own.state)),
        }
    }
}

/// A row that says that an employment goes on without an end calls off what a status has planned.
async fn goes_on(store: &Store, source: &str, row: &mut PreviewRow) -> anyhow::Result<()> {
    let (namespace, key) = state_key_of_end(&row.employee, &row.employment);
    if !row.open_ended || row.effect != Effect::Stands || store.state_entry(source, namespace, &key).await?.is_none() {
        return Ok(());
    }
    let known = Known::of(store, source, row).await?;
    if let Some(open) = known.own(row).filter(|own| is_open(own)) {
        row.effect = Effect::CallsOff;
        names_open(row, open);
    }
    Ok(())
}

fn is_open(departure: &DepartureView) -> bool {
    matches!(departure.state.as_str(), "planned" | "held" | "blocked")
}

/// Names the departure that a row calls off.
fn names_open(row: &mut PreviewRow, open: &DepartureView) {
    row.from = Some(open.acts_at);
    row.why = Some(format!("departure {}, {}", open.id, open.state));
}
