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

#[test]
fn an_account_is_protected_by_any_name_that_the_target_knows_it_by() {
    let policy = policy();
    let bot = principal(&["email:alice@example.org", "username:backup-bot"]);
    assert_eq!(policy.principal_allowed(&bot), Err(HoldReason::Protected));
    assert_eq!(policy.principal_allowed(&principal(&["username:alice"])), Ok(()));
    let by_id = Policy {
        protected: [Subject::Opaque("U1".into())].into_iter().collect(),
        ..policy
    };
    assert_eq!(by_id.principal_allowed(&principal(&[])), Err(HoldReason::Protected));
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
