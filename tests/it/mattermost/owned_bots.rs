//! What somebody made through others: bots of theirs, bots of those bots, and readings that are shared.

use std::time::Duration;

use revoked::model::{Access, Action, GrantKind, PrincipalTrait, Verdict};
use revoked::targets::mattermost::GRANTS;
use revoked::targets::{ObservationRequest, Remedy};
use revoked_sandbox::world::Bot;
use revoked_sandbox::{Id, World};
use tokio::time::Instant;

use super::contain::{NEW, OLD};
use super::fixture::{Fixture, everything, options};

const MADE: [GrantKind; 4] = [
    GrantKind::IncomingWebhook,
    GrantKind::OutgoingWebhook,
    GrantKind::SlashCommand,
    GrantKind::OauthApp,
];

/// Makes one of each in the name of `maker`.
fn make(world: &mut World, maker: Id) {
    let now = 0;
    let team = world.teams.iter().next().unwrap().id;
    let channel = *world.channels.keys().next().unwrap();
    world.add_incoming_hook(maker, channel, team, now);
    world.add_outgoing_hook(maker, channel, team, now);
    world.add_command(maker, team, &format!("t{maker}"), now);
    let app = world.add_app(&format!("app of {maker}"), now);
    if let Some(app) = world.apps.get_mut(app) {
        app.creator_id = maker;
    }
}

fn made(access: &Access) -> Vec<usize> {
    MADE.iter().map(|kind| access.of(*kind).count()).collect()
}

/// `user02` owns a bot, which owns a bot that is disabled, which owns a bot: each of the four has made one of everything.
fn chain(world: &mut World) -> [Id; 4] {
    let person = world.person("user02").unwrap().id;
    let first = world.add_bot("first-bot", person, "", 0);
    let second = world.add_bot("second-bot", first, "", 0);
    let third = world.add_bot("third-bot", second, "", 0);
    let disabled = Bot {
        delete_at: 1,
        ..world.bots.get(second).unwrap().clone()
    };
    world.put_bot(disabled);
    world.set_active(second, false, 1);
    for maker in [person, first, second, third] {
        make(world, maker);
    }
    [person, first, second, third]
}

#[tokio::test]
async fn what_bots_of_a_persons_bots_made_is_the_persons_and_ends() {
    for version in [OLD, NEW] {
        let mut world = World::fixture(7, 20);
        world.version = version;
        let makers = chain(&mut world);
        let fixture = Fixture::start(world, options(), false).await;
        let principal = fixture.resolve("username:user02").await;
        assert_eq!(made(&fixture.observe(&principal).await), [4; 4]);
        let outcome = fixture.contain(&principal, &everything(false)).await.unwrap();
        assert_eq!(outcome.verdict, Ok(Verdict::Contained), "{outcome:?}");
        let world = fixture.sandbox.world();
        let of = |maker: &Id| makers.contains(maker);
        assert!(
            world
                .incoming_hooks
                .iter()
                .all(|hook| hook.delete_at > 0 || !of(&hook.user_id))
        );
        assert!(
            world
                .outgoing_hooks
                .iter()
                .all(|hook| hook.delete_at > 0 || !of(&hook.creator_id))
        );
        assert!(
            world
                .commands
                .iter()
                .all(|command| command.delete_at > 0 || !of(&command.creator_id))
        );
        assert!(world.apps.iter().all(|app| !of(&app.creator_id)));
        let theirs = world.bots.iter().filter(|bot| of(&bot.user_id));
        assert!(theirs.into_iter().all(|bot| bot.delete_at > 0), "a bot is left");
    }
}

#[tokio::test]
async fn bots_that_own_each_other_in_a_circle_are_found_once_and_end() {
    let mut world = World::fixture(7, 20);
    let person = world.person("user02").unwrap().id;
    let first = world.add_bot("first-bot", person, "", 0);
    let second = world.add_bot("second-bot", first, "", 0);
    let given = Bot {
        owner_id: second,
        ..world.bots.get(first).unwrap().clone()
    };
    world.put_bot(given);
    for maker in [first, second] {
        make(&mut world, maker);
    }
    let fixture = Fixture::start(world, options(), false).await;
    let principal = fixture.resolve("username:first-bot").await;
    assert_eq!(made(&fixture.observe(&principal).await), [2; 4]);
    let outcome = fixture.contain(&principal, &everything(true)).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained), "{outcome:?}");
    assert!(fixture.sandbox.world().bots.get(second).unwrap().delete_at > 0);
}

