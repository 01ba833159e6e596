//! Shares of the people who are known, and the cap on one operator.

use super::*;

fn policy_with(limits: Limits) -> Policy {
    Policy {
        limits: BTreeMap::from([("hr".to_owned(), limits), (INBOX.to_owned(), limits)]),
        ..policy()
    }
}

fn open() -> Limits {
    Limits {
        departures_per_delivery: None,
        departures_per_hour: None,
        compromises_per_minute: None,
        ..Limits::default()
    }
}

#[test]
fn a_share_is_written_in_per_cent_and_allows_at_least_one() {
    for (text, of_ten_thousand, shown) in [
        ("2%", 200, "2%"),
        ("0.5%", 50, "0.5%"),
        ("0.01%", 1, "0.01%"),
        ("100%", 10_000, "100%"),
    ] {
        let share = Share::parse(text).unwrap();
        assert_eq!(
            (share.of(10_000), share.to_string().as_str()),
            (of_ten_thousand, shown),
            "{text}"
        );
    }
    assert_eq!(Share::parse("2%").unwrap().of(10), 1);
    for text in ["", "%", "2", "0%", "101%", "-1%", "1.234%", "1.%", ".5%", "two%"] {
        assert_eq!(Share::parse(text), None, "{text}");
    }
}

#[test]
fn a_delivery_that_would_go_over_the_share_of_an_hour_waits_whole_before_its_first_act() {
    let policy = policy_with(Limits {
        departures_share: Share::parse("2%"),
        ..open()
    });
    let decide = |delivery, before, acted| {
        let facts = Facts {
            delivery_departures: delivery,
            recent_departures: before + acted,
            departures_before: before,
            population: 1000,
            ..facts("hr")
        };
        word(&policy.decide(&signal(Reason::Departed), &facts))
    };
    assert_eq!(decide(20, 0, 0), "act");
    assert_eq!(decide(21, 0, 0), "departures_share");
    assert_eq!(decide(10, 11, 0), "departures_share");
    // What it allows it allows to the last of them.
    assert_eq!(decide(20, 0, 19), "act");
    assert_eq!(decide(10, 10, 9), "act");
    // A plan that only moves counts as one more.
    assert_eq!(decide(0, 19, 0), "act");
    assert_eq!(decide(0, 20, 0), "departures_share");
}

#[test]
fn a_share_of_a_delivery_takes_the_place_of_its_count() {
    let policy = policy_with(Limits {
        delivery_share: Share::parse("5%"),
        ..open()
    });
    let decide = |delivery, population| {
        let facts = Facts {
            delivery_departures: delivery,
            population,
            ..facts("hr")
        };
        word(&policy.decide(&signal(Reason::Departed), &facts))
    };
    assert_eq!(decide(50, 1000), "act");
    assert_eq!(decide(51, 1000), "delivery_share");
    assert_eq!(decide(51, 0), "act", "where nobody is known there is nothing to compare with");
}

#[test]
fn shares_of_the_two_classes_are_their_own() {
    let policy = policy_with(Limits {
        compromises_share: Share::parse("1%"),
        ..open()
    });
    let decide = |reason, compromises| {
        let facts = Facts {
            recent_compromises: compromises,
            population: 1000,
            ..facts("hr")
        };
        word(&policy.decide(&signal(reason), &facts))
    };
    assert_eq!(decide(Reason::Compromised, 9), "act");
    assert_eq!(decide(Reason::Compromised, 10), "compromises_share");
    assert_eq!(decide(Reason::Departed, 10), "act");
}

#[test]
fn one_operator_has_a_cap_that_another_does_not_share() {
    let policy = policy_with(Limits {
        compromises_per_operator: Some(2),
        ..open()
    });
    let mut facts = Facts {
        by_operator: BTreeMap::from([("operator:ann(1)".to_owned(), 1), ("operator:bob(2)".to_owned(), 0)]),
        ..facts(INBOX)
    };
    let by = |who: &str| Signal {
        requested_by: Some(who.to_owned()),
        ..signal(Reason::Compromised)
    };
    assert_eq!(word(&policy.decide(&by("operator:ann(1)"), &facts)), "act");
    facts.acted_on(&by("operator:ann(1)"));
    assert_eq!(word(&policy.decide(&by("operator:ann(1)"), &facts)), "operator_limit");
    assert_eq!(word(&policy.decide(&by("operator:bob(2)"), &facts)), "act");
    let logout = Signal {
        scope: Scope::AllSessions,
        ..by("operator:ann(1)")
    };
    assert_eq!(word(&policy.decide(&logout, &facts)), "act");
}

#[test]
fn a_list_that_is_one_decision_counts_whole_for_its_operator_and_once() {
    let policy = policy_with(Limits {
        compromises_per_operator: Some(3),
        ..open()
    });
    let ann = Signal {
        requested_by: Some("operator:ann(1)".to_owned()),
        ..signal(Reason::Compromised)
    };
    for (people, answer) in [(3, "act"), (4, "operator_limit")] {
        let mut facts = Facts {
            by_operator: BTreeMap::from([("operator:ann(1)".to_owned(), 0)]),
            ..facts(INBOX)
        };
        facts.as_one(|class| if class == Class::Compromises { people } else { 0 });
        for _ in 0..people {
            assert_eq!(word(&policy.decide(&ann, &facts)), answer, "{people}");
            facts.acted_on(&ann);
        }
    }
}
