//! Suspending and ending: it shows afterwards, twice is once, and what comes back is seen.

use std::collections::BTreeSet;

use revoked::model::{Access, Action, Grant, GrantKind, Principal};

use super::excused::only_those_are_excused;
use super::stage::Stage;

impl Stage {
    async fn apply(&self, action: &Action, principal: &Principal) {
        let applied = self
            .target
            .apply(&self.context, action, std::slice::from_ref(principal))
            .await;
        if let Err(error) = applied {
            panic!(
                "{}: {action}: {error}; unknown: {:?}",
                self.name(),
                self.server.take_unknown()
            );
        }
    }

    /// The actions that end all that is listed, and what is in no list.
    pub(super) fn ends(&self, seen: &Access) -> Vec<Action> {
        let able = self.target.capabilities();
        let mut actions: Vec<Action> = able.ends_all.iter().map(|kind| Action::EndAll { kind: *kind }).collect();
        let one_by_one = |grant: &&Grant| able.ends.contains(&grant.name.kind) && !able.ends_all.contains(&grant.name.kind);
        for grant in seen.grants.iter().filter(one_by_one) {
            actions.push(match able.end_sets.get(&grant.name.kind) {
                Some(_) => Action::EndMany {
                    grants: vec![grant.name.clone()],
                },
                None => Action::End {
                    grant: grant.name.clone(),
                },
            });
        }
        actions
    }
}

fn kinds(seen: &Access) -> BTreeSet<GrantKind> {
    seen.grants.iter().map(|grant| grant.name.kind).collect()
}

#[tokio::test]
async fn everything_that_is_held_is_listed_ended_and_gone_and_ending_it_twice_is_harmless() {
    for stage in Stage::all().await {
        let principal = stage.found().await;
        let before = stage.look(&principal).await;
        let able = stage.target.capabilities();
        assert_eq!(
            kinds(&before),
            able.lists,
            "{}: the recording has one of each kind",
            stage.name()
        );
        let mut actions = stage.ends(&before);
        if able.suspends {
            actions.insert(0, Action::Suspend);
        }
        if able.resets_password {
            actions.insert(usize::from(!able.password_first && able.suspends), Action::ResetPassword);
        }
        for action in &actions {
            stage.apply(action, &principal).await;
        }
        let after = stage.look(&principal).await;
        assert_eq!(after.grants, [], "{}", stage.name());
        assert_eq!(after.listed, able.lists, "{}", stage.name());
        assert_eq!(after.suspended(), able.suspends, "{}", stage.name());
        for action in actions {
            stage.apply(&action, &principal).await;
        }
        assert_eq!(stage.look(&principal).await.grants, [], "{}", stage.name());
        assert_eq!(stage.server.take_unknown(), [], "{}", stage.name());
    }
}

#[tokio::test]
async fn an_answer_that_says_yes_is_no_proof_where_the_lists_lag() {
    let mut skipped = Vec::new();
    for stage in Stage::all().await {
        let principal = stage.found().await;
        let before = stage.look(&principal).await;
        if before.grants.is_empty() {
            skipped.push(stage.name().to_owned());
            continue;
        }
        stage.server.lag();
        for action in stage.ends(&before) {
            stage.apply(&action, &principal).await;
        }
        let meanwhile = stage.look(&principal).await;
        assert_eq!(meanwhile.grants, before.grants, "{}", stage.name());
        stage.server.catch_up();
        assert_eq!(stage.look(&principal).await.grants, [], "{}", stage.name());
    }
    only_those_are_excused("lists that lag", &skipped);
}

#[tokio::test]
async fn what_an_unblock_revives_is_seen_again() {
    let mut skipped = Vec::new();
    for stage in Stage::all().await {
        let principal = stage.found().await;
        let before = stage.look(&principal).await;
        let able = stage.target.capabilities();
        if !able.suspends {
            skipped.push(stage.name().to_owned());
            continue;
        }
        stage.apply(&Action::Suspend, &principal).await;
        assert!(stage.look(&principal).await.suspended(), "{}", stage.name());
        for action in stage.ends(&before) {
            stage.apply(&action, &principal).await;
        }
        assert!(!stage.server.marks().is_empty(), "{}", stage.name());
        stage.server.undo_everything();
        let after = stage.look(&principal).await;
        assert!(!after.suspended(), "{}", stage.name());
        assert_eq!(after.grants, before.grants, "{}", stage.name());
    }
    only_those_are_excused("an unblock that revives", &skipped);
}

#[tokio::test]
async fn a_proof_by_a_moment_appears_with_our_own_act_and_not_before() {
    let mut proved = Vec::new();
    for stage in Stage::all().await {
        let principal = stage.found().await;
        let able = stage.target.capabilities();
        let before = stage.look(&principal).await;
        if stage.description.proofs() == 0 {
            assert!(before.valid_from.is_empty(), "{}", stage.name());
            continue;
        }
        proved.push(stage.name().to_owned());
        let acted = revoked::model::Timestamp::from_seconds(super::stand_in::NOW);
        assert!(
            before.valid_from.values().all(|moment| *moment < acted),
            "{}: {before:?}",
            stage.name()
        );
        let mut actions = vec![Action::Suspend];
        actions.extend(able.ends_all.iter().map(|kind| Action::EndAll { kind: *kind }));
        for action in actions {
            stage.apply(&action, &principal).await;
        }
        let after = stage.look(&principal).await;
        assert!(
            after
                .valid_from
                .get(&GrantKind::Session)
                .is_some_and(|moment| *moment >= acted),
            "{}: {after:?}",
            stage.name()
        );
    }
    assert_eq!(proved, ["entra", "keystone"]);
}
