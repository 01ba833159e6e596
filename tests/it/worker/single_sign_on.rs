//! An identity provider among the targets: what its block and its names mean for the others.

use std::collections::BTreeMap;
use std::sync::Arc;

use revoked::model::{Actor, Capabilities, Containment, Grant, GrantKind, Subject, Verdict};
use revoked::store::{JobView, ScopedName};
use revoked::targets::{Remedy, TargetRole};

use super::harness::{Harness, ROUTINE, everything, quick};
use super::scripted_target::Scripted;

/// A provider that lets no call through yet, and an application. Everything is demanded at both.
struct Place {
    harness: Harness,
    provider: Arc<Scripted>,
    application: Arc<Scripted>,
}

impl Place {
    async fn new(containment: Containment) -> Self {
        Self::with(containment, Scripted::new()).await
    }

    async fn with(containment: Containment, application: Scripted) -> Self {
        let mut harness = Harness::demanding(containment.clone()).await;
        for playbook in harness.policy.playbooks.values_mut() {
            *playbook = BTreeMap::from(["chat", "idp"].map(|name| (name.to_owned(), containment.clone())));
        }
        harness.policy.identity_providers = ["idp".to_owned()].into();
        let place = Self {
            harness,
            provider: Arc::new(Scripted::gated()),
            application: Arc::new(application),
        };
        place.provider.account("alice", &[(GrantKind::Session, "p1")]);
        place.application.account("alice", &[(GrantKind::Session, "s1")]);
        place
    }

    async fn lanes(&self, provider: TargetRole) {
        let roles = [("idp", provider, Arc::clone(&self.provider))];
        if provider == TargetRole::IdentityProvider {
            self.harness.store.set_identity_providers(["idp".to_owned()].into());
        }
        let mut targets: Vec<_> = roles.map(|(name, role, target)| (name, role, target as _)).into();
        targets.push(("chat", TargetRole::Application, Arc::clone(&self.application) as _));
        self.harness.lanes_of(targets, quick()).await;
    }

    /// The newest job at a target that is over, once there is one that `fits`.
    async fn job(&self, case: i64, target: &str, fits: impl Fn(&JobView) -> bool) -> JobView {
        self.harness
            .until(target, || async {
                let jobs = self.harness.jobs(case).await;
                jobs.into_iter().find(|job| job.target == target && fits(job))
            })
            .await
    }

    fn let_the_provider_answer(&self) {
        self.provider.let_through(1000);
    }

    async fn closed(&self, case: i64) -> String {
        self.harness
            .until("the verdict", || async { self.harness.detail(case).await.case.verdict })
            .await
    }
}

fn over(job: &JobView) -> bool {
    job.state == "done"
}

#[tokio::test]
async fn a_sweep_finds_its_account_by_the_id_and_holds_nothing_where_no_account_can_be_blocked() {
    let place = Place::new(Containment {
        watch: vec![1],
        ..everything()
    })
    .await;
    {
        let mut world = place.application.world();
        world.asks_by_no_id = true;
        world.able.suspends = false;
    }
    place.lanes(TargetRole::IdentityProvider).await;
    place.let_the_provider_answer();
    let case = place.harness.signal("username:alice", ROUTINE).await;
    let contained = place.job(case, "chat", |job| over(job) && job.kind == "contain").await;
    // It comes as soon as the provider has shown its block.
    let swept = place
        .job(case, "chat", |job| job.kind == "watch" && job.finished_at.is_some())
        .await;
    assert_eq!((swept.state.as_str(), swept.verdict), ("done", contained.verdict));
}

#[tokio::test]
async fn an_application_is_emptied_again_once_the_provider_has_shown_its_block() {
    let containment = Containment {
        watch: vec![3600, 86_400],
        ..everything()
    };
    let place = Place::new(containment).await;
    place.lanes(TargetRole::IdentityProvider).await;
    let case = place.harness.signal("username:alice", ROUTINE).await;
    place.job(case, "chat", |job| over(job) && job.kind == "contain").await;
    let planned = place.job(case, "chat", |job| job.kind == "watch").await;
    assert_eq!(
        place.harness.detail(case).await.case.verdict,
        None,
        "the provider has not answered"
    );
    // Single sign-on has brought somebody back, as far as the application goes.
    place.application.world().accounts.get_mut("alice").unwrap().grants = vec![Grant::new(GrantKind::Session, "s2")];
    place.let_the_provider_answer();
    let again = place.job(case, "chat", |job| over(job) && job.kind == "watch").await;
    assert_eq!(again.verdict, Some(Verdict::Contained));
    assert!(place.application.left("alice").is_empty());
    assert_eq!(place.closed(case).await, "contained");
    // The look that was planned comes all the same, at its time.
    let next = place.job(case, "chat", |job| job.state == "scheduled").await;
    assert_eq!((next.kind.as_str(), next.due), ("watch", planned.due));
    place.harness.stop().await;
}

