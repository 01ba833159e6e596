//! The set that one hold, or several together, cover now, and the hash that an approval must quote to be about the same set.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::holds::{Hold, hold_view, query};
use super::two_persons::{TwoPersons, two_persons};
use crate::digest::{hex, sha256};
use crate::model::{Leaves, Timestamp};
use crate::store::gaps::Gaps;
use crate::store::{Result, Store, StoreError, UnreadableRow};

/// A case under a hold, as `hold show` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct HeldCase {
    /// The case.
    pub case: i64,
    /// The hold that it waits under.
    pub hold: i64,
    /// Whom it is about; `None` where the person was erased.
    pub subject: Option<String>,
    /// Why the case was opened.
    pub reason: String,
    /// The playbook it would follow.
    pub playbook: String,
    /// The targets that it would be carried out at.
    pub targets: Vec<String>,
    /// When its first job would start, where that is not at once.
    pub due: Option<Timestamp>,
    /// Which sources have said since that the person is active again.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub reactivated: Vec<Reactivation>,
    /// Which departures of the person it would change: an approval puts it in their place, a rejection leaves them as they are.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plans_before: Vec<PlanBefore>,
    /// Which other departures of the person are planned, under another number or of another employment: access ends with the last of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub plans_beside: Vec<PlanBeside>,
    /// What stands for the person, by which people are counted.
    #[serde(skip)]
    subject_ref: String,
}

/// That a source has said of somebody who waits for a decision that the person is active again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Reactivation {
    /// The source.
    pub source: String,
    /// When it said so.
    pub at: Timestamp,
}

/// A departure that a held case would change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PlanBefore {
    /// Its number.
    pub departure: i64,
    /// `planned`, `held`, `blocked` or `executed`.
    pub state: String,
    /// When access ends by it, or was to end.
    pub acts_at: Timestamp,
    /// The same where the person works, with offset and zone; absent where the plan names an instant.
    pub local: Option<String>,
}

/// Another departure of somebody whose departure is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct PlanBeside {
    /// Its number.
    pub departure: i64,
    /// `planned`, `held` or `blocked`.
    pub state: String,
    /// The source that says so.
    pub source: String,
    /// The number of the person there.
    pub employee: String,
    /// The employment; empty where the source names none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub employment: String,
    /// When it ends by itself.
    pub fire_at: Timestamp,
    /// The same where the person works, with offset and zone; absent where the plan names an instant.
    pub local: Option<String>,
    /// Whether it is later than what is held, which is due with it therefore.
    pub later: bool,
}

/// The set that a hold covers now, and the hash that an approval must quote to be about the same set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeldSet {
    /// The hold itself.
    pub hold: Hold,
    /// The cases, by number.
    pub cases: Vec<HeldCase>,
    /// SHA-256 over the sorted cases and what each would do, first 16 hex digits.
    pub set: String,
    /// Where an approval needs two persons: why, and who was the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_persons: Option<TwoPersons>,
    /// What of it cannot be read, and is shown with gaps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableRow>,
}

/// What several holds cover together, without the cases that are taken out: one decision.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct CombinedSet {
    /// The holds, by number.
    pub holds: Vec<Hold>,
    /// The cases that are decided about, by hold and number.
    pub cases: Vec<HeldCase>,
    /// How many people those are about.
    pub people: usize,
    /// The cases that are taken out: they stay held.
    pub except: Vec<i64>,
    /// The hash over exactly `cases`. Of one hold without exceptions it is that of its [`HeldSet`].
    pub set: String,
    /// Where an approval needs two persons: why, and who was the first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub two_persons: Option<TwoPersons>,
    /// What of it cannot be read, and is shown with gaps.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub unreadable: Vec<UnreadableRow>,
}

/// A hold with its cases, and of each what its hash is over.
struct Part {
    hold: Hold,
    cases: Vec<(HeldCase, Vec<u8>)>,
    unreadable: Vec<UnreadableRow>,
}

