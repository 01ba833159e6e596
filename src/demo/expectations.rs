//! What the demo promises, as data: each expectation by its name, with whether it held and what was seen.

use serde::Serialize;

use super::Loot;
use super::cast::{Cast, Character, Holdings};
use super::doors::Sent;
use super::intruder::Record;
use super::narrator::TRIES;
use super::outcome::Outcome;
use crate::sandbox::World;

/// One expectation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Expectation {
    /// What was expected: a short name, stable.
    pub name: &'static str,
    /// Whether it held.
    pub held: bool,
    /// What was seen.
    pub why: String,
}

/// What was seen at the server itself, besides what is on the record.
pub(super) struct Seen<'a> {
    /// Whether everything that was awaited came within the time.
    pub(super) in_time: bool,
    /// What those had to whom nothing may happen, before the first signal.
    pub(super) bystanders_before: Holdings,
    /// The server, after the daemon has stopped.
    pub(super) world: &'a World,
}

/// Judges the outcome.
pub(super) fn judge(outcome: &Outcome, cast: &Cast, sent: &Sent, record: &Record, seen: &Seen<'_>) -> Vec<Expectation> {
    let mut found = Vec::new();
    let mut expect = |name: &'static str, held: bool, why: String| found.push(Expectation { name, held, why });

    let intruder = &outcome.intruder;
    let used = |loot: Loot| record.of(loot).iter().filter(|call| !call.regains && call.is_ok()).count();
    let uses = Loot::ALL.map(|loot| format!("{loot} {}", used(loot)));
    expect(
        "every_stolen_thing_worked_before",
        Loot::ALL.into_iter().all(|loot| used(loot) > 0),
        format!("calls that worked: {}", uses.join(", ")),
    );
    expect(
        "no_call_of_the_intruder_works_after_contained",
        intruder.calls_ok_after_contained == 0 && intruder.calls_after_contained >= TRIES * Loot::ALL.len(),
        format!(
            "{} of {} calls sent after contained worked, {} logins and refreshes among them",
            intruder.calls_ok_after_contained, intruder.calls_after_contained, intruder.regains_after_contained
        ),
    );
    let newest = Loot::ALL.map(|loot| {
        record
            .of(loot)
            .iter()
            .rfind(|call| !call.regains)
            .map_or(0, |call| call.status)
    });
    expect(
        "every_stolen_thing_gets_401_in_the_end",
        newest.iter().all(|status| *status == 401),
        format!("the newest answers are {newest:?}"),
    );

    let verdicts = cast.due().into_iter().map(|who| (who, verdict_of(outcome, who)));
    let wrong: Vec<String> = verdicts
        .filter(|(_, verdict)| *verdict != "contained")
        .map(|(who, verdict)| format!("{} is {verdict}", who.email))
        .collect();
    expect(
        "everybody_who_is_due_is_contained",
        wrong.is_empty() && seen.in_time,
        if wrong.is_empty() {
            format!("{} cases are contained", cast.due().len())
        } else {
            wrong.join(", ")
        },
    );
    let left: Vec<String> = cast.due().into_iter().filter_map(|who| left_at(seen.world, who)).collect();
    expect(
        "the_server_itself_has_nothing_left",
        left.is_empty(),
        if left.is_empty() {
            "no session, token, grant, bot, hook or command of theirs is stored".to_owned()
        } else {
            left.join(", ")
        },
    );
    let unequal: Vec<&str> = outcome
        .cases
        .iter()
        .filter(|case| case.grants_found != case.grants_ended)
        .map(|case| case.subject.as_str())
        .collect();
    expect(
        "every_grant_that_was_found_is_ended",
        unequal.is_empty(),
        if unequal.is_empty() {
            let found: usize = outcome.cases.iter().map(|case| case.grants_found).sum();
            format!("{found} grants were found and ended")
        } else {
            format!("not all of {}", unequal.join(", "))
        },
    );
    let stays = |who: &Character| {
        seen.world
            .person(&who.username)
            .is_some_and(crate::sandbox::world::Person::is_active)
    };
    expect(
        "the_compromised_keep_their_accounts",
        stays(&cast.victim) && stays(&cast.lost_laptop),
        format!("{} and {} are looked at", cast.victim.email, cast.lost_laptop.email),
    );
    let open: Vec<&str> = cast
        .leavers
        .iter()
        .filter(|who| stays(who))
        .map(|who| who.email.as_str())
        .collect();
    expect(
        "those_who_left_are_suspended",
        open.is_empty(),
        format!("{} of {} accounts are open", open.len(), cast.leavers.len()),
    );
    let swept = outcome
        .case_of(&cast.victim)
        .map_or((0, 0), |case| (case.sweeps, case.reopened));
    expect(
        "the_first_sweep_finds_nothing",
        swept.0 > 0 && swept.1 == 0,
        format!("{} sweeps, reopened {} times", swept.0, swept.1),
    );

    let stranger = verdict_of(outcome, &cast.stranger);
    expect(
        "a_stranger_is_no_success",
        stranger == "no_principal",
        format!("{} is {stranger}", cast.stranger.email),
    );
    let waits = |who: &Character| {
        let subject = format!("email:{}", who.email);
        outcome.scheduled.iter().any(|plan| plan.subject == subject)
    };
    expect(
        "who_leaves_tomorrow_waits",
        waits(&cast.tomorrow) && outcome.case_of(&cast.tomorrow).is_none(),
        format!("{} planned departures", outcome.scheduled.len()),
    );
    expect(
        "a_zone_decides_when_a_day_is_over",
        waits(&cast.abroad.who) != cast.abroad.is_due,
        format!(
            "the last day {} in {} ends at {}",
            cast.abroad.last_day, cast.abroad.zone, cast.abroad.fire_at
        ),
    );
    expect(
        "a_malformed_row_is_quarantined_and_the_others_go_on",
        outcome.quarantined.len() == 1 && outcome.case_of(&cast.malformed).is_none(),
        format!("{} rows in the quarantine", outcome.quarantined.len()),
    );
    expect(
        "a_protected_account_is_held",
        outcome
            .held
            .iter()
            .any(|hold| hold.why == "protected" && hold.state == "open")
            && outcome.case_of(&cast.protected).is_none(),
        format!("{} holds", outcome.held.len()),
    );
    expect(
        "a_forged_event_is_refused",
        sent.forged.0 == 400 && sent.compromise == 202,
        format!("the forged one got {}, the true one {}", sent.forged.0, sent.compromise),
    );
    let after = cast.bystanders(seen.world);
    let touched: Vec<&str> = seen
        .bystanders_before
        .iter()
        .filter(|(name, had)| after.get(*name) != Some(had))
        .map(|(name, _)| name.as_str())
        .collect();
    expect(
        "nobody_else_lost_anything",
        touched.is_empty(),
        if touched.is_empty() {
            format!("{} other accounts have what they had", seen.bystanders_before.len())
        } else {
            format!("changed: {}", touched.join(", "))
        },
    );
    expect(
        "the_trail_stands",
        outcome.trail.verified && outcome.trail.confirmed == outcome.trail.entries,
        format!(
            "{} entries, {} under a checkpoint outside the database{}",
            outcome.trail.entries,
            outcome.trail.confirmed,
            outcome
                .trail
                .findings
                .first()
                .map_or_else(String::new, |finding| format!("; {finding}"))
        ),
    );
    found
}

