//! The rule, row by row, and what must hold for all rows.

mod accounts;
mod authority;
mod explained;
mod people;
mod properties;
mod shares;

use super::*;
use crate::model::{DateRule, GrantKind, Leaves, PasswordReset};

const NOW: Timestamp = Timestamp::from_ms(1_764_000_000_000);
const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

fn policy() -> Policy {
    Policy {
        protected: ["email:Break-Glass@example.org", "username:backup-bot"]
            .iter()
            .map(|text| text.parse().unwrap())
            .collect(),
        ..Policy::standard(&["chat", "wiki"])
    }
}

fn signal(reason: Reason) -> Signal {
    Signal::new("k", [0; 32], "alice@example.org".parse().unwrap(), reason)
}

fn facts(source: &str) -> Facts<'_> {
    Facts {
        delivery_departures: 1,
        ..Facts::new(source, NOW)
    }
}

fn leave(fire_at: Timestamp) -> When {
    When::Departure(Departure {
        employee: "4711".into(),
        employment: String::new(),
        step: DepartureStep::Leave {
            leaves: Leaves::Wall {
                date: "2025-11-24".into(),
                zone: "Europe/Berlin".into(),
                rule: DateRule::LastDayInclusive,
                at: None,
            },
            fire_at,
        },
    })
}

/// A decision in a word: the class of a hold, or `act`, `ignore`, `withdraw`.
fn word(decision: &Decision) -> &'static str {
    match decision {
        Decision::Act(_) => "act",
        Decision::Hold { class, .. } => class,
        Decision::Ignore { .. } => "ignore",
        Decision::Withdraw => "withdraw",
        Decision::Rehearse(_) => "rehearse",
    }
}

