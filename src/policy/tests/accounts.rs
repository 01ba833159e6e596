//! What may be done to the account that a subject resolved to.

use super::*;

fn principal(names: &[&str], traits: impl IntoIterator<Item = PrincipalTrait>) -> Principal {
    Principal {
        id: "u1".into(),
        names: names.iter().map(|name| name.parse().unwrap()).collect(),
        traits: traits.into_iter().collect(),
    }
}

#[test]
fn an_account_is_protected_by_any_name_that_the_target_knows_it_by() {
    let policy = policy();
    let open = built_in("compromised");
    let bot = principal(&["email:alice@example.org", "username:backup-bot"], []);
    assert_eq!(policy.principal_allowed(&bot, &open), Err(HoldReason::Protected));
    assert_eq!(policy.principal_allowed(&principal(&["username:alice"], []), &open), Ok(()));
    let by_id = Policy {
        protected: [Subject::Opaque("U1".into())].into_iter().collect(),
        ..policy
    };
    assert_eq!(
        by_id.principal_allowed(&principal(&[], []), &open),
        Err(HoldReason::Protected)
    );
}

#[test]
fn our_own_account_is_never_acted_on_and_no_approval_changes_that() {
    let ours = principal(&["username:backup-bot"], [PrincipalTrait::Ourselves]);
    let refused = policy().principal_allowed(&ours, &built_in("logout")).unwrap_err();
    assert_eq!(refused, HoldReason::Ourselves);
    assert!(refused.is_final() && !HoldReason::Protected.is_final());
}

#[test]
fn the_last_administrator_is_not_locked_out_but_may_lose_sessions() {
    let admin = principal(&[], [PrincipalTrait::Admin, PrincipalTrait::LastAdmin]);
    let allowed = |containment: &Containment| policy().principal_allowed(&admin, containment);
    assert_eq!(allowed(&built_in("departed")), Err(HoldReason::LastAdmin));
    assert_eq!(allowed(&built_in("compromised")), Ok(()));
    let reset = Containment {
        reset_password: true,
        ..built_in("compromised")
    };
    assert_eq!(allowed(&reset), Err(HoldReason::LastAdmin));
    // The single operations neither suspend nor reset, whatever their playbook says.
    assert_eq!(
        allowed(&Containment {
            scope: Scope::AllSessions,
            ..built_in("departed")
        }),
        Ok(())
    );
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