impl Store {
    /// One hold with its set.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn hold(&self, id: i64) -> Result<HeldSet> {
        let mut conn = self.readers().begin().await.map_err(StoreError::sql("reading a hold"))?;
        let Part { hold, cases, unreadable } = part(&mut conn, id).await?;
        let set = hash(cases.iter().map(|(_, shown)| shown.as_slice()));
        let two_persons = two_persons(&mut conn, std::slice::from_ref(&hold), &set, self.clock().now()).await?;
        Ok(HeldSet {
            two_persons,
            hold,
            cases: cases.into_iter().map(|(case, _)| case).collect(),
            set,
            unreadable,
        })
    }

    /// What these holds cover together, without the cases in `except`.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and [`StoreError::Refused`] where a case of `except` waits under none of them, or all of theirs are taken out.
    pub async fn held_together(&self, holds: &[i64], except: &[i64]) -> Result<CombinedSet> {
        let mut conn = self.readers().begin().await.map_err(StoreError::sql("reading holds"))?;
        combined(&mut conn, holds, except, self.clock().now()).await
    }
}

impl CombinedSet {
    /// The numbers of the holds.
    pub(super) fn numbers(&self) -> Vec<i64> {
        self.holds.iter().map(|hold| hold.id).collect()
    }
}

/// See [`Store::held_together`].
pub(super) async fn combined(
    conn: &mut sqlx::SqliteConnection,
    holds: &[i64],
    except: &[i64],
    now: Timestamp,
) -> Result<CombinedSet> {
    let (numbers, except): (BTreeSet<i64>, BTreeSet<i64>) = (holds.iter().copied().collect(), except.iter().copied().collect());
    let (mut shown, mut left_out) = (Vec::new(), BTreeSet::new());
    let mut combined = CombinedSet {
        holds: Vec::new(),
        cases: Vec::new(),
        people: 0,
        except: except.iter().copied().collect(),
        set: String::new(),
        two_persons: None,
        unreadable: Vec::new(),
    };
    for number in &numbers {
        let part = part(conn, *number).await?;
        if numbers.len() > 1 {
            shown.push(format!("hold {number}\n").into_bytes());
        }
        for (case, bytes) in part.cases {
            if except.contains(&case.case) {
                left_out.insert(case.case);
            } else {
                shown.push(bytes);
                combined.cases.push(case);
            }
        }
        combined.holds.push(part.hold);
        combined.unreadable.extend(part.unreadable);
    }
    let names = super::holds::named(&combined.holds);
    if let Some(stranger) = except.difference(&left_out).next() {
        return Err(StoreError::Refused(format!(
            "case {stranger} does not wait under {names}, so it cannot be taken out; look again with revoked hold show"
        )));
    }
    if !except.is_empty() && combined.cases.is_empty() {
        return Err(StoreError::Refused(format!(
            "every case of {names} is taken out: nothing is left to decide"
        )));
    }
    let people: BTreeSet<&str> = combined.cases.iter().map(|case| case.subject_ref.as_str()).collect();
    combined.people = people.len();
    combined.set = hash(shown.iter().map(Vec::as_slice));
    combined.two_persons = two_persons(conn, &combined.holds, &combined.set, now).await?;
    Ok(combined)
}

fn hash<'s>(shown: impl Iterator<Item = &'s [u8]>) -> String {
    hex(&sha256(&shown.collect::<Vec<_>>().concat())[..8])
}

