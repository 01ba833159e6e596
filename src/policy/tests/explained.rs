//! What the rule says while it decides, and past signals through another policy.

use super::*;

#[test]
fn the_rules_stand_in_their_order_and_the_one_that_decides_is_the_last_but_the_mode() {
    let mut of_group = signal(Reason::Departed);
    of_group.subject = "username:backup-bot".parse().unwrap();
    let explained = policy().explain(&of_group, &facts("hr"));
    let rules: Vec<&str> = explained.steps.iter().map(|step| step.rule).collect();
    assert_eq!(rules, ["source", "playbook", "urgency", "highest", "protected", "mode"]);
    let decides: Vec<bool> = explained.steps.iter().map(|step| step.decides).collect();
    assert_eq!(decides, [false, false, false, false, true, false]);
    assert!(explained.steps[4].said.contains("never acted on without a human"));
}

#[test]
fn what_is_acted_on_has_passed_every_rule() {
    let explained = policy().explain(&signal(Reason::Departed), &facts("hr"));
    let rules: Vec<&str> = explained.steps.iter().map(|step| step.rule).collect();
    for rule in [
        "protected",
        "group",
        "reasons",
        "playbooks",
        "domains",
        "identity",
        "email_domains",
        "departures_per_delivery",
        "departures_share",
        "old_signal",
        "departures_per_hour",
        "mode",
    ] {
        assert!(rules.contains(&rule), "{rule} in {rules:?}");
    }
    assert!(explained.steps.iter().all(|step| !step.decides));
}

fn recorded(n: u64, reason: Reason) -> Recorded {
    Recorded {
        source: "hr".to_owned(),
        signal: Signal::new(n.to_string(), [0; 32], format!("username:u{n}").parse().unwrap(), reason),
        received_at: NOW.plus(Duration::from_secs(n)),
        delivery: i64::try_from(n).unwrap(),
        delivery_departures: 1,
        unclear: false,
        moves: false,
    }
}

#[test]
fn a_replay_counts_what_the_policy_itself_would_have_acted_on() {
    let strict = Policy {
        limits: BTreeMap::from([(
            "hr".to_owned(),
            Limits {
                departures_per_hour: Some(3),
                ..Limits::default()
            },
        )]),
        ..policy()
    };
    let (present, changed) = (policy(), strict);
    let (mut one, mut other) = (Replay::new(&present, 0), Replay::new(&changed, 0));
    let mut differ = 0;
    for n in 0..10 {
        let signal = recorded(n, Reason::Departed);
        let (now, then) = (one.decide(&signal), other.decide(&signal));
        assert_eq!(word(&now), "act");
        assert_eq!(word(&then), if n < 3 { "act" } else { "departures_limit" }, "{n}");
        differ += usize::from(now != then);
    }
    assert_eq!(differ, 7);
    // An hour later there is room again.
    let later = Recorded {
        received_at: NOW.plus(HOUR * 2),
        ..recorded(100, Reason::Departed)
    };
    assert_eq!(word(&other.decide(&later)), "act");
}

#[test]
fn a_replay_knows_how_many_came_together() {
    let policy = policy();
    let mut replay = Replay::new(&policy, 0);
    let one = Recorded {
        delivery_departures: 21,
        ..recorded(1, Reason::Departed)
    };
    assert_eq!(word(&replay.decide(&one)), "delivery_limit");
}
