//! What may be done to the account that a subject resolved to.

use super::*;

fn principal(names: &[&str]) -> Principal {
    Principal {
        id: "u1".into(),
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        traits: std::collections::BTreeSet::new(),
        account: crate::model::AccountState::default(),
    }
}

/// Whether an account may be acted on that the decision knew under another name.
fn allowed(policy: &Policy, principal: &Principal) -> Result<(), HoldReason> {
    policy.principal_allowed(principal, &"username:somebody".parse().unwrap(), &built_in("departed"))
}

#[test]
fn an_account_is_protected_by_any_name_that_the_target_knows_it_by() {
    let policy = policy();
    let bot = principal(&["email:alice@example.org", "username:backup-bot"]);
    assert_eq!(allowed(&policy, &bot), Err(HoldReason::Protected));
    assert_eq!(allowed(&policy, &principal(&["username:alice"])), Ok(()));
    let by_id = Policy {
        protected: [Subject::Opaque("U1".into())].into_iter().collect(),
        ..policy
    };
    assert_eq!(allowed(&by_id, &principal(&[])), Err(HoldReason::Protected));
}

#[test]
fn all_accounts_of_one_name_are_taken_for_compromises_only_and_only_when_asked() {
    for reason in Reason::ALL {
        assert!(!policy().takes_all(reason));
        let all = Policy {
            ambiguous: Ambiguous::All,
            ..policy()
        };
        assert_eq!(all.takes_all(reason), reason == Reason::Compromised);
    }
}

#[test]
fn an_address_of_a_strange_domain_is_held_unless_another_name_or_an_operator_stands_behind_it() {
    let policy = Policy {
        email_domains: ["example.org".to_owned()].into(),
        ..policy()
    };
    for (subject, source, answer) in [
        ("email:alice@example.org", "hr", "act"),
        ("email:alice@sub.example.org", "hr", "email_domain"),
        ("acct:alice@example.net", "hr", "email_domain"),
        ("email:alice@example.net", INBOX, "act"),
        ("aliases:email:alice@example.net\nusername:alice", "hr", "act"),
        ("username:alice", "hr", "act"),
    ] {
        let asked = Signal {
            subject: subject.parse().unwrap(),
            ..signal(Reason::Compromised)
        };
        assert_eq!(word(&policy.decide(&asked, &facts(source))), answer, "{subject}");
    }
}

#[test]
fn a_member_of_a_group_that_only_the_target_knows_as_one_is_held_where_the_group_says_so_or_the_work_goes_too_far() {
    let group = |hold, highest| Group {
        name: "executives".to_owned(),
        members: ["username:ceo".parse::<Subject>().unwrap()].into_iter().collect(),
        listed: None,
        hold,
        highest,
        file: None,
        approvals: 2,
    };
    let with = |group| Policy {
        groups: vec![group],
        ..policy()
    };
    let ceo = principal(&["username:CEO"]);
    let held_for = HeldFor {
        group: "executives".to_owned(),
        approvals: 2,
    };
    assert_eq!(
        allowed(&with(group(true, None)), &ceo),
        Err(HoldReason::Group(held_for.clone()))
    );
    let capped = with(group(false, Some(Level::RevokeSessions)));
    let beyond = Err(HoldReason::GroupLevel {
        group: held_for,
        highest: Level::RevokeSessions,
    });
    assert_eq!(allowed(&capped, &ceo), beyond);
    let known: Subject = "username:ceo".parse().unwrap();
    assert_eq!(
        capped.principal_allowed(&ceo, &known, &built_in("departed")),
        Ok(()),
        "the decision knew of it, and an operator may go further"
    );
    let other: Subject = "username:somebody".parse().unwrap();
    assert_eq!(capped.principal_allowed(&ceo, &other, &built_in("logout")), Ok(()));
}
