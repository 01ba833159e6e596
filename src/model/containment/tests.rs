//! What a plan and a verdict are at targets that differ from a chat server.

use std::collections::BTreeSet;
use std::time::Duration;

use super::{Containment, PasswordReset, Progress, Scope};
use crate::model::{
    Access, ActedAt, Action, Capabilities, Evidence, Grant, GrantKind, GrantRef, Residual, ResidualEnd, Timestamp, Verdict,
};

const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);

fn at(seconds: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(seconds))
}

fn everything() -> Containment {
    Containment {
        end: GrantKind::ALL.into(),
        block: true,
        ..Containment::nothing()
    }
}

/// A target with sessions that it cannot list and ends in one call, and with a moment from which on they are good.
fn provider() -> Capabilities {
    Capabilities {
        suspends: true,
        ends_all: [GrantKind::Session].into(),
        unlisted: [(GrantKind::Session, "it lists no sessions".to_owned())].into(),
        ..Capabilities::default()
    }
}

fn blocked(seconds: u64) -> Access {
    let mut access = Access::empty(at(seconds));
    access.account.suspended = true;
    access
}

fn acted(action: &Action, seconds: u64) -> Progress {
    let mut progress = Progress::default();
    progress.acted_at.note(action, at(seconds), at(seconds));
    progress
}

fn verdict(after: &Access, able: &Capabilities, progress: &Progress) -> Verdict {
    everything().verdict(&Access::empty(NOW), after, able, progress).unwrap()
}

#[test]
fn a_kind_that_does_not_exist_at_a_target_is_not_demanded_there() {
    let able = Capabilities {
        suspends: true,
        ends: [GrantKind::SshKey].into(),
        lists: [GrantKind::SshKey].into(),
        ..Capabilities::default()
    };
    assert_eq!(everything().kinds(&able), [GrantKind::SshKey].into());
    let mut after = blocked(1);
    after.listed.insert(GrantKind::SshKey);
    assert_eq!(verdict(&after, &able, &Progress::default()), Verdict::Contained);
}

#[test]
fn an_unlisted_kind_is_ended_once_and_again_after_the_block() {
    let mut progress = Progress::default();
    let plan = everything().plan(&Access::empty(NOW), &provider(), &progress);
    let end = Action::EndAll {
        kind: GrantKind::Session,
    };
    assert_eq!(plan, [Action::Suspend, end.clone()]);
    progress.ended_all.insert(GrantKind::Session);
    assert_eq!(everything().plan(&blocked(1), &provider(), &progress), []);
    progress.ended_all.clear();
    assert_eq!(everything().plan(&blocked(1), &provider(), &progress), [end]);
}

#[test]
fn a_kind_that_is_listed_waits_for_its_list_before_it_is_ended_whole() {
    let able = Capabilities {
        lists: [GrantKind::Session].into(),
        unlisted: [].into(),
        ..provider()
    };
    let mut looked = blocked(1);
    assert_eq!(everything().plan(&looked, &able, &Progress::default()), []);
    looked.listed.insert(GrantKind::Session);
    assert_eq!(everything().plan(&looked, &able, &Progress::default()).len(), 1);
}

#[test]
fn a_moment_proves_a_kind_from_the_second_in_which_we_acted_on() {
    let end = Action::EndAll {
        kind: GrantKind::Session,
    };
    let mut after = blocked(20);
    for (valid_from, acted_at, proved) in [(10, 10, true), (11, 10, true), (9, 10, false)] {
        after.valid_from.insert(GrantKind::Session, at(valid_from));
        let found = verdict(&after, &provider(), &acted(&end, acted_at));
        assert_eq!(
            found == Verdict::Contained,
            proved,
            "{valid_from} after an act at {acted_at}: {found}"
        );
    }
    // A moment of which we know nothing proves nothing: it may be of last year.
    let Verdict::Unverified { kinds, .. } = verdict(&after, &provider(), &Progress::default()) else {
        panic!("nothing was done");
    };
    assert!(kinds[&GrantKind::Session].contains("until now"), "{kinds:?}");
}

