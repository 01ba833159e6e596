//! What the demo promises, as data: each expectation by its name, with whether it held and what was seen.

use revoked_sandbox::World;
use revoked_sandbox::world::Person;

use super::StolenCredential;
use super::case_follower::TRIES;
use super::expectation::{Expectation, expect, or};
use super::intruder::CallRecord;
use super::outcome::{Outcome, TrailLine};
use super::people::{DemoPerson, Holdings, People};
use super::send_signals::Sent;
use crate::model::Timestamp;

/// So many leavers are being worked on at a time, besides the slot that is kept for urgent work. They may have been looked at before the victim's
/// case came, and be changed before it is.
const IN_HAND: usize = 3;

/// Everything that an expectation may be about.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    /// What is on the record.
    pub(super) outcome: &'a Outcome,
    pub(super) people: &'a People,
    /// How the doors answered.
    pub(super) sent: &'a Sent,
    /// Every call of the intruder.
    pub(super) calls: &'a CallRecord,
    /// Whether everything that was awaited came within the time.
    pub(super) in_time: bool,
    /// What the server answers in the end to the token that was published.
    pub(super) published: u16,
    /// What those had to whom nothing may happen, before the first signal.
    pub(super) bystanders: &'a Holdings,
    /// The server, after the daemon has stopped.
    pub(super) world: &'a World,
}

/// Judges the facts.
pub(super) fn judge(facts: Facts<'_>) -> Vec<Expectation> {
    [
        of_the_intruder(facts),
        of_those_who_are_due(facts),
        vec![of_the_published_token(facts)],
        of_those_who_are_not(facts),
        of_doors_and_trail(facts),
    ]
    .concat()
}

fn of_the_intruder(facts: Facts<'_>) -> Vec<Expectation> {
    let line = &facts.outcome.intruder;
    let uses = |credential: StolenCredential| facts.calls.of(credential).iter().filter(|call| !call.regains);
    let worked = StolenCredential::ALL.map(|credential| uses(credential).filter(|call| call.is_ok()).count());
    let newest = StolenCredential::ALL.map(|credential| uses(credential).next_back().map_or(0, |call| call.status));
    vec![
        expect(
            "every_stolen_thing_worked_before",
            worked.iter().all(|count| *count > 0),
            format!(
                "{} calls with the session worked, {} with the access token, {} with the refresh token",
                worked[0], worked[1], worked[2]
            ),
        ),
        expect(
            "no_call_of_the_intruder_works_after_contained",
            line.calls_ok_after_contained == 0 && line.calls_after_contained >= TRIES * StolenCredential::ALL.len(),
            format!(
                "{} of {} calls sent after contained worked, {} logins and refreshes among them",
                line.calls_ok_after_contained, line.calls_after_contained, line.regains_after_contained
            ),
        ),
        expect(
            "every_stolen_thing_gets_401_in_the_end",
            newest.iter().all(|status| *status == 401),
            format!("the newest answers are {newest:?}"),
        ),
    ]
}

fn of_those_who_are_due(facts: Facts<'_>) -> Vec<Expectation> {
    let Facts {
        outcome, people, world, ..
    } = facts;
    let due = people.due();
    let wrong: Vec<String> = due
        .iter()
        .map(|who| (who, verdict_of(outcome, who)))
        .filter(|(_, verdict)| *verdict != "contained")
        .map(|(who, verdict)| format!("{} is {verdict}", who.email))
        .collect();
    let left: Vec<String> = due.iter().filter_map(|who| left_at(world, who)).collect();
    let unequal: Vec<&str> = outcome
        .cases
        .iter()
        .filter(|case| case.grants_found != case.grants_ended)
        .map(|case| case.subject.as_str())
        .collect();
    let ended: usize = outcome.cases.iter().map(|case| case.grants_ended).sum();
    let stays = |who: &DemoPerson| world.person(&who.username).is_some_and(Person::is_active);
    let open = people.leavers.iter().filter(|who| stays(who)).count();
    let (sweeps, reopened) = outcome
        .case_of(&people.victim)
        .map_or((0, 0), |case| (case.sweeps, case.reopened));
    let victim = outcome.case_of(&people.victim);
    let begun_at = |who: &DemoPerson| outcome.case_of(who).and_then(|case| case.begun_at);
    let later_than = |at: Option<Timestamp>| people.leavers.iter().filter(|who| begun_at(who) > at).count();
    let waited = later_than(victim.and_then(|case| case.queued_at));
    let overtaken = later_than(begun_at(&people.victim));
    vec![
        expect(
            "everybody_who_is_due_is_contained",
            wrong.is_empty() && facts.in_time,
            or(&wrong, || {
                format!(
                    "{} of them{}",
                    due.len(),
                    if facts.in_time { "" } else { ", but not in time" }
                )
            }),
        ),
        expect(
            "the_server_itself_has_nothing_left",
            left.is_empty(),
            or(&left, || {
                "no session, token, grant, bot, hook or command of theirs is stored there".to_owned()
            }),
        ),
        expect(
            "every_grant_that_was_found_is_ended",
            unequal.is_empty() && ended > 0,
            or(&unequal, || format!("{ended} grants")),
        ),
        expect(
            "the_compromised_keep_their_accounts",
            stays(&people.victim) && stays(&people.lost_laptop),
            format!("of {} and {}", people.victim.email, people.lost_laptop.email),
        ),
        expect(
            "those_who_left_are_suspended",
            open == 0,
            format!("{} of {} accounts are open", open, people.leavers.len()),
        ),
        expect(
            "the_compromised_overtake_the_leavers",
            begun_at(&people.victim).is_some() && waited.saturating_sub(overtaken) <= IN_HAND,
            format!(
                "{overtaken} of {waited} leavers for whom nothing was done yet when the victim's case came were begun after it"
            ),
        ),
        expect(
            "the_first_sweep_finds_nothing",
            sweeps > 0 && reopened == 0,
            format!("{sweeps} looked again, and the case was reopened {reopened} times"),
        ),
    ]
}

