//! What an alert leads to: written with it, gathered, kept within bounds, and told once.

use std::time::Duration;

use revoked::model::Actor;
use revoked::store::{ChannelRules, EXEC_CHANNEL, Gathering, Role, SendingOutcome, Store, What};

use crate::store::channel_rules as rules;
use crate::store::place;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_mins(1);

#[tokio::test]
async fn whoever_raises_an_alert_writes_its_messages_with_it_in_whatever_program() {
    let place = place().await;
    let mut pager = rules("pager");
    pager.urgent_only = true;
    let mut hr = rules("hr");
    hr.kinds = vec!["quarantine".to_owned(), "departed_late".to_owned()];
    place.store.set_channels(vec![rules("ops"), pager, hr]).await.unwrap();
    // A command of an operator's, which knows nothing of the config.
    let command = Store::open(&place.path, Role::Command, place.clock.clone()).await.unwrap();
    for (kind, key) in [("target_down", "target:chat"), ("quarantine", "source:hr")] {
        command
            .raise_alert(kind, key.to_owned(), "a sentence".to_owned())
            .await
            .unwrap();
    }
    command.close().await;
    place.clock.advance(MINUTE);
    let down = (What::Raised, "target_down/target:chat".to_owned());
    let file = (What::Raised, "quarantine/source:hr".to_owned());
    assert_eq!(place.told_on("ops").await, [down.clone(), file.clone()]);
    assert_eq!(place.told_on("pager").await, [down]);
    assert_eq!(place.told_on("hr").await, [file]);
    assert!(place.told_on("ops").await.is_empty(), "told once");
}

#[tokio::test]
async fn what_is_urgent_goes_at_once_and_the_rest_is_gathered_for_half_a_minute() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    place.raises("quarantine", "source:a").await;
    place.raises("came_back", "job:1").await;
    let first = place.due_on("ops").await;
    assert_eq!(first.len(), 1);
    assert_eq!(first[0].only().unwrap().thread, "came_back/job:1");
    place.store.record_sending(first[0].id, SendingOutcome::Taken).await.unwrap();
    place.clock.advance(20 * SECOND);
    place.raises("quarantine", "source:b").await;
    assert!(place.due_on("ops").await.is_empty(), "it is gathered");
    place.clock.advance(10 * SECOND);
    let gathered = place.due_on("ops").await;
    assert_eq!((gathered.len(), gathered[0].count()), (1, 2));
}

#[tokio::test]
async fn in_quiet_hours_only_what_is_urgent_is_told_and_then_the_rest_as_one() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    for key in ["source:a", "source:b", "source:c"] {
        place.raises("quarantine", key).await;
        place.clock.advance(MINUTE);
    }
    place.raises("came_back", "job:1").await;
    let to = [String::new()];
    let bound = |is_quiet| {
        place
            .store
            .bind_messages("ops", Gathering::Together, (30 * SECOND, is_quiet), &to)
    };
    assert_eq!(bound(true).await.unwrap(), 1);
    assert_eq!(bound(true).await.unwrap(), 0);
    assert_eq!(bound(false).await.unwrap(), 1);
    let due = place.store.due_sendings("ops", 10).await.unwrap();
    assert_eq!(due.iter().map(revoked::store::Sending::count).collect::<Vec<_>>(), [1, 3]);
}

#[tokio::test]
async fn five_thousand_alerts_are_six_deliveries_a_minute_and_none_is_lost() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    let raised = (0..5000).map(|n| {
        place
            .store
            .raise_alert("could_not_revoke", format!("job:{n}"), "still in".to_owned())
    });
    for raised in futures_util::future::join_all(raised).await {
        raised.unwrap();
    }
    let due = place.due_on("ops").await;
    let sizes: Vec<u64> = due.iter().map(revoked::store::Sending::count).collect();
    assert_eq!(sizes, [1, 1, 1, 1, 1, 4995]);
    assert_eq!(due[5].kinds["could_not_revoke"], 4995);
    assert!(due[5].messages.len() <= 100, "what is read of it is bounded");
    // A second storm within the minute waits, and is one.
    for n in 5000..5010 {
        place.raises("could_not_revoke", &format!("job:{n}")).await;
    }
    assert_eq!(place.due_on("ops").await.len(), 6);
    place.clock.advance(MINUTE + SECOND);
    let later = place.due_on("ops").await;
    assert_eq!(
        later.iter().skip(6).map(revoked::store::Sending::count).collect::<Vec<_>>(),
        [1, 1, 1, 1, 1, 5]
    );
}

