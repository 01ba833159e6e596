//! Which names are one person's, and what follows from it: at the door, at the claim, at the erasure.

use std::sync::Arc;
use std::time::Duration;

use revoked::model::{Actor, Delivery, Evidence, Identity, Reason, Renamed, Settlement, Subject, Verdict};
use revoked::policy::Policy;
use revoked::store::{ScopedName, SlotOffers, StoreError};

use super::{Place, case_of, place, signal};

const DAY: Duration = Duration::from_hours(24);

fn subject(text: &str) -> Subject {
    text.parse().unwrap()
}

fn names(texts: &[&str]) -> Vec<ScopedName> {
    texts.iter().map(|text| ScopedName::from(subject(text))).collect()
}

fn operator() -> Actor {
    Actor::operator("ada", Some(7))
}

impl Place {
    async fn link(&self, texts: &[&str]) {
        self.store.link(names(texts), false, operator()).await.unwrap();
    }

    /// A delivery of a source that says these names are one person's.
    async fn says(&self, source: &str, texts: &[&str]) {
        let delivery = Delivery {
            identities: vec![Identity::of(texts.iter().map(|text| subject(text)).collect())],
            ..Delivery::of(source, Vec::new(), self.clock.now())
        };
        self.store
            .accept(super::policy(), delivery, SlotOffers::default())
            .await
            .unwrap();
    }

    /// The names of the person, sorted, with `*` behind those in dispute.
    async fn links_of(&self, text: &str) -> Vec<String> {
        let names = self.store.names_of(&subject(text)).await.unwrap();
        let mut names: Vec<String> = names
            .iter()
            .map(|known| format!("{}{}", known.name, if known.disputed_at.is_some() { "*" } else { "" }))
            .collect();
        names.sort();
        names
    }

    pub(super) async fn alert_kinds(&self) -> Vec<String> {
        let alerts = self.store.alerts(false).await.unwrap();
        alerts.into_iter().map(|alert| alert.kind).collect()
    }

    /// Ends the only job that waits with this.
    async fn settle_nobody(&self, nameless: bool) {
        let claim = self.claim().await;
        let evidence = Evidence {
            nameless,
            ..Evidence::default()
        };
        let settlement = if nameless {
            Settlement::GiveUp {
                error: "cannot be asked".to_owned(),
            }
        } else {
            Settlement::Done(Verdict::NoPrincipal {
                what: "nobody".to_owned(),
            })
        };
        self.store.settle(claim, vec![], evidence, settlement).await.unwrap();
    }
}

#[tokio::test]
async fn a_signal_by_one_name_is_worked_on_under_every_name() {
    let place = place().await;
    place
        .link(&["alice@example.org", "iss_sub:https://idp.example.org#00u#1"])
        .await;
    place
        .accept(vec![signal(
            "k",
            "iss_sub:https://idp.example.org#00u#1",
            Reason::Compromised,
        )])
        .await;
    let claim = place.claim().await;
    assert_eq!(
        claim.job.subject,
        subject("aliases:iss_sub:https://idp.example.org#00u#1\nemail:alice@example.org")
    );
    let shown = place.store.case(1).await.unwrap();
    assert_eq!(shown.subject.as_deref(), Some("email:alice@example.org"));
}

#[tokio::test]
async fn an_account_id_is_only_asked_for_at_its_target() {
    let place = place().await;
    let mut linked = names(&["alice@example.org", "opaque:here", "opaque:there"]);
    linked[1].target = Some("chat".to_owned());
    linked[2].target = Some("wiki".to_owned());
    place.store.link(linked, false, operator()).await.unwrap();
    place
        .accept(vec![signal("k", "alice@example.org", Reason::Compromised)])
        .await;
    assert_eq!(
        place.claim().await.job.subject,
        subject("aliases:email:alice@example.org\nopaque:here")
    );
}

#[tokio::test]
async fn a_link_made_while_a_job_waits_counts_when_it_is_claimed() {
    let place = place().await;
    place
        .accept(vec![signal("k", "alice@example.org", Reason::Compromised)])
        .await;
    place.link(&["alice@example.org", "username:alice"]).await;
    assert_eq!(
        place.claim().await.job.subject,
        subject("aliases:email:alice@example.org\nusername:alice")
    );
}

