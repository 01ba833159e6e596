//! Commands of somebody who may read the store and not the targets' credentials: the running daemon asks for them.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;

use tokio::process::Command;

use super::{CommandOutput, DaemonProcess, Installation, InstallationPlan};

/// An installation whose credentials systemd would pass to the daemon alone.
async fn with_credentials() -> Installation {
    let plan = InstallationPlan {
        more: "[[source]]\nname = \"siem\"\nkind = \"webhook\"\nverify = \"bearer\"\nsecrets = [{ credential = \"siem\" }]\nsilent_after = \"24h\"\n",
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    site.secret("siem", b"0123456789abcdef0123456789abcdef");
    let text = fs::read_to_string(site.config()).unwrap();
    let kept = text.replace(
        &format!("{{ file = \"{}\" }}", site.path("chat-token").display()),
        "{ credential = \"chat-token\" }",
    );
    assert_ne!(kept, text);
    fs::write(site.config(), kept).unwrap();
    site
}

/// With the credentials, as systemd starts it.
fn passed(site: &Installation, args: &[&str]) -> Command {
    let mut command = site.command(args);
    command.env("CREDENTIALS_DIRECTORY", site.config().parent().unwrap());
    command
}

/// What was printed; of `check` what is about targets, since a source whose secret cannot be read here is not looked at.
/// Without the instants until which a door is open: they count from the look.
fn of_targets<'t>(args: &[&str], printed: &'t str) -> Vec<&'t str> {
    let mut is_wanted = args[0] != "check";
    let about_targets = printed.lines().filter(|line| {
        if args[0] == "check" && !line.starts_with(' ') {
            is_wanted = line.starts_with("target ");
        }
        is_wanted
    });
    about_targets
        .filter(|line| !line.trim_start().starts_with("\"until\": "))
        .map(|line| line.split_once(" (until ").map_or(line, |(before, _)| before))
        .collect()
}

async fn started(site: &Installation) -> DaemonProcess {
    site.start_by(passed(site, &["run"])).await
}

#[tokio::test]
async fn a_command_without_the_credentials_prints_what_one_with_them_prints() {
    let site = with_credentials().await;
    let running = started(&site).await;
    let said = site.revoke("username:user02", "departed", &[]).await;
    assert_eq!(said.code, 0, "{said:?}");
    let case = site.count("SELECT max(id) FROM cases").await.to_string();
    for args in [
        &["check"][..],
        &["revoke", "username:user01", "--reason", "compromised", "--rehearse"],
        &["revoke", "username:nobody-of-that-name", "--reason", "departed", "--rehearse"],
        &["subject", "show", "username:user01", "--ask"],
        &["release", &case],
        &["release", &case, "--json"],
    ] {
        let with = CommandOutput::of(passed(&site, args).output().await.unwrap());
        let without = site.says(args).await;
        // Nobody of that name is an answer of its own.
        let code = if args.iter().any(|arg| arg.contains("nobody")) {
            12
        } else {
            0
        };
        assert_eq!((with.code, without.code), (code, code), "{args:?}: {with:?} {without:?}");
        let told = of_targets(args, &with.out);
        assert!(!told.is_empty(), "{args:?}: {with:?}");
        assert_eq!(of_targets(args, &without.out), told, "{args:?}: {}", without.err);
    }
    // Times differ from one look to the next; everything else does not.
    let json = ["revoke", "username:user01", "--reason", "compromised", "--rehearse", "--json"];
    let with = CommandOutput::of(passed(&site, &json).output().await.unwrap()).rows();
    let without = site.says(&json).await.rows();
    assert_eq!(
        with[0]["plan"]["accounts"][0]["actions"],
        without[0]["plan"]["accounts"][0]["actions"]
    );
    assert!(
        without[0]["plan"]["accounts"][0]["actions"].as_array().unwrap().len() > 3,
        "{without}"
    );
    assert_eq!(site.count("SELECT count(*) FROM asked").await, 0, "what was answered is gone");
    let log = site.log();
    assert!(log.contains("asks targets for a command") && !log.contains("user01"), "{log}");
    running.stop().await;
}

#[tokio::test]
async fn where_no_daemon_runs_the_error_is_one_line_that_names_what_to_type() {
    let site = with_credentials().await;
    for down in ["before the first start", "after a stop"] {
        for args in [
            &["check"][..],
            &["revoke", "username:user01", "--reason", "compromised", "--rehearse"],
            &["subject", "show", "username:user01", "--ask"],
        ] {
            if down == "before the first start" && args[0] == "subject" {
                continue;
            }
            let said = site.says(args).await;
            assert_eq!((said.code, said.err.lines().count()), (1, 1), "{down}: {said:?}");
            let typed = "sudo systemd-run --pipe --wait --collect --uid=";
            let passes = "-p LoadCredential=chat-token:/etc/revoked/credentials/chat-token -p LoadCredential=siem:";
            assert!(said.err.contains(typed) && said.err.contains(passes), "{said:?}");
            assert!(
                said.err
                    .trim_end()
                    .ends_with(&format!("--config {}", site.config().display())),
                "{said:?}"
            );
        }
        started(&site).await.stop().await;
    }
}

