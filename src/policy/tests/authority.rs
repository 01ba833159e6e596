//! What a source may claim, of whom, and how far what follows goes.

use super::*;

fn with(rules: SourceRules) -> Policy {
    Policy {
        sources: BTreeMap::from([("feed".to_owned(), rules)]),
        ..policy()
    }
}

fn decide(rules: SourceRules, change: impl FnOnce(&mut Signal)) -> Decision {
    let mut asked = signal(Reason::Compromised);
    change(&mut asked);
    with(rules).decide(&asked, &facts("feed"))
}

#[test]
fn what_a_source_may_not_say_is_held_with_the_work_that_an_approval_would_release() {
    let rules = SourceRules {
        reasons: Some([Reason::Departed].into()),
        ..SourceRules::default()
    };
    let held = decide(rules.clone(), |_| {});
    assert_eq!(word(&held), "source_reason");
    assert_eq!(work(held).jobs.len(), 2);
    assert_eq!(word(&decide(rules.clone(), |signal| signal.reason = Reason::Departed)), "act");
    // Another source is not meant, and nothing needs to be allowed where nothing follows.
    assert_eq!(
        word(&with(rules.clone()).decide(&signal(Reason::Compromised), &facts("idp"))),
        "act"
    );
    assert_eq!(word(&decide(rules, |signal| signal.reason = Reason::Noted)), "ignore");
}

#[test]
fn a_playbook_that_a_source_may_not_use_is_held_whether_it_is_named_or_follows_from_the_reason() {
    let rules = || SourceRules {
        playbooks: Some(["logout".to_owned()].into()),
        ..SourceRules::default()
    };
    assert_eq!(word(&decide(rules(), |_| {})), "source_playbook");
    assert_eq!(
        word(&decide(rules(), |signal| signal.playbook = Some("logout".into()))),
        "act"
    );
    assert_eq!(
        word(&decide(rules(), |signal| signal.playbook = Some("departed".into()))),
        "source_playbook"
    );
    assert_eq!(word(&decide(rules(), |signal| signal.reason = Reason::Logout)), "act");
}

#[test]
fn a_source_speaks_only_of_people_all_of_whose_addresses_are_of_its_domains() {
    let rules = SourceRules {
        domains: Some(["sub.example".to_owned()].into()),
        ..SourceRules::default()
    };
    for (subject, answer) in [
        ("email:ann@sub.example", "act"),
        ("aliases:email:ann@sub.example\nusername:ann", "act"),
        ("email:ann@example.org", "source_domain"),
        // A name of its own beside somebody else's opens no way to that person.
        ("aliases:email:ann@sub.example\nemail:ceo@example.org", "source_domain"),
        ("username:ann", "source_domain"),
    ] {
        let decision = decide(rules.clone(), |signal| signal.subject = subject.parse().unwrap());
        assert_eq!(word(&decision), answer, "{subject}");
    }
}

#[test]
fn what_goes_beyond_the_highest_level_is_lowered_to_it_and_says_so() {
    for (highest, ends, blocks) in [
        (Level::RevokeSessions, vec![GrantKind::Session, GrantKind::Connection], false),
        (Level::RevokeTokens, Level::RevokeTokens.kinds().into_iter().collect(), false),
        (Level::Contain, GrantKind::ALL.to_vec(), true),
    ] {
        let rules = SourceRules {
            highest: Some(highest),
            ..SourceRules::default()
        };
        let work = work(decide(rules, |signal| signal.reason = Reason::Departed));
        for (target, demanded) in &work.jobs {
            assert_eq!(demanded.end, ends.iter().copied().collect(), "{highest} at {target}");
            assert_eq!(demanded.block, blocks, "{highest} at {target}");
        }
        let said = work.lowered.as_ref().map(ToString::to_string);
        let wanted = (highest != Level::Contain).then(|| format!("only as far as {highest}: the bound of source feed"));
        assert_eq!(said, wanted);
    }
}