#[tokio::test]
async fn a_protected_person_is_held_whatever_the_name() {
    let place = place().await;
    place.link(&["alice@example.org", "employee_id:4711"]).await;
    let policy = Policy {
        protected: [subject("alice@example.org")].into_iter().collect(),
        ..Policy::standard(&["chat"])
    };
    let delivery = Delivery::of(
        "hr",
        vec![signal("k", "employee_id:4711", Reason::Departed)],
        place.clock.now(),
    );
    let accepted = place
        .store
        .accept(Arc::new(policy), delivery, SlotOffers::default())
        .await
        .unwrap();
    assert!(case_of(&accepted.receipt.signals[0]).1, "a protected person was not held");
    assert_eq!(place.store.holds(false).await.unwrap()[0].why, "protected");
}

#[tokio::test]
async fn a_source_never_takes_a_name_from_another_source_or_from_an_operator() {
    let place = place().await;
    place.link(&["boss@example.org", "username:boss"]).await;
    place.says("hr", &["employee_id:1", "alice@example.org"]).await;
    place
        .says("scim", &["opaque:s9", "alice@example.org", "boss@example.org"])
        .await;
    // It joins the person of its first name that is known; the other name stays where it is.
    assert_eq!(
        place.links_of("opaque:s9").await,
        ["email:alice@example.org", "employee_id:1", "opaque:s9"]
    );
    assert_eq!(
        place.links_of("username:boss").await,
        ["email:boss@example.org*", "username:boss"]
    );
    assert_eq!(place.alert_kinds().await, ["identity_conflict"]);
    // An operator's word stands against it.
    let receipt = place.accept(vec![signal("k", "boss@example.org", Reason::Departed)]).await;
    assert!(!case_of(&receipt.signals[0]).1);
}

#[tokio::test]
async fn a_name_that_two_sources_claim_waits_for_a_human_and_a_second_name_settles_it() {
    let place = place().await;
    place.says("hr", &["employee_id:1", "alice@example.org"]).await;
    place.says("scim", &["opaque:s2", "username:al"]).await;
    place.says("scim", &["opaque:s2", "alice@example.org"]).await;
    assert_eq!(
        place.links_of("employee_id:1").await,
        ["email:alice@example.org*", "employee_id:1"]
    );
    let held = place.accept(vec![signal("k1", "alice@example.org", Reason::Departed)]).await;
    assert!(case_of(&held.signals[0]).1);
    assert_eq!(place.store.holds(false).await.unwrap()[0].why, "unclear");
    let both = "aliases:email:alice@example.org\nemployee_id:1";
    let sure = place.accept(vec![signal("k2", both, Reason::Departed)]).await;
    assert!(!case_of(&sure.signals[0]).1);
    place.link(&["employee_id:1", "alice@example.org"]).await;
    let sure = place.accept(vec![signal("k3", "alice@example.org", Reason::Departed)]).await;
    assert!(!case_of(&sure.signals[0]).1);
}

#[tokio::test]
async fn names_of_two_people_in_one_signal_are_unclear_and_a_compromise_may_take_all() {
    let place = place().await;
    place.link(&["a@example.org", "employee_id:1"]).await;
    place.link(&["b@example.org", "employee_id:2"]).await;
    let both = "aliases:email:a@example.org\nemail:b@example.org";
    let receipt = place.accept(vec![signal("k1", both, Reason::Compromised)]).await;
    assert!(case_of(&receipt.signals[0]).1);
    let bold = Policy {
        ambiguous: revoked::policy::Ambiguous::All,
        ..Policy::standard(&["chat"])
    };
    let bold = Arc::new(bold);
    for (key, reason, held) in [("k2", Reason::Compromised, false), ("k3", Reason::Departed, true)] {
        let delivery = Delivery::of("hr", vec![signal(key, both, reason)], place.clock.now());
        let accepted = place
            .store
            .accept(Arc::clone(&bold), delivery, SlotOffers::default())
            .await
            .unwrap();
        assert_eq!(case_of(&accepted.receipt.signals[0]).1, held, "{reason}");
    }
    // Nobody's other names are dragged in.
    assert_eq!(place.claim().await.job.subject, subject(both));
}

#[tokio::test]
async fn an_address_that_its_source_replaces_counts_for_thirty_days_more() {
    let place = place().await;
    place.says("hr", &["employee_id:1", "old@example.org"]).await;
    place.says("hr", &["employee_id:1", "new@example.org"]).await;
    let asked = async |key: &str| {
        place.accept(vec![signal(key, "employee_id:1", Reason::Compromised)]).await;
        let claim = place.claim().await;
        let subject = claim.job.subject.clone();
        let verdict = Settlement::Done(Verdict::Contained);
        place.store.settle(claim, vec![], Evidence::default(), verdict).await.unwrap();
        subject
    };
    let three = subject("aliases:email:old@example.org\nemail:new@example.org\nemployee_id:1");
    assert_eq!(asked("k1").await, three);
    place.clock.advance(DAY * 31);
    assert_eq!(asked("k2").await, subject("aliases:email:new@example.org\nemployee_id:1"));
    // And may be somebody else's then.
    place.says("scim", &["opaque:s2", "old@example.org"]).await;
    assert_eq!(place.links_of("opaque:s2").await, ["email:old@example.org", "opaque:s2"]);
}