fn decide(change: impl FnOnce(&mut Signal, &mut Facts<'_>)) -> Decision {
    let (mut signal, mut facts) = (signal(Reason::Departed), facts("hr"));
    change(&mut signal, &mut facts);
    policy().decide(&signal, &facts)
}

fn work(decision: Decision) -> Work {
    match decision {
        Decision::Act(work) | Decision::Hold { work, .. } => work,
        other => panic!("no work in {other:?}"),
    }
}

#[test]
fn each_reason_has_its_answer() {
    for (reason, answer) in [
        (Reason::Compromised, "act"),
        (Reason::Departed, "act"),
        (Reason::Suspended, "act"),
        (Reason::CredentialChanged, "act"),
        (Reason::Logout, "act"),
        (Reason::RiskElevated, "risk"),
        (Reason::Reactivated, "ignore"),
        (Reason::Noted, "ignore"),
    ] {
        assert_eq!(word(&policy().decide(&signal(reason), &facts("idp"))), answer, "{reason}");
        // Without any playbook nothing can follow from anything.
        assert_eq!(
            word(&Policy::default().decide(&signal(reason), &facts("idp"))),
            "ignore",
            "{reason}"
        );
    }
}

#[test]
fn the_work_names_every_target_in_order_with_urgency_and_scope() {
    let mut signal = signal(Reason::Compromised);
    signal.scope = Scope::Session("s1".into());
    let work = work(policy().decide(&signal, &facts("idp")));
    assert_eq!(work.playbook, "compromised");
    assert_eq!((work.priority, work.due), (Priority::URGENT, None));
    let targets: Vec<_> = work.jobs.iter().map(|(target, _)| target.as_str()).collect();
    assert_eq!(targets, ["chat", "wiki"]);
    assert!(work.jobs.iter().all(|(_, containment)| containment.scope == signal.scope));
}

#[test]
fn only_departed_blocks_and_what_may_come_back_is_only_disabled() {
    for reason in BUILT_IN {
        let containment = built_in(reason.word());
        assert_eq!(containment.block, reason == Reason::Departed, "{reason}");
        assert_eq!(containment.disable_tokens, reason == Reason::Suspended, "{reason}");
        let reset = if reason == Reason::Compromised {
            PasswordReset::Own
        } else {
            PasswordReset::Never
        };
        assert_eq!(containment.reset_password, reset, "{reason}");
        assert!(containment.end.contains(&GrantKind::Session), "{reason}");
        assert!(containment.watch.is_sorted(), "{reason}");
    }
    assert_eq!(built_in("departed").end.len(), GrantKind::ALL.len());
    assert_eq!(built_in("a-playbook-of-ours"), built_in("compromised"));
}

#[test]
fn an_owner_who_signs_in_again_is_not_thrown_out_by_a_sweep() {
    for reason in [Reason::CredentialChanged, Reason::Logout] {
        assert!(built_in(reason.word()).watch.is_empty(), "{reason}");
    }
}

#[test]
fn a_named_target_or_playbook_that_is_not_there_is_ignored_with_the_name() {
    let why = |decision| match decision {
        Decision::Ignore { why } => why,
        other => panic!("{other:?}"),
    };
    let said = why(decide(|signal, _| signal.target = Some("crm".into())));
    assert!(said.contains("crm") && said.contains("departed"), "{said}");
    let said = why(decide(|signal, _| signal.playbook = Some("lock-down".into())));
    assert!(said.contains("lock-down"), "{said}");
    let one = work(decide(|signal, _| signal.target = Some("wiki".into())));
    assert_eq!(one.jobs.len(), 1);
}

#[test]
fn a_source_that_only_wants_it_kept_or_held_is_heard_first() {
    let kept = decide(|signal, _| {
        signal.disposition = Disposition::Ignore("only a handshake".into());
        signal.subject = "email:break-glass@example.org".parse().unwrap();
    });
    assert_eq!(
        kept,
        Decision::Ignore {
            why: "only a handshake".into()
        }
    );
    let held = decide(|signal, _| signal.disposition = Disposition::Hold("the row is for a whole group".into()));
    assert_eq!(word(&held), "source");
    assert_eq!(work(held).jobs.len(), 2, "an approval must have something to release");
}

#[test]
fn a_protected_subject_is_held_under_any_of_its_names_and_in_any_case() {
    for subject in [
        "break-glass@example.org",
        "email:BREAK-GLASS@EXAMPLE.ORG",
        "username:Backup-Bot",
        "aliases:opaque:x\nusername:backup-bot",
    ] {
        for (source, reason) in [("hr", Reason::Departed), (INBOX, Reason::Compromised)] {
            let mut signal = signal(reason);
            signal.subject = subject.parse().unwrap();
            assert_eq!(word(&policy().decide(&signal, &facts(source))), "protected", "{subject}");
        }
    }
}

#[test]
fn a_protected_subject_is_not_carried_along_by_the_approval_of_its_batch() {
    let decision = decide(|signal, facts| {
        signal.subject = "email:break-glass@example.org".parse().unwrap();
        facts.delivery_departures = 500;
    });
    assert_eq!(word(&decision), "protected");
}

#[test]
fn a_delivery_over_its_limit_is_held_whole() {
    for (count, answer) in [(20, "act"), (21, "delivery_limit"), (10_000, "delivery_limit")] {
        assert_eq!(word(&decide(|_, facts| facts.delivery_departures = count)), answer, "{count}");
    }
}

#[test]
fn what_goes_over_the_limit_of_a_window_is_held() {
    for (count, answer) in [(19, "act"), (20, "departures_limit"), (21, "departures_limit")] {
        assert_eq!(word(&decide(|_, facts| facts.recent_departures = count)), answer, "{count}");
    }
    for (count, answer) in [(4, "act"), (5, "compromises_limit")] {
        let decision = decide(|signal, facts| {
            signal.reason = Reason::Compromised;
            facts.recent_compromises = count;
        });
        assert_eq!(word(&decision), answer, "{count}");
    }
}

#[test]
fn suspensions_count_as_departures_and_single_sessions_do_not() {
    let suspended = decide(|signal, facts| {
        signal.reason = Reason::Suspended;
        facts.delivery_departures = 500;
    });
    assert_eq!(word(&suspended), "delivery_limit");
    let session = decide(|signal, facts| {
        signal.scope = Scope::AllSessions;
        facts.delivery_departures = 500;
    });
    assert_eq!(word(&session), "act");
}

#[test]
fn one_session_or_token_is_never_held_by_the_window() {
    let mut facts = facts("feed");
    facts.recent_compromises = 1000;
    for scope in [
        Scope::AllSessions,
        Scope::Session("s".to_owned()),
        Scope::AccessToken("t".to_owned()),
    ] {
        let one = Signal {
            scope,
            ..signal(Reason::Compromised)
        };
        assert_eq!(word(&policy().decide(&one, &facts)), "act");
    }
}

#[test]
fn operators_pass_the_guards_of_feeds_but_not_the_cap_on_compromises() {
    let by_hand = decide(|signal, facts| {
        facts.source = INBOX;
        facts.delivery_departures = 500;
        facts.recent_departures = 500;
        signal.occurred_at = Some(NOW.minus(DAY * 30));
    });
    assert_eq!(word(&by_hand), "act");
    let runaway = decide(|signal, facts| {
        facts.source = INBOX;
        signal.reason = Reason::Compromised;
        facts.recent_compromises = 5;
    });
    assert_eq!(word(&runaway), "compromises_limit");
}

#[test]
fn a_source_has_its_own_limits_and_none_is_none() {
    let mut policy = policy();
    policy.limits.insert(
        "hr".into(),
        Limits {
            departures_per_delivery: None,
            departures_per_hour: Some(1),
            ..Limits::default()
        },
    );
    let decide = |delivery, recent| {
        let facts = Facts {
            delivery_departures: delivery,
            recent_departures: recent,
            ..facts("hr")
        };
        word(&policy.decide(&signal(Reason::Departed), &facts))
    };
    assert_eq!(decide(10_000, 0), "act");
    assert_eq!(decide(1, 1), "departures_limit");
}

#[test]
fn a_limit_of_nothing_holds_everything() {
    let mut policy = policy();
    policy.limits.insert(
        "hr".into(),
        Limits {
            departures_per_delivery: Some(0),
            compromises_per_minute: Some(0),
            ..Limits::default()
        },
    );
    assert_eq!(
        word(&policy.decide(&signal(Reason::Departed), &facts("hr"))),
        "delivery_limit"
    );
    assert_eq!(
        word(&policy.decide(&signal(Reason::Compromised), &facts("hr"))),
        "compromises_limit"
    );
}

#[test]
fn a_plan_waits_for_its_day_and_one_that_is_due_does_not() {
    let planned = decide(|signal, _| signal.when = leave(NOW.plus(DAY)));
    assert_eq!(word(&planned), "act");
    assert_eq!(work(planned).due, Some(NOW.plus(DAY)));
    let due = decide(|signal, _| signal.when = leave(NOW.minus(DAY)));
    assert_eq!(word(&due), "act");
    assert_eq!(work(due).due, None, "what is due is done at once");
}

#[test]
fn a_plan_written_long_ago_for_tomorrow_is_no_old_news() {
    let decision = decide(|signal, _| {
        signal.when = leave(NOW.plus(DAY));
        signal.occurred_at = Some(NOW.minus(DAY * 60));
    });
    assert_eq!(word(&decision), "act");
}

#[test]
fn a_replayed_departure_is_held_and_a_replayed_compromise_is_not() {
    let old = |reason| {
        decide(|signal, _| {
            signal.reason = reason;
            signal.occurred_at = Some(NOW.minus(HOUR * 25));
        })
    };
    assert_eq!(word(&old(Reason::Departed)), "old");
    assert_eq!(word(&old(Reason::Suspended)), "old");
    assert_eq!(word(&old(Reason::Compromised)), "act");
}

#[test]
fn a_departure_called_off_is_withdrawn_whatever_the_limits() {
    for step in [DepartureStep::Rescind, DepartureStep::Rehire] {
        for reason in [Reason::Departed, Reason::Reactivated] {
            let decision = decide(|signal, facts| {
                signal.reason = reason;
                signal.when = When::Departure(Departure {
                    employee: "4711".into(),
                    employment: String::new(),
                    step: step.clone(),
                });
                facts.delivery_departures = 500;
            });
            assert_eq!(word(&decision), "withdraw");
        }
    }
}

#[test]
fn an_instant_of_the_operators_is_kept_while_it_lies_ahead() {
    let at = |at| work(decide(|signal, _| signal.when = When::At(at))).due;
    assert_eq!(at(NOW.plus(HOUR)), Some(NOW.plus(HOUR)));
    assert_eq!(at(NOW), None);
}

#[test]
fn why_something_is_held_names_nobody() {
    let decision = decide(|signal, _| signal.subject = "email:break-glass@example.org".parse().unwrap());
    let Decision::Hold { why, .. } = decision else {
        panic!("{decision:?}")
    };
    assert!(!why.contains("break-glass"), "{why}");
}

#[test]
fn names_of_several_people_are_held_unless_all_of_them_are_to_be_contained() {
    let unclear = |policy: &Policy, reason| {
        let facts = Facts {
            unclear: true,
            ..facts("hr")
        };
        word(&policy.decide(&signal(reason), &facts))
    };
    let all = Policy {
        ambiguous: Ambiguous::All,
        ..policy()
    };
    assert_eq!(unclear(&policy(), Reason::Compromised), "unclear");
    assert_eq!(unclear(&all, Reason::Compromised), "act");
    assert_eq!(unclear(&all, Reason::Departed), "unclear");
}

#[test]
fn a_risk_that_names_its_playbook_is_no_question() {
    assert_eq!(word(&decide(|signal, _| signal.reason = Reason::RiskElevated)), "risk");
    let named = decide(|signal, _| {
        signal.reason = Reason::RiskElevated;
        signal.playbook = Some("logout".to_owned());
    });
    assert_eq!(word(&named), "act");
}

#[test]
fn who_is_kept_out_is_kept_out_for_as_long_as_the_playbook_says_at_least() {
    let mut policy = policy();
    let logout = policy.playbooks.get_mut("logout").unwrap();
    for demanded in logout.values_mut() {
        demanded.keep_out = Some(600);
    }
    for (asked, kept) in [(None, 600), (Some(60), 600), (Some(900), 900)] {
        let mut signal = signal(Reason::Logout);
        signal.keep_out = asked.map(Duration::from_secs);
        let work = work(policy.decide(&signal, &facts("idp")));
        assert!(
            work.jobs.iter().all(|(_, demanded)| demanded.keep_out == Some(kept)),
            "{asked:?}"
        );
        signal.scope = Scope::Leaked;
        let work = self::work(policy.decide(&signal, &facts("idp")));
        assert!(
            work.jobs
                .iter()
                .all(|(_, demanded)| demanded.keep_out.is_none() && demanded.watch.is_empty()),
            "a leaked credential is refused for good and not tried again"
        );
    }
}

#[test]
fn only_an_approval_that_is_about_the_account_answers_for_it() {
    for class in [HoldReason::Protected.class(), HoldReason::Unclear.class(), GROUP, PRINCIPAL] {
        assert!(answers_for_the_account(class), "{class}");
    }
    let limit = HoldReason::DeliveryLimit { count: 6, limit: 5 };
    let others = [
        HoldReason::Risk,
        HoldReason::Old,
        HoldReason::SourceDomain,
        HoldReason::EmailDomain,
        HoldReason::Stays(String::new()),
        HoldReason::OperatorLimit { limit: 1 },
        limit,
    ];
    for other in others {
        assert!(!answers_for_the_account(other.class()), "{}", other.class());
    }
}