#[tokio::test]
async fn a_webhook_in_the_persons_name_ends_and_one_made_in_anothers_is_said_not_to_be_covered() {
    let mut world = World::fixture(7, 20);
    let (person, other) = (world.person("user02").unwrap().id, world.person("user04").unwrap().id);
    let team = world.teams.iter().next().unwrap().id;
    let channel = *world.channels.keys().next().unwrap();
    // The list shows as whom a webhook posts. Who made it is not shown.
    let theirs = world.add_incoming_hook(person, channel, team, 0);
    let anothers = world.add_incoming_hook(other, channel, team, 0);
    let fixture = Fixture::start(world, options(), false).await;
    let principal = fixture.resolve("username:user02").await;
    let outcome = fixture.contain(&principal, &everything(false)).await.unwrap();
    assert_eq!(outcome.verdict, Ok(Verdict::Contained), "{outcome:?}");
    {
        let world = fixture.sandbox.world();
        let left = |id| world.incoming_hooks.get(id).is_some_and(|hook| hook.delete_at == 0);
        assert!(!left(theirs) && left(anothers));
    }
    let not_covered = fixture.target.capabilities().not_covered.join("\n");
    assert!(not_covered.contains("in another's name"), "{not_covered}");
}

#[tokio::test]
async fn a_reading_that_began_before_a_change_proves_nothing_after_it() {
    let fixture = Fixture::of(OLD).await;
    let (first, second) = (
        fixture.resolve("username:user02").await,
        fixture.resolve("username:user04").await,
    );
    let kinds = || MADE.into();
    let asked = Instant::now();
    let ask = |since| ObservationRequest {
        kinds: kinds(),
        account: false,
        since: GRANTS.map(|kind| (kind, since)).into(),
    };
    let before = fixture.sandbox.request_count();
    let seen = fixture.target.observe(&fixture.context, &first, &ask(asked)).await.unwrap();
    let alone = fixture.sandbox.request_count() - before;
    assert_eq!(made(&seen), [0; 4]);
    // Another job of the same moment reads nothing anew.
    fixture.target.observe(&fixture.context, &second, &ask(asked)).await.unwrap();
    assert_eq!(fixture.sandbox.request_count() - before, alone);
    // A webhook is made while that reading is the last one: whoever asks for one that began later sees it.
    {
        let mut world = fixture.sandbox.world();
        let maker = world.person("user04").unwrap().id;
        make(&mut world, maker);
    }
    let seen = fixture
        .target
        .observe(&fixture.context, &second, &ask(Instant::now()))
        .await
        .unwrap();
    assert_eq!(made(&seen), [1; 4]);
}

#[tokio::test]
async fn whoever_was_given_our_own_bot_a_moment_ago_is_not_suspended() {
    let fixture = Fixture::of(OLD).await;
    let heir = fixture.resolve("username:user02").await;
    assert!(!heir.traits.contains(&PrincipalTrait::OwnsUs), "somebody else owns it");
    {
        let mut world = fixture.sandbox.world();
        let owner_id = world.person("user02").unwrap().id;
        let us = world.person("revoked-operator").unwrap().id;
        let bot = world.bots.get(us).unwrap().clone();
        world.put_bot(Bot { owner_id, ..bot });
    }
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(6)).await;
    tokio::time::resume();
    let refused = fixture
        .target
        .apply(&fixture.context, &Action::Suspend, &[heir])
        .await
        .unwrap_err();
    assert!(
        refused.remedy == Remedy::GiveUp && refused.to_string().contains("lock us out"),
        "{refused}"
    );
    assert!(fixture.sandbox.world().person("user02").unwrap().is_active());
}
