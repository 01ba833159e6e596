//! Changes: what is sent, what it leaves, and what is never sent.

use revoked::model::{Action, Containment, GrantKind, GrantRef, PasswordReset, PrincipalTrait, Progress, Timestamp, digest_of};
use revoked::targets::{Level, Remedy};
use serde_json::{Value, json};
use wiremock::ResponseTemplate;

use super::server::{NOW, Wiki, remedy};
use crate::wait::until;

fn body(request: &wiremock::Request) -> Value {
    serde_json::from_slice(&request.body).unwrap()
}

#[tokio::test]
async fn a_containment_of_a_described_account_is_planned_from_its_capabilities() {
    let wiki = Wiki::new().await.with_alice().await;
    let alice = wiki.one("username:alice").await;
    let access = wiki.observe(&alice).await.unwrap();
    let everything = Containment {
        end: GrantKind::ALL.into(),
        block: true,
        reset_password: PasswordReset::Own,
        ..Containment::nothing()
    };
    let plan = everything.plan(&access, &wiki.target.capabilities(), &Progress::default());
    let said: Vec<String> = plan.iter().map(ToString::to_string).collect();
    let key = |key: &str| format!("end api_key {}", digest_of(key));
    assert_eq!(
        said,
        [
            "suspend the account",
            "reset the password",
            &key("AKIA-1"),
            &key("AKIA-2"),
            "end everything of the kind session"
        ]
    );
}

#[tokio::test]
async fn what_goes_before_a_suspension_does_not_stand_in_its_way() {
    let wiki = Wiki::new().await.with_alice().await;
    wiki.answer("POST", "/people/alice/codes", ResponseTemplate::new(403)).await;
    let date = "Mon, 23 Nov 2026 23:55:31 GMT";
    wiki.answer(
        "PUT",
        "/people/alice",
        ResponseTemplate::new(204)
            .insert_header("date", date)
            .insert_header("x-request-id", "r7"),
    )
    .await;
    let alice = wiki.one("username:alice").await;
    let applied = wiki.apply(&Action::Suspend, &alice).await.unwrap();
    assert_eq!(applied.requests, ["r7"]);
    assert!(applied.notes[0].contains("before the suspension"), "{:?}", applied.notes);
    // The date names a whole second, and the call took less than one.
    let dated = Timestamp::from_ms(NOW.ms() + 10_000);
    let sent = applied.sent_at.unwrap();
    assert!(
        sent <= dated && sent.ms() >= dated.ms() - 5000 && sent.ms() % 1000 == 0,
        "{sent}"
    );
    let requests = wiki.requests().await;
    let place = |what: &str| requests.iter().position(|request| request == what).unwrap();
    assert!(place("POST /people/alice/codes") < place("PUT /people/alice"));
    assert_eq!(body(&wiki.last("PUT /people/alice").await), json!({"active": false}));
}