async fn part(conn: &mut sqlx::SqliteConnection, id: i64) -> Result<Part> {
    let row = sqlx::query(sqlx::AssertSqlSafe(query("WHERE h.id = ?")))
        .bind(id)
        .fetch_optional(&mut *conn)
        .await
        .map_err(StoreError::sql("reading a hold"))?
        .ok_or(StoreError::NotFound { what: "hold", id })?;
    let mut gaps = Gaps::of(&row);
    let hold = hold_view(&mut gaps);
    let mut unreadable = Vec::from_iter(UnreadableRow::of_gaps("hold", &gaps));
    let rows = sqlx::query(
        "SELECT c.id, p.subject, c.reason, c.playbook, c.scope, \
                (SELECT min(held_due) FROM job j WHERE j.case_id = c.id), \
                (SELECT group_concat(j.target || ' ' || j.containment, char(10)) FROM job j WHERE j.case_id = c.id AND j.state = 'held') AS jobs, \
                c.subject_ref, \
                (SELECT group_concat(DISTINCT j.target) FROM job j WHERE j.case_id = c.id AND j.state = 'held') AS targets \
         FROM cases c LEFT JOIN person p ON p.ref = c.subject_ref WHERE c.hold = $1 AND c.state = 'held' ORDER BY c.id",
    )
    .bind(id)
    .fetch_all(&mut *conn)
    .await
    .map_err(StoreError::sql("listing what is held"))?;
    let mut reactivated = reactivations(conn, id).await?;
    let mut plans_before = plans_before(conn, id).await?;
    let mut plans_beside = plans_beside(conn, id).await?;
    let mut cases = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut gaps = Gaps::of(row);
        let (case, due): (i64, Option<i64>) = (gaps.read(0), gaps.read(5));
        // As bytes, so that no two sets are alike of which a text cannot be read.
        let (scope, jobs): (&[u8], Option<&[u8]>) = (gaps.read(4), gaps.read(6));
        let mut shown = format!("{case}\t").into_bytes();
        shown.extend(scope);
        shown.push(b'\t');
        shown.extend(jobs.unwrap_or_default());
        shown.extend(format!("\t{due:?}\n").into_bytes());
        let reactivated = reactivated.remove(&case).unwrap_or_default();
        // Whoever approved before that was said has decided about something else.
        for said in &reactivated {
            shown.extend(format!("active\t{}\t{}\n", said.source, said.at).into_bytes());
        }
        // Shown is neither, but without them nobody knows what is approved.
        for index in [4, 6] {
            gaps.text_if_any(index);
        }
        let targets = gaps.text_if_any(8).unwrap_or_default();
        let waiting = HeldCase {
            case,
            hold: id,
            subject: gaps.text_if_any(1),
            reason: gaps.text(2),
            playbook: gaps.text(3),
            targets: targets
                .split(',')
                .filter(|name| !name.is_empty())
                .map(str::to_owned)
                .collect(),
            due: due.map(Timestamp::from_ms),
            reactivated,
            plans_before: plans_before.remove(&case).unwrap_or_default(),
            plans_beside: plans_beside.remove(&case).unwrap_or_default(),
            subject_ref: gaps.text(7),
        };
        cases.push((waiting, shown));
        unreadable.extend(UnreadableRow::of_gaps("cases", &gaps));
    }
    Ok(Part { hold, cases, unreadable })
}

/// What sources have said since of those who wait under a hold.
async fn reactivations(conn: &mut sqlx::SqliteConnection, hold: i64) -> Result<BTreeMap<i64, Vec<Reactivation>>> {
    let rows = sqlx::query(
        "SELECT r.case_id, r.source, r.at FROM cases c JOIN reactivation r ON r.case_id = c.id \
         WHERE c.hold = ? AND c.state = 'held' ORDER BY r.case_id, r.source",
    )
    .bind(hold)
    .fetch_all(conn)
    .await
    .map_err(StoreError::sql("reading who is active again"))?;
    let mut said: BTreeMap<i64, Vec<Reactivation>> = BTreeMap::new();
    for row in &rows {
        let mut gaps = Gaps::of(row);
        said.entry(gaps.read(0)).or_default().push(Reactivation {
            source: gaps.text(1),
            at: gaps.time(2),
        });
    }
    Ok(said)
}