#[tokio::test]
async fn a_delivery_keeps_its_name_over_attempts_and_restarts_and_what_follows_in_its_thread_waits_for_it() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    place.raises("target_down", "target:chat").await;
    let first = place.due_on("ops").await.remove(0);
    let due = place.clock.now().plus(10 * MINUTE);
    let why = "it answered 503".to_owned();
    place
        .store
        .record_sending(first.id, SendingOutcome::Retry { due, why })
        .await
        .unwrap();
    let ann = Actor::operator("ann", Some(1000));
    place.store.clear_alert(1, ann, None).await.unwrap();
    place.clock.advance(MINUTE);
    // Bound, and not to be sent: it would be over before it was there.
    assert!(place.due_on("ops").await.is_empty());
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    place.clock.advance(10 * MINUTE);
    let again = place.due_on("ops").await;
    assert_eq!((again.len(), &again[0].uid, again[0].attempts), (1, &first.uid, 1));
    let channels = place.store.channels().await.unwrap().rows;
    assert!(channels[0].failing_since.is_some() && channels[0].last_error.as_deref() == Some("it answered 503"));
    assert_eq!(
        place.told_on("ops").await.iter().map(|told| told.0).collect::<Vec<_>>(),
        [What::Raised, What::Over]
    );
    let works = &place.store.channels().await.unwrap().rows[0];
    assert!(works.failing_since.is_none() && works.last_success.is_some() && works.waiting == 0);
}

#[tokio::test]
async fn what_comes_back_within_five_minutes_was_never_over_and_the_third_time_it_is_unstable() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    let told = async || place.told_on("ops").await.into_iter().map(|told| told.0).collect::<Vec<_>>();
    place.raises("target_down", "target:chat").await;
    assert_eq!(told().await, [What::Raised]);
    place.ends("target_down", "target:chat").await;
    place.clock.advance(2 * MINUTE);
    place.raises("target_down", "target:chat").await;
    place.clock.advance(10 * MINUTE);
    assert!(told().await.is_empty(), "it went away for two minutes");
    place.ends("target_down", "target:chat").await;
    place.clock.advance(6 * MINUTE);
    assert_eq!(told().await, [What::Over]);
    place.raises("target_down", "target:chat").await;
    assert_eq!(told().await, [What::Unstable]);
    for _ in 0..3 {
        place.ends("target_down", "target:chat").await;
        place.clock.advance(6 * MINUTE);
        place.raises("target_down", "target:chat").await;
        place.clock.advance(MINUTE);
        assert!(told().await.is_empty(), "it was said that it comes and goes");
    }
    place.ends("target_down", "target:chat").await;
    place.clock.advance(50 * MINUTE);
    assert!(told().await.is_empty());
    place.clock.advance(15 * MINUTE);
    assert_eq!(told().await, [What::Over]);
}

#[tokio::test]
async fn what_counts_up_is_told_again_after_a_quarter_of_an_hour() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    let told = async || place.told_on("ops").await.into_iter().map(|told| told.0).collect::<Vec<_>>();
    for _ in 0..5 {
        place.raises("came_back", "job:1").await;
    }
    assert_eq!(told().await, [What::Raised]);
    for _ in 0..14 {
        place.clock.advance(MINUTE);
        place.raises("came_back", "job:1").await;
        assert!(told().await.is_empty());
    }
    place.clock.advance(MINUTE);
    assert_eq!(told().await, [What::Again]);
}

#[tokio::test]
async fn what_is_over_before_anybody_was_told_is_not_told() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops")]).await.unwrap();
    place.raises("quarantine", "source:hr").await;
    place.ends("quarantine", "source:hr").await;
    place.clock.advance(60 * MINUTE);
    assert!(place.told_on("ops").await.is_empty());
}

