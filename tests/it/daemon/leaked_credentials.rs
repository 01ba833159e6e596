//! A credential in the wrong hands, handed in by each way that there is.

use std::collections::BTreeMap;
use std::time::Duration;

use revoked_sandbox::world::{Browser, SessionKind};
use revoked_sandbox::{Effect, Fault, Id};
use serde_json::Value;

use super::{CommandOutput, DaemonProcess, Installation, InstallationPlan, secret_leaks, until};
use crate::harness::chat_holdings::{Holdings, others};

impl Installation {
    /// The secret of an access token of `user01`.
    fn a_token(&self) -> String {
        let world = self.chat().world();
        let person = world.person("user01").unwrap().id;
        world.tokens_of(person).next().unwrap().secret.to_string()
    }

    /// Hands a credential in by a file, and waits for the verdict.
    async fn leaked(&self, value: &str, more: &[&str]) -> CommandOutput {
        self.secret("found", value.as_bytes());
        let file = self.path("found").display().to_string();
        let mut args = vec![
            "leaked",
            "--target",
            "chat",
            "--file",
            &file,
            "--wait",
            "--timeout",
            "50",
            "--json",
        ];
        args.extend(more);
        let said = self.says(&args).await;
        std::fs::remove_file(self.path("found")).unwrap();
        said
    }

    /// The status that a call with a credential gets.
    async fn status_of(&self, running: &DaemonProcess, credential: &str) -> u16 {
        let url = format!("{}/api/v4/users/me", self.chat().url());
        let sent = running.http.get(url).bearer_auth(credential).send().await;
        sent.unwrap().status().as_u16()
    }

    /// That a value stands in no file of the installation, and in nothing that was said.
    pub(crate) async fn holds_nowhere(&self, value: &str, said: &[&CommandOutput]) {
        let secrets = BTreeMap::from([(value.to_owned(), "the leaked credential".to_owned())]);
        let mut found = Vec::new();
        secret_leaks::search(&self.path(""), &secrets, &mut found);
        assert!(found.is_empty(), "{found:?}");
        for said in said {
            assert!(!said.out.contains(value) && !said.err.contains(value), "{said:?}");
        }
        assert_eq!(self.count("SELECT count(*) FROM sealed").await, 0);
    }
}

fn evidence(said: &CommandOutput) -> Value {
    said.json()["jobs"][0]["evidence"].clone()
}