/// Which departures the cases under a hold would change.
async fn plans_before(conn: &mut sqlx::SqliteConnection, hold: i64) -> Result<BTreeMap<i64, Vec<PlanBefore>>> {
    let rows = sqlx::query(
        "SELECT h.case_id, d.id, d.state, d.acts_at, d.leaves FROM cases c JOIN departure_change h ON h.case_id = c.id \
         JOIN departure d ON d.id = h.departure WHERE c.hold = ? AND c.state = 'held' ORDER BY h.case_id, d.id",
    )
    .bind(hold)
    .fetch_all(conn)
    .await
    .map_err(StoreError::sql("reading which plans would change"))?;
    let mut plans: BTreeMap<i64, Vec<PlanBefore>> = BTreeMap::new();
    for row in &rows {
        let mut gaps = Gaps::of(row);
        let acts_at = gaps.time(3);
        let leaves: Option<Leaves> = serde_json::from_str(&gaps.text(4)).ok();
        plans.entry(gaps.read(0)).or_default().push(PlanBefore {
            departure: gaps.read(1),
            state: gaps.text(2),
            acts_at,
            local: leaves.and_then(|leaves| leaves.zone().and_then(|zone| leaves.local(acts_at, zone))),
        });
    }
    Ok(plans)
}

/// Which departures of the same people are planned beside those that wait under a hold.
async fn plans_beside(conn: &mut sqlx::SqliteConnection, hold: i64) -> Result<BTreeMap<i64, Vec<PlanBeside>>> {
    let rows = sqlx::query(
        "WITH own (case_id, id, source, employee, ref, fire_at) AS MATERIALIZED ( \
             SELECT c.id, d.id, d.source, d.employee, d.subject_ref, d.fire_at FROM cases c JOIN departure d ON d.case_id = c.id \
             WHERE c.hold = ?1 AND c.state = 'held' AND d.state IN ('held', 'blocked') \
             UNION ALL SELECT c.id, d.id, d.source, d.employee, h.subject_ref, h.fire_at FROM cases c \
             JOIN departure_change h ON h.case_id = c.id JOIN departure d ON d.id = h.departure WHERE c.hold = ?1 AND c.state = 'held'), \
         beside (case_id, id, fire_at) AS ( \
             SELECT w.case_id, o.id, w.fire_at FROM own w CROSS JOIN departure o ON o.subject_ref = w.ref WHERE o.id <> w.id \
             UNION SELECT w.case_id, o.id, w.fire_at FROM own w CROSS JOIN departure o ON o.source = w.source AND o.employee = w.employee \
             WHERE o.id <> w.id) \
         SELECT b.case_id, o.id, o.state, o.source, o.employee, o.employment, o.fire_at, o.leaves, o.fire_at > max(b.fire_at) \
         FROM beside b JOIN departure o ON o.id = b.id WHERE o.state IN ('planned', 'held', 'blocked') \
         AND NOT EXISTS (SELECT 1 FROM own w WHERE w.case_id = b.case_id AND w.id = o.id) GROUP BY b.case_id, o.id ORDER BY b.case_id, o.id",
    )
    .bind(hold)
    .fetch_all(conn)
    .await
    .map_err(StoreError::sql("reading which plans stand beside"))?;
    let mut plans: BTreeMap<i64, Vec<PlanBeside>> = BTreeMap::new();
    for row in &rows {
        let mut gaps = Gaps::of(row);
        let fire_at = gaps.time(6);
        let leaves: Option<Leaves> = serde_json::from_str(&gaps.text(7)).ok();
        plans.entry(gaps.read(0)).or_default().push(PlanBeside {
            departure: gaps.read(1),
            state: gaps.text(2),
            source: gaps.text(3),
            employee: gaps.text(4),
            employment: gaps.text(5),
            fire_at,
            local: leaves.and_then(|leaves| leaves.zone().and_then(|zone| leaves.local(fire_at, zone))),
            later: gaps.read(8),
        });
    }
    Ok(plans)
}