#[tokio::test]
async fn two_people_become_one_only_where_an_operator_says_merge() {
    let place = place().await;
    place.link(&["a@example.org", "employee_id:1"]).await;
    place.link(&["b@example.org", "employee_id:2"]).await;
    let both = names(&["a@example.org", "b@example.org"]);
    let refused = place.store.link(both.clone(), false, operator()).await;
    assert!(matches!(refused, Err(StoreError::Refused(why)) if why.contains("--merge")));
    assert_eq!(place.links_of("employee_id:1").await.len(), 2);
    assert_eq!(place.store.link(both, true, operator()).await.unwrap().moved, 2);
    assert_eq!(place.links_of("employee_id:1").await.len(), 4);
}

#[tokio::test]
async fn an_unlinked_name_stands_alone_until_that_is_forgotten_too() {
    let place = place().await;
    place.says("hr", &["employee_id:1", "a@example.org"]).await;
    let a = subject("a@example.org");
    assert!(place.store.unlink(a.clone(), operator()).await.unwrap());
    place.says("hr", &["employee_id:1", "a@example.org"]).await;
    assert_eq!(place.links_of("employee_id:1").await, ["employee_id:1"]);
    assert!(!place.store.unlink(a.clone(), operator()).await.unwrap());
    assert!(place.store.unlink(a, operator()).await.is_err());
    place.says("hr", &["employee_id:1", "a@example.org"]).await;
    assert_eq!(
        place.links_of("employee_id:1").await,
        ["email:a@example.org", "employee_id:1"]
    );
    let kinds = place.trail().await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "subject.unlinked").count(), 2);
}

#[tokio::test]
async fn many_people_are_linked_all_or_none() {
    let place = place().await;
    place.link(&["a@example.org", "employee_id:1"]).await;
    place.link(&["b@example.org", "employee_id:2"]).await;
    let good = (2, names(&["c@example.org", "username:c"]));
    let bad = (3, names(&["a@example.org", "b@example.org"]));
    let refused = place.store.link_many(vec![good.clone(), bad], [0; 32], operator()).await;
    assert!(matches!(refused, Err(StoreError::Refused(why)) if why.starts_with("line 3: ")));
    assert!(place.links_of("username:c").await.is_empty());
    place.store.link_many(vec![good], [0; 32], operator()).await.unwrap();
    assert_eq!(place.links_of("username:c").await.len(), 2);
}

#[tokio::test]
async fn whoever_no_target_knows_is_listed_until_a_link_has_the_job_done_again() {
    let place = place().await;
    for (n, nameless) in [(1, false), (2, true)] {
        let name = format!("iss_sub:https://idp.example.org#{n}");
        let receipt = place.accept(vec![signal(&name, &name, Reason::Compromised)]).await;
        let case = case_of(&receipt.signals[0]).0;
        place.settle_nobody(nameless).await;
        assert_eq!(place.alert_kinds().await, ["unresolved"], "one alert for the source");
        let listed = place.store.unresolved(false).await.unwrap();
        assert_eq!(
            (listed.len(), listed[0].case, listed[0].subject.as_deref()),
            (1, case, Some(name.as_str()))
        );
        let email = format!("person{n}@example.org");
        let linked = place.store.link(names(&[&name, &email]), false, operator()).await.unwrap();
        assert_eq!(linked.cases, [case]);
        assert!(place.store.unresolved(false).await.unwrap().is_empty());
        assert!(place.alert_kinds().await.is_empty());
        let claim = place.claim().await;
        assert_eq!(claim.job.case.0, case);
        assert!(claim.job.subject.names().contains(&subject(&email)));
        let done = Settlement::Done(Verdict::Contained);
        let evidence = Evidence {
            principal: Some("p".to_owned()),
            ..Evidence::default()
        };
        place.store.settle(claim, vec![], evidence, done).await.unwrap();
        assert_eq!(place.store.case(case).await.unwrap().verdict.as_deref(), Some("contained"));
    }
    assert!(place.trail().await.iter().any(|kind| kind == "subject.unresolved"));
}