#[test]
fn a_password_is_replaced_on_the_highest_level_alone() {
    for highest in Level::ALL {
        let rules = SourceRules {
            highest: Some(highest),
            ..SourceRules::default()
        };
        let work = work(decide(rules, |signal| signal.reason = Reason::Compromised));
        for (target, demanded) in &work.jobs {
            let is_replaced = demanded.reset_password != PasswordReset::Never;
            assert_eq!(is_replaced, highest == Level::Contain, "{highest} at {target}");
        }
    }
}

#[test]
fn the_kinds_of_each_level_hold_those_of_the_one_below() {
    let kinds = Level::ALL.map(Level::kinds);
    assert!(kinds.is_sorted_by(|lower, higher| lower.is_subset(higher) && lower != higher));
    let tokens = [
        GrantKind::AccessToken,
        GrantKind::AppPassword,
        GrantKind::SshKey,
        GrantKind::ApiKey,
        GrantKind::OauthGrant,
    ];
    for kind in tokens {
        assert!(kinds[1].contains(&kind) && !kinds[0].contains(&kind), "{kind}");
    }
    for kind in [
        GrantKind::Bot,
        GrantKind::IncomingWebhook,
        GrantKind::MfaFactor,
        GrantKind::Membership,
    ] {
        assert!(!kinds[1].contains(&kind), "{kind}");
    }
}

#[test]
fn what_is_low_enough_is_not_lowered() {
    let rules = SourceRules {
        highest: Some(Level::RevokeSessions),
        ..SourceRules::default()
    };
    let work = work(decide(rules, |signal| signal.reason = Reason::Logout));
    assert_eq!(work.lowered, None);
    assert_eq!(work.jobs, work_of_logout());
}

fn work_of_logout() -> Vec<(String, Containment)> {
    work(policy().decide(&signal(Reason::Logout), &facts("feed"))).jobs
}

#[test]
fn where_nothing_is_left_on_the_level_a_human_is_asked_about_all_of_it() {
    let rules = SourceRules {
        highest: Some(Level::RevokeSessions),
        ..SourceRules::default()
    };
    let held = decide(rules, |signal| signal.scope = Scope::AccessToken("t".into()));
    assert_eq!(word(&held), "source_level");
    let work = work(held);
    assert!(
        work.jobs
            .iter()
            .all(|(_, demanded)| demanded.scope == Scope::AccessToken("t".into()))
    );
    assert_eq!(work.lowered, None);
}

#[test]
fn a_source_is_as_urgent_as_it_may_be_and_never_more_urgent_than_it_asks() {
    let rules = |urgency| SourceRules {
        urgency: Some(urgency),
        ..SourceRules::default()
    };
    assert_eq!(work(decide(rules(Priority::PROMPT), |_| {})).priority, Priority::PROMPT);
    let routine = decide(rules(Priority::PROMPT), |signal| signal.priority = Priority::ROUTINE);
    assert_eq!(work(routine).priority, Priority::ROUTINE);
    assert_eq!(work(decide(rules(Priority::URGENT), |_| {})).priority, Priority::URGENT);
}

#[test]
fn a_source_that_rehearses_leads_to_nothing_and_keeps_what_would_have_been() {
    let rules = || SourceRules {
        mode: Mode::Rehearse,
        ..SourceRules::default()
    };
    let Decision::Rehearse(would) = decide(rules(), |_| {}) else {
        panic!("it acts")
    };
    assert_eq!(word(&would), "act");
    let held = decide(rules(), |signal| {
        signal.subject = "email:break-glass@example.org".parse().unwrap();
    });
    assert_eq!(word(held.in_earnest()), "protected");
    // What leads to nothing anyhow, and what calls a departure off, is what it is.
    assert_eq!(word(&decide(rules(), |signal| signal.reason = Reason::Noted)), "ignore");
    let rescinded = decide(rules(), |signal| {
        signal.when = When::Departure(Departure {
            employee: "1".into(),
            employment: String::new(),
            step: DepartureStep::Rescind,
        });
    });
    assert_eq!(word(&rescinded), "withdraw");
}