async fn site() -> (Installation, DaemonProcess) {
    let site = Installation::new(InstallationPlan {
        level: "trace",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    (site, running)
}

#[tokio::test]
async fn a_leaked_access_token_ends_alone_and_its_refusal_is_the_proof() {
    let (site, running) = site().await;
    let before = Holdings::of(site.chat(), "user01");
    let bystanders = others(site.chat(), "user01");
    let (id, secret) = {
        let world = site.chat().world();
        let token = world.tokens_of(before.id).next().unwrap();
        (token.id, token.secret.to_string())
    };
    assert_eq!(site.status_of(&running, &secret).await, 200);
    let said = site.leaked(&secret, &["--note", "in a public repository"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let seen = evidence(&said);
    assert!(seen["refused_at"].is_string(), "{seen:#}");
    assert!(
        seen["notes"].to_string().contains("the credential itself was refused"),
        "{seen:#}"
    );
    assert!(
        seen["ended"]
            .as_array()
            .unwrap()
            .iter()
            .any(|grant| grant["id"] == id.to_string()),
        "the token is named by its id: {seen:#}"
    );
    let after = Holdings::of(site.chat(), "user01");
    assert!(
        after.tokens.is_empty() && after.active && after.grants == before.grants,
        "{after:?}"
    );
    assert_eq!(site.status_of(&running, &secret).await, 401);
    assert_eq!(others(site.chat(), "user01"), bystanders);
    let shown = site.says(&["case", "show", "1"]).await;
    assert!(shown.out.contains("credential:sha256:"), "{shown:?}");
    running.stop().await;
    site.holds_nowhere(&secret, &[&said, &shown]).await;
}

#[tokio::test]
async fn a_leaked_session_ends_and_no_other_session() {
    let (site, running) = site().await;
    let now = revoked::clock::Clock::system().now().ms();
    let person = Holdings::of(site.chat(), "user02").id;
    let session = site
        .chat()
        .world()
        .open_session(person, SessionKind::Login(Browser::web()), now);
    let before = Holdings::of(site.chat(), "user02");
    let said = site.leaked(session.token.as_str(), &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let mut expected = before;
    expected.sessions.remove(&session.id);
    assert_eq!(Holdings::of(site.chat(), "user02"), expected);
    running.stop().await;
    site.holds_nowhere(session.token.as_str(), &[&said]).await;
}

#[tokio::test]
async fn a_leaked_oauth_token_ends_its_grant() {
    let (site, _running) = site().await;
    let before = Holdings::of(site.chat(), "user01");
    let access = *before.grants.first().unwrap();
    let said = site.leaked(access.as_str(), &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let after = Holdings::of(site.chat(), "user01");
    assert!(after.grants.is_empty() && after.tokens == before.tokens, "{after:?}");
    assert_eq!(after.sessions.len(), before.sessions.len() - 1);
}

#[tokio::test]
async fn a_leaked_token_of_a_bot_ends_and_the_bot_stays() {
    let (site, running) = site().await;
    let (bot, secret) = {
        let world = site.chat().world();
        let owner = world.person("user01").unwrap().id;
        let bot = world.bots.iter().find(|bot| bot.owner_id == owner).unwrap().user_id;
        let secret = world.tokens_of(bot).next().unwrap().secret.to_string();
        (bot, secret)
    };
    let said = site.leaked(&secret, &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let kinds = evidence(&said)["ended"].to_string();
    assert!(kinds.contains("bot_token"), "{kinds}");
    let world = site.chat().world();
    assert!(world.person_by_id(bot).unwrap().is_active());
    assert_eq!(world.tokens_of(bot).count(), 0);
    drop(world);
    running.stop().await;
    site.holds_nowhere(&secret, &[&said]).await;
}

#[tokio::test]
async fn a_leaked_webhook_is_told_by_its_url_and_deleted() {
    let (site, running) = site().await;
    let (hook, count) = {
        let world = site.chat().world();
        let owner = world.person("user01").unwrap().id;
        let mut hooks = world.incoming_hooks.iter().filter(|hook| hook.user_id == owner);
        (hooks.next().unwrap().id, world.incoming_hooks.iter().count())
    };
    let url = format!("{}/hooks/{hook}", site.chat().url());
    let said = site.leaked(&url, &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(evidence(&said)["refused_at"].is_string());
    let left = site
        .chat()
        .world()
        .incoming_hooks
        .iter()
        .filter(|hook| hook.delete_at == 0)
        .count();
    assert_eq!(left, count - 1);
    running.stop().await;
    site.holds_nowhere(hook.as_str(), &[&said]).await;
}

#[tokio::test]
async fn with_contain_everything_of_its_owner_goes() {
    let (site, running) = site().await;
    let secret = site.a_token();
    let said = site.leaked(&secret, &["--contain"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(evidence(&said)["refused_at"].is_string());
    assert!(Holdings::of(site.chat(), "user01").is_out());
    running.stop().await;
    site.holds_nowhere(&secret, &[&said]).await;
}

#[tokio::test]
async fn a_value_that_opens_nothing_is_nobodys() {
    let (site, running) = site().await;
    let nobodys = Id::parse("is889gzyppds7kxqyrty8j7qry").unwrap();
    let said = site.leaked(nobodys.as_str(), &[]).await;
    assert_eq!(said.code, 12, "{said:?}");
    running.stop().await;
    site.holds_nowhere(nobodys.as_str(), &[&said]).await;
}

#[tokio::test]
async fn our_own_credential_is_not_ended_and_the_reason_says_what_to_do() {
    let (site, _running) = site().await;
    let ours = site.chat().world().operator_token().unwrap();
    let said = site.leaked(ours.as_str(), &[]).await;
    assert_eq!(said.code, 13, "{said:?}");
    let why = said.json()["case"]["id"].to_string();
    let shown = site.says(&["case", "show", &why]).await;
    assert!(shown.out.contains("the credential that revoked itself uses"), "{shown:?}");
    assert!(site.chat().world().operator_token().is_some());
    assert_eq!(
        site.count("SELECT count(*) FROM sealed").await,
        0,
        "what works and stays is not kept"
    );
}

#[tokio::test]
async fn a_leaked_token_of_the_last_administrator_ends_and_the_account_stays() {
    let (site, _running) = site().await;
    let now = revoked::clock::Clock::system().now().ms();
    let secret = {
        let mut world = site.chat().world();
        let second = world.person("admin2").unwrap().id;
        world.set_active(second, false, now);
        let last = world.person("admin").unwrap().id;
        world.add_token(last, "deploy").secret
    };
    let said = site.leaked(secret.as_str(), &["--contain"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let last = Holdings::of(site.chat(), "admin");
    assert!(last.active && last.is_out(), "{last:?}");
    let notes = evidence(&said)["notes"].to_string();
    assert!(notes.contains("the last active administrator"), "{notes}");
}

#[tokio::test]
async fn the_inbox_takes_one_and_keeps_its_digest_alone() {
    let (site, running) = site().await;
    let secret = site.a_token();
    let row = site
        .write_more(
            "credential",
            "compromised",
            None,
            &format!("leaked = '{secret}', target = 'chat'"),
        )
        .await
        .unwrap();
    assert_eq!(site.answer(row).await.state, "accepted");
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").tokens.is_empty());
    for (subject, reason, more, why) in [
        ("user02", "compromised", "leaked = 'x'", "the subject is `credential`"),
        ("credential", "departed", "leaked = 'x'", "write the reason compromised"),
        ("credential", "compromised", "leaked = 'x', all_sessions = 1", "only one of"),
        ("credential", "compromised", "", "cannot tell what"),
    ] {
        let row = site.write_more(subject, reason, None, more).await.unwrap();
        let answer = site.answer(row).await;
        assert!(
            answer.state == "rejected" && answer.why.contains(why),
            "{subject} {reason} {more}: {answer:?}"
        );
    }
    running.stop().await;
    site.holds_nowhere(&secret, &[]).await;
}

#[tokio::test]
async fn a_secret_that_is_pasted_for_an_id_stands_nowhere() {
    let (site, running) = site().await;
    let secret = site.a_token();
    for flag in ["--token", "--session"] {
        let said = site.revoke("username:user01", "compromised", &[flag, &secret]).await;
        assert_eq!(said.code, 12, "{said:?}");
        assert!(!said.out.contains(&secret), "{said:?}");
    }
    running.stop().await;
    site.holds_nowhere(&secret, &[]).await;
}

#[tokio::test]
async fn what_is_no_credential_is_refused_before_it_is_stored() {
    let (site, _running) = site().await;
    for (value, why) in [
        ("", "nothing was handed in"),
        ("two words", "more than one"),
        ("\u{1}", "more than one"),
    ] {
        let said = site.leaked(value, &[]).await;
        assert!(said.code == 2 && said.err.contains(why), "{value:?}: {said:?}");
    }
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0);
    let said = site.says(&["leaked", "--target", "chta", "--file", "/dev/null"]).await;
    assert!(said.code == 2 && said.err.contains("did you mean \"chat\""), "{said:?}");
}

#[tokio::test]
async fn one_that_waits_in_the_store_when_we_are_killed_is_ended_after_the_next_start() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let secret = site.a_token();
    site.secret("found", secret.as_bytes());
    let file = site.path("found").display().to_string();
    let said = site
        .says(&["leaked", "--target", "chat", "--file", &file, "--json"])
        .await
        .done();
    assert_eq!(said["daemon_running"], false);
    std::fs::remove_file(site.path("found")).unwrap();
    assert_eq!(site.count("SELECT count(*) FROM sealed").await, 1);
    let sealed = {
        let mut found = Vec::new();
        let secrets = BTreeMap::from([(secret.clone(), "the leaked credential".to_owned())]);
        secret_leaks::search(&site.path(""), &secrets, &mut found);
        found
    };
    assert!(sealed.is_empty(), "{sealed:?}");
    let running = site.start().await;
    until("a verdict", async || {
        (site.count("SELECT count(*) FROM cases WHERE verdict = 'contained'").await == 1).then_some(())
    })
    .await;
    running.stop().await;
    site.holds_nowhere(&secret, &[]).await;
}

#[tokio::test]
async fn what_is_refused_now_is_not_called_harmless() {
    let (site, running) = site().await;
    let (refresh, disabled, suspended) = {
        let mut world = site.chat().world();
        let one = world.person("user01").unwrap().id;
        let refresh = world.grants().find(|grant| grant.person == one).unwrap().refresh.unwrap();
        let two = world.person("user02").unwrap().id;
        let disabled = world.add_token(two, "disabled");
        world.set_token_active(disabled.id, false);
        let three = world.person("user03").unwrap().id;
        let suspended = world.add_token(three, "suspended");
        world.set_active(three, false, 1);
        (refresh, disabled.secret, suspended.secret)
    };
    for value in [refresh, disabled, suspended] {
        let said = site.leaked(value.as_str(), &[]).await;
        assert_eq!(said.code, 12, "{said:?}");
        let says = said.json()["jobs"][0]["verdict"].to_string();
        assert!(
            says.contains("refuses it now") && says.contains("refresh token") && !says.contains("can do nothing"),
            "{says}"
        );
    }
    running.stop().await;
    site.holds_nowhere(refresh.as_str(), &[]).await;
}

#[tokio::test]
async fn with_access_tokens_switched_off_a_refusal_proves_nothing() {
    let (site, running) = site().await;
    let secret = site.a_token();
    site.chat().world().settings.user_access_tokens = false;
    assert_eq!(site.status_of(&running, &secret).await, 401);
    for more in [&[][..], &["--contain"]] {
        let said = site.leaked(&secret, more).await;
        assert_eq!(said.code, 10, "{said:?}");
        assert!(said.out.contains("works again when they are switched on"), "{said:?}");
    }
    assert_eq!(site.count("SELECT count(*) FROM job WHERE kind = 'watch'").await, 0);
    site.chat().world().settings.user_access_tokens = true;
    assert_eq!(site.leaked(&secret, &[]).await.code, 0);
    assert_eq!(site.status_of(&running, &secret).await, 401);
}

#[tokio::test]
async fn lists_that_lag_keep_no_token_alive_and_end_no_other() {
    let (site, running) = site().await;
    let secret = site.a_token();
    let (other, count) = {
        let mut world = site.chat().world();
        let person = world.person("user01").unwrap().id;
        let other = world.add_token(person, "another").secret;
        (other.to_string(), world.tokens_of(person).count())
    };
    assert_eq!(site.status_of(&running, &other).await, 200);
    site.chat().faults().lag_replica(Duration::from_millis(300));
    let said = site.leaked(&secret, &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(site.status_of(&running, &secret).await, 401);
    assert_eq!(site.status_of(&running, &other).await, 200);
    assert_eq!(said.json()["jobs"][0]["attempt"], 1, "{said:?}");
    let world = site.chat().world();
    let person = world.person("user01").unwrap().id;
    assert_eq!(world.tokens_of(person).count(), count - 1);
}

#[tokio::test]
async fn the_owner_and_what_was_ended_are_said_in_words() {
    let (site, _running) = site().await;
    let (person, token) = {
        let world = site.chat().world();
        let person = world.person("user01").unwrap().id;
        (person, world.tokens_of(person).next().unwrap().id)
    };
    site.secret("found", site.a_token().as_bytes());
    let file = site.path("found").display().to_string();
    let waited = site
        .says(&["leaked", "--target", "chat", "--file", &file, "--wait", "--timeout", "50"])
        .await;
    assert_eq!(waited.code, 0, "{waited:?}");
    for said in [waited, site.says(&["case", "show", "1"]).await] {
        assert!(said.out.contains(&format!("account: {person}")), "{}", said.out);
        assert!(said.out.contains(&format!("access_token {token}")), "{}", said.out);
    }
}

#[tokio::test]
async fn a_case_that_is_called_off_keeps_no_credential() {
    let site = Installation::new(InstallationPlan {
        attempts: 1,
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    let secret = site.a_token();
    let fails = Fault::on("POST", "/api/v4/users/*/sessions/revoke", Effect::Status(500));
    site.chat().faults().add(fails);
    let said = site.leaked(&secret, &[]).await;
    assert_eq!(said.code, 13, "{said:?}");
    assert_eq!(site.count("SELECT count(*) FROM sealed").await, 1);
    let cancelled = site.says(&["case", "cancel", "1", "--note", "revoked by hand"]).await;
    assert_eq!(cancelled.code, 0, "{cancelled:?}");
    running.stop().await;
    site.holds_nowhere(&secret, &[&said, &cancelled]).await;
}

#[tokio::test]
async fn a_session_that_ends_by_itself_meanwhile_is_not_taken_for_the_leaked_one() {
    let (site, running) = site().await;
    let secret = site.a_token();
    let other = {
        let mut world = site.chat().world();
        let person = world.person("user01").unwrap().id;
        world.add_token(person, "another").secret.to_string()
    };
    assert_eq!(site.status_of(&running, &secret).await, 200);
    assert_eq!(site.status_of(&running, &other).await, 200);
    let session = {
        let world = site.chat().world();
        world.session_by_token(Id::parse(&other).unwrap()).unwrap().id
    };
    // The lists show what is revoked only later, and the other session goes while the first request is under way.
    let slow = Fault::on("POST", "/api/v4/users/*/sessions/revoke", Effect::Latency(1500)).times(1);
    site.chat().faults().add(slow);
    site.chat().faults().lag_replica(Duration::from_millis(400));
    let ends = async {
        until("the first list of the sessions", async || {
            let requests = site.chat().requests();
            let listed = |seen: &revoked_sandbox::LoggedRequest| seen.method == "GET" && seen.path.ends_with("/sessions");
            requests.iter().any(listed).then_some(())
        })
        .await;
        site.chat().world().remove_session(session).unwrap();
    };
    let (said, ()) = tokio::join!(site.leaked(&secret, &[]), ends);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(site.status_of(&running, &other).await, 200, "{said:?}");
    assert_eq!(site.status_of(&running, &secret).await, 401);
}