/// That a token was ended of which nobody knew whose it is, and that this was proved by using it.
fn of_the_published_token(facts: Facts<'_>) -> Expectation {
    let mut cases = facts.outcome.cases.iter();
    let case = cases.find(|case| case.subject.starts_with("credential:"));
    let proved = case.is_some_and(|case| case.verdict.as_deref() == Some("contained") && case.credential_refused);
    let (before, after) = (facts.sent.published, facts.published);
    expect(
        "a_leaked_token_is_refused_by_the_server_itself",
        proved && (before, after) == (200, 401),
        format!("whoever used it got {before} before and {after} after; the rest of its owner's access stays"),
    )
}

fn of_those_who_are_not(facts: Facts<'_>) -> Vec<Expectation> {
    let Facts {
        outcome, people, world, ..
    } = facts;
    let stranger = verdict_of(outcome, &people.stranger);
    let waits = |who: &DemoPerson| outcome.scheduled.iter().any(|plan| who.is_named_by(&plan.subject));
    let after = people.bystanders(world);
    let touched: Vec<&str> = facts
        .bystanders
        .iter()
        .filter(|(name, had)| after.get(*name) != Some(had))
        .map(|(name, _)| name.as_str())
        .collect();
    vec![
        expect(
            "a_stranger_is_no_success",
            stranger == "no_principal",
            format!("{} is {stranger}", people.stranger.email),
        ),
        expect(
            "who_leaves_tomorrow_waits",
            waits(&people.tomorrow) && outcome.case_of(&people.tomorrow).is_none(),
            format!("{} planned", outcome.scheduled.len()),
        ),
        expect(
            "a_zone_decides_when_a_day_is_over",
            waits(&people.abroad.who) != people.abroad.is_due,
            format!(
                "the last day {} in {} ends at {}",
                people.abroad.last_day, people.abroad.zone, people.abroad.fire_at
            ),
        ),
        expect(
            "a_malformed_row_is_quarantined_and_the_others_go_on",
            outcome.quarantined.len() == 1 && outcome.case_of(&people.malformed).is_none(),
            format!("{} in the quarantine", outcome.quarantined.len()),
        ),
        expect(
            "a_protected_account_is_held",
            outcome
                .held
                .iter()
                .any(|hold| hold.why == "protected" && hold.state == "open")
                && outcome.case_of(&people.protected).is_none(),
            format!("{} held", outcome.held.len()),
        ),
        expect(
            "nobody_else_lost_anything",
            touched.is_empty(),
            or(&touched, || {
                format!("{} other accounts have what they had", facts.bystanders.len())
            }),
        ),
    ]
}

fn of_doors_and_trail(facts: Facts<'_>) -> Vec<Expectation> {
    let Facts { sent, outcome, .. } = facts;
    vec![
        expect(
            "a_forged_event_is_refused",
            sent.forged.0 == 400 && sent.compromise == 202,
            format!("the forged one got {}, the true one {}", sent.forged.0, sent.compromise),
        ),
        of_trail(&outcome.trail),
    ]
}

/// That every entry stands, and is under a checkpoint elsewhere.
pub(super) fn of_trail(trail: &TrailLine) -> Expectation {
    expect(
        "the_trail_stands",
        trail.verified && trail.confirmed == trail.entries,
        or(&trail.findings, || {
            format!(
                "{} entries, {} under a checkpoint outside the database",
                trail.entries, trail.confirmed
            )
        }),
    )
}

fn verdict_of<'a>(outcome: &'a Outcome, who: &DemoPerson) -> &'a str {
    outcome
        .case_of(who)
        .and_then(|case| case.verdict.as_deref())
        .unwrap_or("without a verdict")
}

/// What the server still stores of somebody, where it stores anything.
fn left_at(world: &World, who: &DemoPerson) -> Option<String> {
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