#[tokio::test]
async fn what_no_list_shows_is_ended_once_more_after_the_block_and_is_no_comeback() {
    let place = Place::new(everything()).await;
    place.application.world().able = Capabilities {
        suspends: true,
        ends_all: [GrantKind::Session].into(),
        unlisted: [(GrantKind::Session, "it lists no sessions".to_owned())].into(),
        ..Capabilities::default()
    };
    place.lanes(TargetRole::IdentityProvider).await;
    let case = place.harness.signal("username:alice", ROUTINE).await;
    place.job(case, "chat", |job| over(job) && job.kind == "contain").await;
    let ends = || {
        let sent = place.application.sent();
        sent.into_iter().filter(|sent| sent.starts_with("end everything")).count()
    };
    assert_eq!(ends(), 1);
    place.let_the_provider_answer();
    let again = place.job(case, "chat", |job| over(job) && job.kind == "watch").await;
    assert!(matches!(again.verdict, Some(Verdict::Unverified { .. })), "{again:?}");
    assert_eq!(ends(), 2);
    assert!(!again.evidence.unwrap().came_back);
    assert!(place.harness.alerts("came_back").await.is_empty());
    place.harness.stop().await;
}

#[tokio::test]
async fn whoever_was_looked_at_after_the_block_is_not_looked_at_again() {
    let place = Place::new(everything()).await;
    place.application.world().down = true;
    place.lanes(TargetRole::IdentityProvider).await;
    place.let_the_provider_answer();
    let case = place.harness.signal("username:alice", ROUTINE).await;
    place.job(case, "idp", over).await;
    place.application.world().down = false;
    assert_eq!(place.closed(case).await, "contained");
    assert!(place.harness.jobs(case).await.iter().all(|job| job.kind == "contain"));
    place.harness.stop().await;
}

impl Place {
    /// At the provider alice is known by her address too.
    fn give_her_an_address(&self) {
        let address: Subject = "email:alice@example.org".parse().unwrap();
        let mut world = self.provider.world();
        world.names.insert(address.to_string(), vec!["alice".to_owned()]);
        world.accounts.get_mut("alice").unwrap().known_as.push(address);
    }
}

/// At the application alice is known by her login alone, and the signal has her address.
async fn known_by_another_name(role: TargetRole) -> (Place, i64) {
    let place = Place::new(everything()).await;
    place.give_her_an_address();
    place.lanes(role).await;
    let case = place.harness.signal("email:alice@example.org", ROUTINE).await;
    let nobody = place.job(case, "chat", over).await;
    assert!(matches!(nobody.verdict, Some(Verdict::NoPrincipal { .. })), "{nobody:?}");
    (place, case)
}

#[tokio::test]
async fn what_an_account_is_called_at_the_provider_leads_to_it_elsewhere() {
    let (place, case) = known_by_another_name(TargetRole::IdentityProvider).await;
    place.let_the_provider_answer();
    let found = |job: &JobView| over(job) && job.verdict == Some(Verdict::Contained);
    place.job(case, "chat", found).await;
    assert_eq!(place.closed(case).await, "contained");
    assert!(place.application.left("alice").is_empty());
    let names = place
        .harness
        .store
        .names_of(&"username:alice".parse().unwrap())
        .await
        .unwrap();
    assert!(
        names.iter().all(|name| name.source.as_deref() == Some("target:idp")),
        "{names:?}"
    );
    place.harness.stop().await;
}

#[tokio::test]
async fn what_an_account_is_called_at_an_application_leads_nowhere() {
    let (place, case) = known_by_another_name(TargetRole::Application).await;
    place.let_the_provider_answer();
    place.job(case, "idp", over).await;
    assert_eq!(
        place.closed(case).await,
        "contained",
        "nobody is there: that does not spoil the case"
    );
    assert_eq!(place.application.left("alice"), ["s1"]);
    place.harness.stop().await;
}