#[tokio::test]
async fn what_needs_no_secret_asks_for_none() {
    let site = with_credentials().await;
    let said = site.says(&["check", "--offline"]).await;
    assert!(
        said.code == 0 && said.out.contains("2 secrets were not looked at"),
        "{said:?}"
    );
    let listed = site.says(&["source", "list"]).await;
    assert!(
        listed.code == 0 && listed.out.contains("siem") && listed.out.contains("/signals/siem"),
        "{listed:?}"
    );
    // A secret that is not there at all is a mistake, whoever asks.
    let text = fs::read_to_string(site.config()).unwrap();
    fs::write(
        site.config(),
        text.replace("{ credential = \"siem\" }", "{ file = \"/nowhere/siem\" }"),
    )
    .unwrap();
    let said = site.says(&["check", "--offline"]).await;
    assert!(said.code == 2 && said.err.contains("/nowhere/siem"), "{said:?}");
}

#[tokio::test]
async fn a_target_that_the_running_daemon_does_not_know_is_named() {
    let site = with_credentials().await;
    let running = started(&site).await;
    let text = fs::read_to_string(site.config()).unwrap();
    let more =
        "\n[[target]]\nname = \"mail\"\nkind = \"mattermost\"\nurl = \"http://127.0.0.1:9\"\ntoken = { credential = \"mail\" }\n";
    fs::write(site.config(), text + more).unwrap();
    let said = site.says(&["check"]).await;
    assert!(
        said.code == 6 && said.out.contains("no target \"mail\": restart it"),
        "{said:?}"
    );
    assert!(said.out.contains("target chat (mattermost)"), "{said:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_nobody_fetches_and_nobody_can_read_is_no_ones_burden() {
    let site = with_credentials().await;
    started(&site).await.stop().await;
    let mut conn = site.sql().await;
    for question in ["no JSON", "[]", r#"[{"target":"chat","asks":{"format_the_disk":{}}}]"#] {
        sqlx::query("INSERT INTO asked (question, asked_by, asked_at) VALUES ($1, 'somebody', 0)")
            .bind(question)
            .execute(&mut conn)
            .await
            .unwrap();
    }
    let running = started(&site).await;
    site.until_count("SELECT count(*) FROM asked", 0).await;
    // The daemon still answers others.
    assert_eq!(site.says(&["check"]).await.code, 0);
    running.stop().await;
}

#[tokio::test]
async fn a_store_of_somebody_else_is_refused_with_the_line_to_type() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    fs::set_permissions(site.config().parent().unwrap(), fs::Permissions::from_mode(0o711)).unwrap();
    let store = site.store();
    let mut command = Command::new(env!("CARGO_BIN_EXE_revoked"));
    command.args(["case", "list", "--store"]).arg(&store).uid(65_534).gid(65_534);
    // Only root can become somebody else, and only where that one may run the program.
    let Ok(output) = command.output().await else {
        println!("NOT CHECKED: nobody cannot run the program here");
        return;
    };
    let said = CommandOutput::of(output);
    let line = format!(
        "revoked: {0} is root's, and may be opened by nobody else: type sudo -u root revoked case list --store {0}\n",
        store.display()
    );
    assert_eq!((said.code, said.err), (3, line));
}

/// A command of nobody's; nothing where that one cannot run the program here.
async fn as_nobody(site: &Installation, args: &[&str]) -> Option<CommandOutput> {
    let mut command = site.command(args);
    command.uid(65_534).gid(65_534);
    if let Ok(output) = command.output().await {
        return Some(CommandOutput::of(output));
    }
    drop(writeln!(std::io::stderr(), "NOT CHECKED: nobody cannot run the program here"));
    None
}

#[tokio::test]
async fn a_store_that_is_kept_from_us_is_not_one_that_is_not_there_yet() {
    let plan = InstallationPlan {
        store: "data/revoked.db",
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    fs::create_dir(site.path("data")).unwrap();
    site.start().await.stop().await;
    fs::set_permissions(site.config().parent().unwrap(), fs::Permissions::from_mode(0o711)).unwrap();
    fs::set_permissions(site.path("data"), fs::Permissions::from_mode(0o700)).unwrap();
    for args in [&["check", "--offline"][..], &["source", "list"], &[]] {
        let Some(said) = as_nobody(&site, args).await else { return };
        assert!(
            said.code == 3 && said.err.contains("may be opened by nobody else: type sudo -u root revoked"),
            "{args:?}: {said:?}"
        );
    }
}

#[tokio::test]
async fn a_database_that_root_has_put_back_into_the_daemons_folder_is_refused_with_the_chown() {
    let site = Installation::new(InstallationPlan::default()).await;
    let folder = site.path("data");
    fs::create_dir(&folder).unwrap();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
    fs::set_permissions(site.config().parent().unwrap(), fs::Permissions::from_mode(0o711)).unwrap();
    let store = folder.join("revoked.db");
    fs::write(&store, "").unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o600)).unwrap();
    if std::os::unix::fs::chown(&folder, Some(65_534), Some(65_534)).is_err() {
        println!("NOT CHECKED: only root can give a folder away");
        return;
    }
    let typed = store.display().to_string();
    for args in [&["case", "list", "--store", &typed][..], &["run", "--store", &typed]] {
        // The config's secrets are root's.
        if args[0] == "run" {
            for secret in ["chat-token", "trail-seed"] {
                std::os::unix::fs::chown(site.path(secret), Some(65_534), Some(65_534)).unwrap();
            }
        }
        let Some(said) = as_nobody(&site, args).await else { return };
        let mend = format!("chown --reference={} {typed}*", folder.display());
        assert!(said.code == 3 && said.err.contains(&mend), "{args:?}: {said:?}");
    }
}
