//! Groups of people, and the lists that they stand in.

use super::*;

fn group(name: &str, members: &[&str]) -> Group {
    Group {
        name: name.to_owned(),
        members: members.iter().map(|text| text.parse::<Subject>().unwrap()).collect(),
        listed: None,
        hold: true,
        highest: None,
        file: None,
        approvals: 1,
    }
}

fn of(subject: &str) -> Signal {
    Signal {
        subject: subject.parse().unwrap(),
        ..signal(Reason::Departed)
    }
}

#[test]
fn somebody_of_a_group_is_held_for_it_whoever_asks_and_the_strictest_group_counts() {
    let policy = Policy {
        groups: vec![
            group("executives", &["email:ceo@example.org"]),
            Group {
                approvals: 2,
                ..group("on-call", &["username:ceo"])
            },
        ],
        ..policy()
    };
    for source in ["hr", INBOX] {
        let decision = policy.decide(&of("aliases:email:CEO@example.org\nusername:ceo"), &facts(source));
        let Decision::Hold {
            class, held_for, why, ..
        } = decision
        else {
            panic!("{decision:?}")
        };
        assert_eq!(class, GROUP);
        let held_for = held_for.unwrap();
        assert_eq!((held_for.group.as_str(), held_for.approvals), ("on-call", 2));
        assert!(why.contains("on-call") && !why.contains("ceo"), "{why}");
    }
    assert_eq!(word(&policy.decide(&of("email:ann@example.org"), &facts("hr"))), "act");
}

#[test]
fn a_group_bounds_how_far_feeds_go_and_not_operators() {
    let policy = Policy {
        groups: vec![Group {
            hold: false,
            highest: Some(Level::RevokeTokens),
            ..group("services", &["username:ci"])
        }],
        ..policy()
    };
    let by_feed = work(policy.decide(&of("username:ci"), &facts("hr")));
    assert_eq!(by_feed.lowered.unwrap().by, "group services");
    assert!(by_feed.jobs.iter().all(|(_, demanded)| !demanded.block));
    let by_hand = work(policy.decide(&of("username:ci"), &facts(INBOX)));
    assert!(by_hand.lowered.is_none() && by_hand.jobs.iter().all(|(_, demanded)| demanded.block));
    let other = work(policy.decide(&of("username:ann"), &facts("hr")));
    assert_eq!(other.lowered, None);
}

#[test]
fn a_newer_list_counts_from_the_next_decision_on() {
    let list = MemberList::of(Protected::default());
    let policy = Policy {
        groups: vec![Group {
            listed: Some(list.clone()),
            ..group("executives", &[])
        }],
        ..policy()
    };
    let copy = policy.clone();
    assert_eq!(word(&copy.decide(&of("username:ceo"), &facts("hr"))), "act");
    list.replace(["username:ceo".parse::<Subject>().unwrap()].into_iter().collect());
    assert_eq!(word(&copy.decide(&of("username:ceo"), &facts("hr"))), "group");
}

fn list(names: std::ops::Range<usize>) -> Protected {
    names.map(|n| format!("username:u{n}").parse::<Subject>().unwrap()).collect()
}

#[test]
fn a_list_that_is_empty_or_has_lost_more_than_half_is_not_believed() {
    let before = list(0..10);
    assert_eq!(judged(Some(&before), list(0..5)), Ok(list(0..5)));
    assert_eq!(
        judged(Some(&before), list(0..4)),
        Err(ListFault::Shrunk { before: 10, now: 4 })
    );
    assert_eq!(judged(Some(&before), Protected::default()), Err(ListFault::Empty));
    assert_eq!(judged(None, Protected::default()), Err(ListFault::Empty));
    assert_eq!(judged(None, list(0..1)), Ok(list(0..1)));
    assert_eq!(judged(Some(&before), list(20..40)), Ok(list(20..40)));
}

#[test]
fn a_list_has_a_subject_a_line_and_a_line_that_is_none_is_told_without_its_words() {
    let read = listed("# the board\n\nemail:Ceo@example.org # since May\n  username:cfo\t# too\n").unwrap();
    assert_eq!(read.len(), 2);
    for name in ["email:ceo@example.org", "username:cfo"] {
        assert!(read.holds(&name.parse().unwrap()), "{name}");
    }
    let fault = listed("username:cfo\nAnn Smith\n").unwrap_err();
    assert!(matches!(fault, ListFault::Line { line: 2, .. }), "{fault:?}");
    assert!(!fault.to_string().contains("Smith"), "{fault}");
}

#[test]
fn of_groups_that_are_as_strict_the_first_is_asked_for_and_who_is_never_asked_about_is_not_guarded() {
    let policy = Policy {
        groups: vec![
            group("executives", &["username:ceo"]),
            group("board", &["username:ceo"]),
            Group {
                hold: false,
                highest: Some(Level::RevokeTokens),
                ..group("services", &["username:ci"])
            },
        ],
        ..policy()
    };
    let Decision::Hold { held_for, .. } = policy.decide(&of("username:ceo"), &facts("hr")) else {
        panic!("it is acted on")
    };
    assert_eq!(held_for.unwrap().group, "executives");
    for (name, is_guarded) in [("username:ceo", true), ("username:backup-bot", true), ("username:ci", false)] {
        assert_eq!(policy.guards(&name.parse().unwrap()), is_guarded, "{name}");
        assert_eq!(policy.guarded_names().contains(name), is_guarded, "{name}");
    }
}
