//! Answers that say something about us, about the way, or nothing at all.

use std::time::Duration;

use revoked::model::{Action, Resolution};
use revoked::targets::Remedy;
use wiremock::MockServer;

use super::stage::{SECRET, Stage};
use super::stand_in::Trouble;

#[tokio::test]
async fn a_credential_that_is_wrong_pauses_and_is_in_no_error() {
    for stage in Stage::all().await {
        stage.server.set(Trouble::WrongToken);
        for error in [
            stage.resolve(&stage.recording.nobody).await.unwrap_err(),
            stage.target.probe(&stage.context).await.unwrap_err(),
        ] {
            assert_eq!(error.remedy, Remedy::Pause, "{}: {error}", stage.name());
            assert!(!format!("{error:?}").contains(SECRET), "{}: {error:?}", stage.name());
        }
    }
}

#[tokio::test]
async fn our_own_credential_that_dies_meanwhile_pauses_whatever_is_being_done() {
    for stage in Stage::all().await {
        let principal = stage.found().await;
        let seen = stage.look(&principal).await;
        stage.server.set(Trouble::WrongToken);
        if !stage.lists().is_empty() {
            let error = stage.observe(&principal, stage.lists()).await.unwrap_err();
            assert_eq!(error.remedy, Remedy::Pause, "{}: {error}", stage.name());
        }
        let able = stage.target.capabilities();
        let change = if able.suspends {
            Action::Suspend
        } else {
            stage.ends(&seen).swap_remove(0)
        };
        let applied = stage
            .target
            .apply(&stage.context, &change, std::slice::from_ref(&principal))
            .await;
        assert_eq!(applied.unwrap_err().remedy, Remedy::Pause, "{}: {change}", stage.name());
    }
}

#[tokio::test]
async fn a_page_for_people_in_place_of_an_answer_pauses() {
    for stage in Stage::all().await {
        let principal = stage.found().await;
        stage.server.set(Trouble::Html);
        let error = stage.resolve(&stage.recording.nobody).await.unwrap_err();
        assert_eq!(error.remedy, Remedy::Pause, "{}: {error}", stage.name());
        if !stage.lists().is_empty() {
            let error = stage.observe(&principal, stage.lists()).await.unwrap_err();
            assert_eq!(error.remedy, Remedy::Pause, "{}: {error}", stage.name());
        }
    }
}

#[tokio::test]
async fn a_redirect_is_not_followed_and_takes_no_credential_along() {
    let elsewhere = MockServer::start().await;
    for stage in Stage::all().await {
        let principal = stage.found().await;
        stage.server.set(Trouble::Redirect(elsewhere.uri()));
        let found = stage.resolve(&stage.recording.nobody).await;
        assert!(found.is_err(), "{}: {found:?}", stage.name());
        if !stage.lists().is_empty() {
            assert!(stage.observe(&principal, stage.lists()).await.is_err(), "{}", stage.name());
        }
    }
    assert!(elsewhere.received_requests().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_rate_limit_is_understood_in_every_dialect_and_waited_out() {
    for stage in Stage::all().await {
        assert!(!stage.recording.limited.is_empty(), "{}", stage.name());
        for (number, limited) in stage.recording.limited.iter().enumerate() {
            stage.server.set(Trouble::Limited(number));
            let error = stage.resolve(&stage.recording.found).await.unwrap_err();
            let wanted = Remedy::RetryAfter(Duration::from_secs(limited.wait));
            assert_eq!(error.remedy, wanted, "{}, dialect {number}: {error}", stage.name());
        }
    }
}

#[tokio::test]
async fn an_answer_of_ten_megabytes_is_read_and_one_of_twenty_is_refused_and_is_never_nobody() {
    for stage in Stage::all().await {
        stage.server.set(Trouble::Padded(10 << 20));
        let found = stage.resolve(&stage.recording.found).await;
        assert!(!matches!(found, Ok(Resolution::None)), "{}: {found:?}", stage.name());
        stage.server.set(Trouble::Padded(20 << 20));
        let found = stage.resolve(&stage.recording.nobody).await;
        assert!(found.is_err(), "{}: {found:?}", stage.name());
    }
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_a_failure_to_be_tried_again() {
    for stage in Stage::all().await {
        let target = stage.rebuilt(&stage.server.url().replace("http://", "https://"));
        let found = target.resolve(&stage.context, &stage.recording.nobody.parse().unwrap()).await;
        assert_eq!(found.unwrap_err().remedy, Remedy::Retry, "{}", stage.name());
    }
}

#[tokio::test]
async fn what_a_server_says_in_the_recordings_is_all_that_is_asked() {
    for stage in Stage::all().await {
        let principal = stage.found().await;
        stage.look(&principal).await;
        let probe = stage.target.probe(&stage.context).await;
        assert!(
            probe.is_ok(),
            "{}: {:?}; unknown: {:?}",
            stage.name(),
            probe.err(),
            stage.server.take_unknown()
        );
        assert_eq!(stage.server.take_unknown(), [], "{}", stage.name());
        let recorded = stage.recording.source.contains("recorded");
        assert_eq!(recorded, stage.recording.recorded() > 0, "{}", stage.name());
        let tested = revoked::targets::KINDS
            .iter()
            .find(|kind| kind.name == stage.name())
            .unwrap()
            .tested;
        assert_eq!(
            stage.recording.source.starts_with("recorded"),
            !tested.is_empty(),
            "{}: what was not run against the vendor must say so",
            stage.name()
        );
    }
}