#[tokio::test]
async fn an_unresolved_case_is_dismissed_with_a_note_and_only_once() {
    let place = place().await;
    place.accept(vec![signal("k", "employee_id:9", Reason::Departed)]).await;
    place.settle_nobody(false).await;
    let note = Some("never had an account".to_owned());
    place.store.dismiss(vec![1], note.clone(), operator()).await.unwrap();
    assert!(place.alert_kinds().await.is_empty());
    assert!(place.store.dismiss(vec![1], None, operator()).await.is_err());
    let all = place.store.unresolved(true).await.unwrap();
    assert_eq!((all[0].state.as_str(), all[0].note.clone()), ("dismissed", note));
}

#[tokio::test]
async fn erasing_a_person_takes_every_name_and_link_along() {
    let place = place().await;
    place.says("hr", &["employee_id:4711", "alice@example.org"]).await;
    place.link(&["alice@example.org", "username:alice"]).await;
    place.accept(vec![signal("k1", "employee_id:4711", Reason::Logout)]).await;
    let nobody = Settlement::Done(Verdict::NoPrincipal {
        what: "nobody".to_owned(),
    });
    let claim = place.claim().await;
    place.store.settle(claim, vec![], Evidence::default(), nobody).await.unwrap();
    assert!(place.store.erase(&subject("username:alice"), operator()).await.unwrap());
    assert!(place.links_of("employee_id:4711").await.is_empty());
    assert!(!place.store.erase(&subject("alice@example.org"), operator()).await.unwrap());
    place.trail().await;
    place.store.close().await;
    let bytes = std::fs::read(&place.path).unwrap();
    for name in ["alice", "4711"] {
        let found = bytes.windows(name.len()).any(|window| window == name.as_bytes());
        assert!(!found, "{name} is still in the file");
    }
}

impl Place {
    async fn renamed(&self, renamed: Renamed) {
        let delivery = Delivery {
            renamed: vec![renamed],
            ..Delivery::of("idp", Vec::new(), self.clock.now())
        };
        self.store
            .accept(super::policy(), delivery, SlotOffers::default())
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_changed_address_means_the_person_beside_the_old_one_for_thirty_days() {
    let place = place().await;
    place.says("hr", &["employee_id:1", "old@example.org"]).await;
    let changed = Renamed::Changed {
        from: subject("old@example.org"),
        to: subject("new@example.org"),
    };
    for _ in 0..2 {
        place.renamed(changed.clone()).await;
        assert_eq!(
            place.links_of("new@example.org").await,
            ["email:new@example.org", "email:old@example.org", "employee_id:1"]
        );
    }
    place.clock.advance(DAY * 31);
    place.accept(vec![signal("k", "new@example.org", Reason::Compromised)]).await;
    assert_eq!(
        place.claim().await.job.subject,
        subject("aliases:email:new@example.org\nemployee_id:1")
    );
    // A name of somebody else's is not taken by saying that one has changed to it.
    place.link(&["boss@example.org", "username:boss"]).await;
    place
        .renamed(Renamed::Changed {
            from: subject("new@example.org"),
            to: subject("boss@example.org"),
        })
        .await;
    assert_eq!(
        place.links_of("username:boss").await,
        ["email:boss@example.org*", "username:boss"]
    );
}

#[tokio::test]
async fn a_recycled_address_never_leads_to_its_new_owner() {
    let place = place().await;
    place.link(&["employee_id:1", "shared@example.org"]).await;
    let both = "aliases:email:shared@example.org\nusername:old";
    for (key, text) in [("k1", "shared@example.org"), ("k2", both)] {
        place.accept(vec![signal(key, text, Reason::Compromised)]).await;
    }
    place.accept(vec![signal("k3", "opaque:other", Reason::Compromised)]).await;
    place.renamed(Renamed::Recycled(subject("shared@example.org"))).await;
    assert_eq!(place.links_of("employee_id:1").await, ["employee_id:1"]);
    // What waits for the old owner does not ask for the address any more.
    let asked = place.claim().await.job.subject.clone();
    assert!(!asked.to_string().contains("shared"), "{asked}");
    assert!(
        asked.to_string().contains("username:old") && asked.to_string().contains("employee_id:1"),
        "{asked}"
    );
    // And what is said about the address from now on is about somebody else.
    let receipt = place
        .accept(vec![signal("k4", "shared@example.org", Reason::Compromised)])
        .await;
    assert_eq!(case_of(&receipt.signals[0]).0, 3);
    assert_eq!(
        place.trail().await.iter().filter(|kind| *kind == "subject.unlinked").count(),
        2
    );
}