#[tokio::test]
async fn a_password_is_drawn_anew_and_not_sent_where_the_account_says_so() {
    let wiki = Wiki::new().await.with_alice().await;
    wiki.answer("PUT", "/people/alice/password", ResponseTemplate::new(200)).await;
    let alice = wiki.one("username:alice").await;
    let drawn = async || {
        wiki.apply(&Action::ResetPassword, &alice).await.unwrap();
        body(&wiki.last("PUT /people/alice/password").await)["password"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (one, other) = (drawn().await, drawn().await);
    assert!(one.len() >= 32 && one != other);
    wiki.get("/people/eve", 200, &json!({"id": "eve", "active": true, "external": true}))
        .await;
    let eve = wiki.one("username:eve").await;
    assert!(!eve.account.own_password);
    let applied = wiki.apply(&Action::ResetPassword, &eve).await.unwrap();
    assert!(
        applied.already && applied.notes[0].contains("nothing was sent"),
        "{applied:?}"
    );
}

#[tokio::test]
async fn a_grant_whose_id_is_a_secret_is_ended_by_listing_again() {
    let wiki = Wiki::new().await.with_alice().await;
    wiki.answer("DELETE", "/people/alice/keys/AKIA-2", ResponseTemplate::new(204))
        .await;
    wiki.answer(
        "DELETE",
        "/people/alice/keys/AKIA-1",
        ResponseTemplate::new(404).set_body_json(json!({"error": "no such key"})),
    )
    .await;
    let alice = wiki.one("username:alice").await;
    let end = |key: &str| Action::End {
        grant: GrantRef::new(GrantKind::ApiKey, digest_of(key)),
    };
    assert!(!wiki.apply(&end("AKIA-2"), &alice).await.unwrap().already);
    assert!(
        wiki.apply(&end("AKIA-1"), &alice).await.unwrap().already,
        "gone in the target's own words"
    );
    assert!(
        wiki.apply(&end("AKIA-9"), &alice).await.unwrap().already,
        "in no list any more"
    );
}

#[tokio::test]
async fn a_404_that_is_not_in_the_targets_words_is_not_gone() {
    let wiki = Wiki::new().await.with_alice().await;
    wiki.answer(
        "DELETE",
        "/people/alice/keys/AKIA-1",
        ResponseTemplate::new(404).set_body_json(json!({"error": "no route"})),
    )
    .await;
    let alice = wiki.one("username:alice").await;
    let end = Action::End {
        grant: GrantRef::new(GrantKind::ApiKey, digest_of("AKIA-1")),
    };
    assert_eq!(remedy(wiki.apply(&end, &alice).await).0, Remedy::GiveUp);
}

#[tokio::test]
async fn our_own_account_and_the_last_administrator_are_spared_whatever_is_planned() {
    let wiki = Wiki::new().await;
    wiki.get("/people/operator", 200, &json!({"id": "operator", "active": true}))
        .await;
    wiki.get("/people/root", 200, &json!({"id": "root", "active": true, "admin": true}))
        .await;
    wiki.get("/admins", 200, &json!({"people": [{"id": "root", "active": true}]}))
        .await;
    let us = wiki.one("username:operator").await;
    for action in [
        Action::Suspend,
        Action::EndAll {
            kind: GrantKind::Session,
        },
    ] {
        let (what, why) = remedy(wiki.apply(&action, &us).await);
        assert!(what == Remedy::GiveUp && why.contains("lock revoked out"), "{why}");
    }
    let root = wiki.one("username:root").await;
    let (what, why) = remedy(wiki.apply(&Action::Suspend, &root).await);
    assert!(what == Remedy::GiveUp && why.contains("last active administrator"), "{why}");
    assert!(
        wiki.requests().await.iter().all(|request| request.starts_with("GET")),
        "nothing is sent for whom the suspension is refused"
    );
}

/// A wiki with two administrators, of whom the list goes on to show both as active.
async fn two_administrators() -> Wiki {
    let wiki = Wiki::new().await;
    let mut both = Vec::new();
    for id in ["root", "admin"] {
        wiki.get(
            &format!("/people/{id}"),
            200,
            &json!({"id": id, "active": true, "admin": true}),
        )
        .await;
        wiki.answer("POST", &format!("/people/{id}/codes"), ResponseTemplate::new(204))
            .await;
        both.push(json!({"id": id, "active": true}));
    }
    wiki.get("/admins", 200, &json!({"people": both})).await;
    wiki
}

#[tokio::test]
async fn whom_we_locked_out_counts_as_gone_until_the_list_shows_it() {
    let wiki = two_administrators().await;
    wiki.answer("PUT", "/people/root", ResponseTemplate::new(204)).await;
    let (root, admin) = (wiki.one("username:root").await, wiki.one("username:admin").await);
    assert!(!admin.traits.contains(&PrincipalTrait::LastAdmin));
    wiki.apply(&Action::Suspend, &root).await.unwrap();
    let (what, why) = remedy(wiki.apply(&Action::Suspend, &admin).await);
    assert!(what == Remedy::GiveUp && why.contains("last active administrator"), "{why}");
    assert!(wiki.one("username:admin").await.traits.contains(&PrincipalTrait::LastAdmin));
    tokio::time::pause();
    tokio::time::advance(std::time::Duration::from_mins(5)).await;
    tokio::time::resume();
    let later = wiki.one("username:admin").await;
    assert!(
        !later.traits.contains(&PrincipalTrait::LastAdmin),
        "the list shows root as active again"
    );
}

#[tokio::test]
async fn an_administrator_who_is_being_locked_out_keeps_nobody_waiting() {
    let wiki = two_administrators().await;
    let long = ResponseTemplate::new(204).set_delay(std::time::Duration::from_secs(20));
    wiki.answer("PUT", "/people/root", long).await;
    let root = wiki.one("username:root").await;
    let other = async {
        until("the suspension is sent", async || {
            let sent = wiki.requests().await.iter().any(|request| request == "PUT /people/root");
            sent.then_some(())
        })
        .await;
        wiki.one("username:admin").await
    };
    tokio::select! {
        applied = wiki.apply(&Action::Suspend, &root) => panic!("the change was waited for: {applied:?}"),
        admin = other => assert!(admin.traits.contains(&PrincipalTrait::LastAdmin)),
    }
}

#[tokio::test]
async fn whom_a_long_change_locks_out_counts_as_gone_from_its_end_on() {
    let wiki = two_administrators().await;
    let long = ResponseTemplate::new(204).set_delay(std::time::Duration::from_secs(20));
    wiki.answer("PUT", "/people/root", long).await;
    let root = wiki.one("username:root").await;
    let advance = async |minutes| {
        tokio::time::pause();
        tokio::time::advance(std::time::Duration::from_mins(minutes)).await;
        tokio::time::resume();
    };
    let meanwhile = async {
        until("the suspension is sent", async || {
            let sent = wiki.requests().await.iter().any(|request| request == "PUT /people/root");
            sent.then_some(())
        })
        .await;
        advance(4).await;
    };
    let action = Action::Suspend;
    let (applied, ()) = tokio::join!(wiki.apply(&action, &root), meanwhile);
    assert_eq!(remedy(applied).0, Remedy::Retry, "no answer came in time");
    advance(2).await;
    assert!(wiki.one("username:admin").await.traits.contains(&PrincipalTrait::LastAdmin));
    advance(3).await;
    assert!(!wiki.one("username:admin").await.traits.contains(&PrincipalTrait::LastAdmin));
}

#[tokio::test]
async fn a_probe_compares_who_we_are_with_what_the_config_says() {
    for (configured, asked, findings) in [("operator", "operator", 0), ("operator", "root", 1)] {
        let wiki = Wiki::of(super::server::WIKI, &format!("ourselves = \"{configured}\"")).await;
        wiki.get("/me", 200, &json!({"id": asked})).await;
        wiki.get("/people", 200, &json!({"people": []})).await;
        let probe = wiki.target.probe(&wiki.context).await.unwrap();
        let errors = probe.findings.iter().filter(|finding| finding.level == Level::Error);
        let errors: Vec<&str> = errors.map(|finding| finding.what.as_str()).collect();
        assert_eq!(errors.len(), findings, "{errors:?}");
        assert!(
            errors
                .iter()
                .all(|what| what.contains("\"operator\"") && what.contains("\"root\""))
        );
        assert_eq!(probe.acting_as.as_deref(), Some("operator"));
    }
    let nameless = super::server::WIKI.replace("[self]\ncall = \"GET /me\"\nid = \"/id\"\n", "");
    let wiki = Wiki::of(&nameless, "ourselves = \"operator\"").await;
    wiki.get("/people", 200, &json!({"people": []})).await;
    wiki.get("/people/operator", 404, &json!({"error": "nobody"})).await;
    assert_eq!(remedy(wiki.target.probe(&wiki.context).await).0, Remedy::GiveUp);
}

#[tokio::test]
async fn a_probe_reads_the_credential_again_and_says_who_we_are() {
    let wiki = Wiki::new().await;
    wiki.get("/people", 200, &json!({"people": []})).await;
    std::fs::write(wiki.folder.path().join("token"), "other").unwrap();
    let probe = wiki.target.probe(&wiki.context).await.unwrap();
    assert_eq!(probe.acting_as.as_deref(), Some("operator"));
    assert_eq!(wiki.last("GET /me").await.headers["authorization"], "Bearer other");
    let bare = Wiki::of(super::server::WIKI, "").await;
    bare.get("/me", 401, &json!({})).await;
    assert_eq!(remedy(bare.target.probe(&bare.context).await).0, Remedy::Pause);
}