fn verdict_of<'a>(outcome: &'a Outcome, who: &Character) -> &'a str {
    outcome
        .case_of(who)
        .and_then(|case| case.verdict.as_deref())
        .unwrap_or("without a verdict")
}

/// What the server still stores of somebody, where it stores anything.
fn left_at(world: &World, who: &Character) -> Option<String> {
    let person = world.person(&who.username)?;
    let counts = [
        ("sessions", person.sessions.len()),
        ("tokens", person.tokens.len()),
        ("grants", world.grants().filter(|grant| grant.person == person.id).count()),
        ("authorisations", person.authorisations.len()),
        (
            "bots",
            world
                .bots
                .iter()
                .filter(|bot| bot.owner_id == person.id && bot.delete_at == 0)
                .count(),
        ),
        (
            "hooks",
            world.incoming_hooks.iter().filter(|hook| hook.user_id == person.id).count(),
        ),
        (
            "outgoing hooks",
            world
                .outgoing_hooks
                .iter()
                .filter(|hook| hook.creator_id == person.id)
                .count(),
        ),
        (
            "commands",
            world
                .commands
                .iter()
                .filter(|command| command.creator_id == person.id)
                .count(),
        ),
    ];
    let left: Vec<String> = counts
        .iter()
        .filter(|(_, count)| *count > 0)
        .map(|(what, count)| format!("{count} {what}"))
        .collect();
    (!left.is_empty()).then(|| format!("{} has {}", who.email, left.join(" and ")))
}