#[test]
fn where_a_suspension_ends_a_kind_the_moment_of_somebody_elses_proves_it_too() {
    let able = Capabilities {
        ended_by_suspension: [GrantKind::Session].into(),
        ends_all: BTreeSet::new(),
        ..provider()
    };
    let mut after = blocked(20);
    let found =
        |before: &Access, after: &Access, progress: &Progress| everything().verdict(before, after, &able, progress).unwrap();
    let unverified = |verdict: &Verdict| matches!(verdict, Verdict::Unverified { .. });
    let nothing = Progress::default();
    assert!(unverified(&found(&blocked(1), &after, &nothing)), "it says nothing");
    after.valid_from.insert(GrantKind::Session, at(10));
    assert_eq!(found(&blocked(1), &after, &nothing), Verdict::Contained);
    assert!(
        unverified(&found(&Access::empty(NOW), &after, &nothing)),
        "it was open in between"
    );
    assert!(
        unverified(&found(&blocked(1), &after, &acted(&Action::Suspend, 15))),
        "ours is not in it yet"
    );
}

#[test]
fn a_block_after_the_end_of_all_wants_a_newer_moment() {
    let mut acted = ActedAt::default();
    let end = Action::EndAll {
        kind: GrantKind::Session,
    };
    acted.note(&end, at(1), at(1));
    assert!(acted.is_proved_by(GrantKind::Session, at(1)));
    acted.note(&Action::Suspend, at(5), at(5));
    assert!(!acted.is_proved_by(GrantKind::Session, at(1)));
    acted.note(&end, at(6), at(6));
    assert!(!acted.is_proved_by(GrantKind::Session, at(5)));
    assert!(acted.is_proved_by(GrantKind::Session, at(6)));
    let before = acted.clone();
    acted.note(&Action::Release, at(9), at(9));
    assert_eq!(acted, before, "what gives access back proves nothing");
}

#[test]
fn what_lives_on_counts_from_our_last_change_and_not_from_the_look() {
    let able = Capabilities {
        suspends: true,
        ..Capabilities::default()
    };
    let look = |seconds: u64| {
        let mut after = blocked(seconds);
        after.residuals.push(Residual {
            what: "tokens".to_owned(),
            ends: ResidualEnd::AfterOurAct(60),
        });
        verdict(&after, &able, &acted(&Action::Suspend, 10))
    };
    let Verdict::Residual { until, .. } = look(69) else {
        panic!("{:?}", look(69))
    };
    assert_eq!(until, at(70));
    assert_eq!(look(70), Verdict::Contained);
}

#[test]
fn a_change_of_which_nobody_knows_moves_what_lives_on_and_proves_nothing() {
    let mut acted = ActedAt::default();
    acted.note(&Action::Suspend, at(5), at(5));
    acted.note_unknown(&Action::ResetPassword, at(9));
    assert_eq!((acted.last, acted.block), (Some(at(9)), Some(at(5))));
    acted.note_unknown(&Action::ClearCaches, at(11));
    assert_eq!(acted.last, Some(at(9)), "it takes nothing away");
}

#[test]
fn a_sweep_counts_from_the_look_that_proved_where_nothing_had_to_be_done() {
    let evidence = Evidence {
        principal: Some("a, b".to_owned()),
        before_at: Some(at(1)),
        after_at: Some(at(8)),
        acted_at: [("b".to_owned(), acted(&Action::Suspend, 4).acted_at)].into(),
        ..Evidence::default()
    };
    let swept = evidence.for_a_sweep().acted_at;
    assert_eq!((swept["a"].last, swept["b"].last), (Some(at(8)), Some(at(4))));
    assert_eq!(
        swept["a"].block, None,
        "what was done to one account proves nothing of the other"
    );
}