#[tokio::test]
async fn a_name_that_an_operator_has_given_to_somebody_else_leads_to_nobody_new() {
    let place = Place::new(everything()).await;
    for person in [
        ["email:other@example.org", "username:alice"],
        ["email:alice@example.org", "employee_id:7"],
    ] {
        let names = person.map(|name| ScopedName::from(name.parse::<Subject>().unwrap()));
        let linked = place.harness.store.link(names.into(), false, Actor::operator("test", None));
        linked.await.unwrap();
    }
    place.give_her_an_address();
    place.lanes(TargetRole::IdentityProvider).await;
    place.let_the_provider_answer();
    let case = place.harness.signal("email:alice@example.org", ROUTINE).await;
    assert_eq!(place.closed(case).await, "contained");
    assert_eq!(
        place.application.left("alice"),
        ["s1"],
        "an operator says that this is somebody else"
    );
    place.harness.stop().await;
}

/// The names are learned while the application is being asked, by those that it does not know.
#[tokio::test]
async fn whoever_was_asked_for_while_the_names_were_learned_is_asked_for_again() {
    for asks_by in [None, Some("username")] {
        let place = Place::with(everything(), Scripted::gated()).await;
        place.give_her_an_address();
        place.lanes(TargetRole::IdentityProvider).await;
        let case = place.harness.signal("email:alice@example.org", ROUTINE).await;
        place.job(case, "chat", |job| job.state == "running").await;
        place.application.world().asks_by = asks_by;
        place.let_the_provider_answer();
        place.job(case, "idp", over).await;
        place.application.let_through(1000);
        let found = |job: &JobView| over(job) && job.verdict == Some(Verdict::Contained);
        place.job(case, "chat", found).await;
        assert!(place.application.left("alice").is_empty());
        place.harness.stop().await;
    }
}

#[tokio::test]
async fn a_target_that_could_not_be_asked_by_any_name_is_asked_by_those_that_are_learned() {
    let place = Place::new(everything()).await;
    place.give_her_an_address();
    place.application.world().asks_by = Some("username");
    place.lanes(TargetRole::IdentityProvider).await;
    let case = place.harness.signal("email:alice@example.org", ROUTINE).await;
    place.job(case, "chat", |job| job.state == "failed").await;
    place.let_the_provider_answer();
    place.job(case, "chat", over).await;
    assert_eq!(place.closed(case).await, "contained");
    assert!(place.application.left("alice").is_empty());
    place.harness.stop().await;
}

#[tokio::test]
async fn a_provider_that_has_shown_its_block_and_fails_at_the_rest_has_the_applications_looked_at_again() {
    let place = Place::new(everything()).await;
    place.provider.world().faults = (0..500).map(|_| ("end all sessions".to_owned(), Remedy::Retry)).collect();
    place.lanes(TargetRole::IdentityProvider).await;
    let case = place.harness.signal("username:alice", ROUTINE).await;
    place.job(case, "chat", |job| over(job) && job.kind == "contain").await;
    place.application.world().accounts.get_mut("alice").unwrap().grants = vec![Grant::new(GrantKind::Session, "s2")];
    place.let_the_provider_answer();
    place.job(case, "chat", |job| over(job) && job.kind == "watch").await;
    assert!(place.application.left("alice").is_empty());
    place.harness.stop().await;
}

#[tokio::test]
async fn a_provider_that_is_swept_later_brings_no_look_forward() {
    let containment = Containment {
        watch: vec![1, 86_400],
        ..everything()
    };
    let place = Place::new(containment).await;
    place.lanes(TargetRole::IdentityProvider).await;
    let case = place.harness.signal("username:alice", ROUTINE).await;
    place.job(case, "chat", |job| over(job) && job.kind == "contain").await;
    place.let_the_provider_answer();
    place.job(case, "idp", |job| over(job) && job.kind == "watch").await;
    let sweeps = || async {
        let jobs = place.harness.jobs(case).await;
        let over = jobs
            .into_iter()
            .filter(|job| job.target == "chat" && job.kind == "watch" && over(job));
        let over = over.count();
        (over == 2).then_some(())
    };
    place
        .harness
        .until("the look after the block, and the planned one", sweeps)
        .await;
    let next = place.job(case, "chat", |job| job.kind == "watch").await;
    assert_eq!(next.state, "scheduled", "the one of tomorrow: {next:?}");
    place.harness.stop().await;
}