#[tokio::test]
async fn the_program_of_alerts_exec_gets_every_alert_even_one_that_is_over() {
    let place = place().await;
    let exec = ChannelRules {
        wait: Duration::ZERO,
        tells_each: true,
        tells_care: false,
        tells_over: false,
        ..rules(EXEC_CHANNEL)
    };
    place.store.set_channels(vec![exec.clone()]).await.unwrap();
    place.raises("quarantine", "source:hr").await;
    place.ends("quarantine", "source:hr").await;
    let to = [String::new()];
    let bound = async || {
        let at_once = (Duration::ZERO, false);
        place
            .store
            .bind_messages(EXEC_CHANNEL, Gathering::Each, at_once, &to)
            .await
            .unwrap()
    };
    assert_eq!(bound().await, 1);
    let due = place.store.due_sendings(EXEC_CHANNEL, 10).await.unwrap();
    let why = "it ended with code 3".to_owned();
    place
        .store
        .record_sending(due[0].id, SendingOutcome::GivenUp { why })
        .await
        .unwrap();
    assert!(place.store.alert_is_open("alert_untold", "alerts").await.unwrap());
    assert_eq!(bound().await, 0, "its own trouble is not handed to it");
    place.raises("quarantine", "source:it").await;
    bound().await;
    let due = place.store.due_sendings(EXEC_CHANNEL, 10).await.unwrap();
    place.store.record_sending(due[0].id, SendingOutcome::Taken).await.unwrap();
    assert!(!place.store.alert_is_open("alert_untold", "alerts").await.unwrap());
    // Without the program nothing is kept for it.
    place.raises("quarantine", "source:no").await;
    place.store.set_channels(Vec::new()).await.unwrap();
    place.store.set_channels(vec![exec]).await.unwrap();
    assert_eq!(bound().await, 0);
}

#[tokio::test]
async fn a_receiver_that_is_gone_switches_its_channel_off_and_the_others_are_told() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops"), rules("old")]).await.unwrap();
    place.raises("came_back", "job:1").await;
    let due = place.due_on("old").await;
    let why = "it answered 410".to_owned();
    place
        .store
        .record_sending(due[0].id, SendingOutcome::Gone { why })
        .await
        .unwrap();
    place.raises("came_back", "job:2").await;
    assert!(place.due_on("old").await.is_empty());
    let told: Vec<String> = place.told_on("ops").await.into_iter().map(|told| told.1).collect();
    assert_eq!(told, ["came_back/job:1", "notify_refused/channel:old", "came_back/job:2"]);
    // Whoever starts the daemon anew has looked at it.
    place.store.set_channels(vec![rules("ops"), rules("old")]).await.unwrap();
    place.raises("came_back", "job:3").await;
    assert_eq!(place.due_on("old").await.len(), 1);
}

#[tokio::test]
async fn a_channel_that_fails_for_ten_minutes_is_told_on_the_others_and_never_on_itself() {
    let place = place().await;
    place.store.set_channels(vec![rules("ops"), rules("dead")]).await.unwrap();
    place.raises("came_back", "job:1").await;
    place.told_on("ops").await;
    let due = place.due_on("dead").await;
    let retry = |due| SendingOutcome::Retry {
        due,
        why: "it cannot be reached".to_owned(),
    };
    place
        .store
        .record_sending(due[0].id, retry(place.clock.now().plus(MINUTE)))
        .await
        .unwrap();
    place.clock.advance(9 * MINUTE);
    place.store.look_at_escalation().await.unwrap();
    assert!(place.told_on("ops").await.is_empty());
    place.clock.advance(2 * MINUTE);
    for _ in 0..3 {
        place.store.look_at_escalation().await.unwrap();
    }
    assert_eq!(
        place.told_on("ops").await,
        [(What::Raised, "notify_failing/channel:dead".to_owned())]
    );
    let dead = place.told_on("dead").await;
    assert_eq!(dead, [(What::Raised, "came_back/job:1".to_owned())]);
    assert!(
        !place.store.alert_is_open("notify_failing", "channel:dead").await.unwrap(),
        "it took one"
    );
}
