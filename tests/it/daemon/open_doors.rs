//! What still lets somebody in, said wherever a verdict is, and commands that say no in time.

use revoked_sandbox::world::{PASSWORD, SessionKind};
use revoked_sandbox::{Options, RateSettings};

use super::{CommandOutput, Installation, InstallationPlan};

#[tokio::test]
async fn the_built_in_compromise_shuts_the_door_that_the_intruder_knows() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let rehearsed = site
        .says(&["revoke", "username:user04", "--reason", "compromised", "--rehearse"])
        .await;
    assert!(
        rehearsed.out.contains("reset the password") && rehearsed.out.contains("still open: "),
        "{rehearsed:?}"
    );
    let said = site.revoke("username:user04", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let doors = said.json()["jobs"][0]["evidence"]["doors"].to_string();
    assert!(!doors.contains("own_password") && doors.contains("pending_code"), "{doors}");
    let url = format!("{}/api/v4/users/login", site.chat().url());
    let body = serde_json::json!({"login_id": "user04", "password": PASSWORD});
    let answer = running.http.post(url).json(&body).send().await.unwrap();
    assert_eq!(answer.status(), 401, "the stolen password opens nothing");
    let shown = site.says(&["case", "show", "1"]).await;
    assert!(shown.out.contains("still open: pending_code"), "{shown:?}");
}

#[tokio::test]
async fn a_password_that_stays_is_said_with_the_verdict() {
    let site = Installation::new(InstallationPlan {
        compromised: "reset_password = false",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let said = site.revoke("username:user04", "compromised", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let doors = said.json()["jobs"][0]["evidence"]["doors"].to_string();
    assert!(doors.contains("own_password"), "{doors}");
    let trail = site.says(&["trail", "show", "--kind", "job.settled", "--json"]).await.out;
    assert!(trail.contains("own_password"), "{trail}");
}

#[tokio::test]
async fn a_check_says_what_lets_people_in_and_what_is_asked_beyond_the_servers_limit() {
    let mut site = Installation::new(InstallationPlan {
        rate: "20/s",
        target: "burst = 30",
        ..InstallationPlan::default()
    })
    .await;
    let said = site.says(&["check"]).await;
    assert!(said.code == 0 && said.out.contains("open door: own_password"), "{said:?}");
    assert!(!said.out.contains("`burst` is 30"), "{said:?}");
    let (world, options) = site.take_down();
    let rate = Some(RateSettings {
        per_second: 10,
        burst: 20,
        ..RateSettings::default()
    });
    site.bring_up((world, Options { rate, ..options })).await;
    let said = site.says(&["check"]).await;
    for warning in [
        "`rate` is above the 10 calls a second",
        "`burst` is 30, and the server allows 20",
    ] {
        assert!(said.out.contains(warning), "{said:?}");
    }
}

#[tokio::test]
async fn whoever_loses_sessions_alone_is_told_which_token_makes_the_next() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let (person, token, session) = {
        let mut world = site.chat().world();
        let person = world.person("user02").unwrap().id;
        let token = world.add_token(person, "script").id;
        let now = revoked::clock::Clock::system().now().ms();
        (
            person,
            token,
            world.open_session(person, SessionKind::AccessToken { token }, now).id,
        )
    };
    let subject = format!("id:{person}");
    let line = format!("the access token {token} makes the next session");
    for scope in [vec!["--all-sessions"], vec!["--session", session.as_str()]] {
        let mut args = vec!["revoke", subject.as_str(), "--reason", "compromised", "--rehearse"];
        args.extend(&scope);
        let rehearsed = site.says(&args).await;
        assert!(rehearsed.out.contains(&line), "{scope:?}: {rehearsed:?}");
    }
    let said = site.revoke(&subject, "compromised", &["--session", session.as_str()]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.json()["jobs"][0]["evidence"]["doors"].to_string().contains(&line),
        "{said:?}"
    );
    let said = site.revoke(&subject, "compromised", &["--all-sessions"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert!(
        said.json()["jobs"][0]["evidence"]["doors"].to_string().contains(&line),
        "{said:?}"
    );
}

#[tokio::test]
async fn a_request_that_cannot_be_carried_out_is_refused_before_it_is_stored() {
    let site = Installation::new(InstallationPlan::default()).await;
    for (flag, name, hint) in [("--playbook", "compromissed", "compromised"), ("--target", "chta", "chat")] {
        let said = site
            .says(&["revoke", "username:user04", "--reason", "compromised", flag, name])
            .await;
        assert!(
            said.code == 2 && said.err.contains(&format!("did you mean {hint:?}")),
            "{said:?}"
        );
    }
    let sound = std::fs::read_to_string(site.config()).unwrap();
    std::fs::write(site.config(), format!("{sound}\n[policy2]\n")).unwrap();
    let said = site.says(&["revoke", "username:user04", "--reason", "compromised"]).await;
    // What does not concern it stands in its way no more; that there is no store yet does.
    assert!(
        said.code == 3 && said.err.contains("policy2") && said.err.contains("goes to the daemon unchecked"),
        "{said:?}"
    );
    assert!(!site.store().exists(), "nothing was stored");
}

#[tokio::test]
async fn a_database_that_is_named_does_not_excuse_a_config_that_cannot_be_read() {
    let site = Installation::new(InstallationPlan::default()).await;
    let _running = site.start().await;
    let (store, missing) = (site.store().display().to_string(), site.path("no.toml").display().to_string());
    let revoked = async |more: &[&str]| {
        let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_revoked"));
        command.args([
            "revoke",
            "username:user04",
            "--reason",
            "departed",
            "--at",
            "2999-01-01T00:00:00Z",
        ]);
        CommandOutput::of(command.args(["--store", &store]).args(more).output().await.unwrap())
    };
    let refused = revoked(&["-c", &missing, "--playbook", "nosuch"]).await;
    assert!(
        refused.code == 2 && refused.err.contains("cannot read the config"),
        "{refused:?}"
    );
    assert_eq!(site.count("SELECT count(*) FROM inbox").await, 0);
    // A machine that has revoked installed has a config to check against.
    if !std::path::Path::new(revoked::config::DEFAULT_PATH).exists() {
        let stored = revoked(&[]).await;
        assert!(stored.code == 0 && stored.err.contains("nothing was checked"), "{stored:?}");
    }
}