#[test]
fn an_account_that_cannot_be_suspended_is_said_to_stay_open() {
    let able = Capabilities {
        suspends: false,
        ..Capabilities::default()
    };
    let containment = everything();
    assert_eq!(containment.plan(&Access::empty(NOW), &able, &Progress::default()), []);
    let open = verdict(&Access::empty(NOW), &able, &Progress::default());
    assert_eq!(open.to_string(), "unverified: an account cannot be suspended here");
}

#[test]
fn a_password_that_lifts_a_suspension_goes_before_it() {
    let containment = Containment {
        reset_password: PasswordReset::Always,
        ..everything()
    };
    let order = |password_first, access: &Access| {
        let able = Capabilities {
            suspends: true,
            resets_password: true,
            password_first,
            ..Capabilities::default()
        };
        containment.plan(access, &able, &Progress::default())
    };
    let open = Access::empty(NOW);
    assert_eq!(order(true, &open), [Action::ResetPassword, Action::Suspend]);
    assert_eq!(order(false, &open), [Action::Suspend, Action::ResetPassword]);
    let already = blocked(1);
    assert_eq!(order(true, &already), [Action::ResetPassword, Action::Suspend]);
    assert_eq!(order(false, &already), [Action::ResetPassword]);
}

#[test]
fn grants_are_ended_in_sets_of_one_kind_and_one_part() {
    let able = Capabilities {
        ends: [GrantKind::Session, GrantKind::AccessToken].into(),
        lists: [GrantKind::Session, GrantKind::AccessToken].into(),
        end_sets: [(GrantKind::Session, 2), (GrantKind::AccessToken, 9)].into(),
        ..Capabilities::default()
    };
    let mut access = Access::empty(NOW);
    for id in ["s1", "s2", "s3"] {
        access.grants.push(Grant::new(GrantKind::Session, id));
    }
    for (id, part) in [("t1", "one"), ("t2", "other"), ("t3", "other")] {
        let mut grant = Grant::new(GrantKind::AccessToken, id);
        grant.name.part = Some(part.to_owned());
        access.grants.push(grant);
    }
    let plan = everything().plan(&access, &able, &Progress::default());
    let mut sets: Vec<Vec<&str>> = Vec::new();
    for action in &plan {
        let Action::EndMany { grants } = action else {
            panic!("{action}")
        };
        sets.push(grants.iter().map(|grant| grant.id.as_str()).collect());
    }
    assert_eq!(sets, [vec!["t1"], vec!["t2", "t3"], vec!["s1", "s2"], vec!["s3"]]);
}

#[test]
fn tokens_that_cannot_be_disabled_are_ended_where_they_were_to_be_disabled() {
    let containment = Containment {
        disable_tokens: true,
        ..everything()
    };
    let tokens: BTreeSet<GrantKind> = [GrantKind::AccessToken].into();
    let mut access = Access::empty(NOW);
    access.grants.push(Grant::new(GrantKind::AccessToken, "t1"));
    for (disables, disabled) in [(tokens.clone(), true), (BTreeSet::new(), false)] {
        let able = Capabilities {
            ends: tokens.clone(),
            lists: tokens.clone(),
            disables,
            ..Capabilities::default()
        };
        let plan = containment.plan(&access, &able, &Progress::default());
        assert_eq!(matches!(plan[0], Action::Disable { .. }), disabled, "{plan:?}");
    }
}

#[test]
fn all_sessions_of_a_target_without_one_call_for_them_are_ended_one_by_one() {
    let able = Capabilities {
        ends: [GrantKind::Session, GrantKind::AccessToken].into(),
        lists: [GrantKind::Session, GrantKind::AccessToken].into(),
        ..Capabilities::default()
    };
    let containment = Containment {
        scope: Scope::AllSessions,
        ..Containment::nothing()
    };
    let mut access = Access::empty(NOW);
    access.grants.push(Grant::new(GrantKind::Session, "s1"));
    access.grants.push(Grant::new(GrantKind::AccessToken, "t1"));
    let plan = containment.plan(&access, &able, &Progress::default());
    let grant = GrantRef::new(GrantKind::Session, "s1");
    assert_eq!(plan, [Action::End { grant }]);
}
