//! The config read anew while the daemon runs: whole or not at all, and nothing is lost by it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::UnixStream;
use tokio::time::timeout;

use super::hr_departures::day;
use super::{BOUND, CommandOutput, Installation, InstallationPlan, until};

impl Installation {
    /// Writes the config anew, with one text in the place of another.
    fn edit(&self, before: &str, after: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        assert!(text.contains(before), "{before:?} is not in {text}");
        fs::write(self.config(), text.replacen(before, after, 1)).unwrap();
    }

    /// Writes more at its end.
    fn add(&self, tables: &str) {
        let text = fs::read_to_string(self.config()).unwrap();
        let tables = tables.replace("{folder}", &self.path("").display().to_string());
        fs::write(self.config(), format!("{text}\n{tables}")).unwrap();
    }

    async fn reload(&self) -> CommandOutput {
        // An empty config names no store.
        self.says(&["reload", "--store", self.store().to_str().unwrap()]).await
    }

    /// The same, where it is taken over.
    async fn reloaded(&self) -> String {
        let said = self.reload().await;
        assert_eq!(said.code, 0, "{said:?} {}", self.log());
        said.out
    }

    /// The detail of the last entry of this kind.
    async fn last_detail(&self, kind: &str) -> serde_json::Value {
        let sql = "SELECT body FROM trail WHERE body ->> 'kind' = ? ORDER BY seq DESC LIMIT 1";
        let mut conn = self.sql().await;
        let body: String = sqlx::query_scalar(sql).bind(kind).fetch_one(&mut conn).await.unwrap();
        serde_json::from_str(&body).unwrap()
    }
}

const UNBOUNDED: &str = "compromises_per_minute = \"unlimited\"";

#[tokio::test]
async fn half_a_config_changes_nothing_and_says_every_mistake() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    let whole = fs::read_to_string(site.config()).unwrap();
    // Cut in the middle of a table; good TOML that lacks what the rest needs; and one word wrong beside a change that is good.
    let cut = whole.find("token = {").unwrap() + 9;
    let wrong = whole.replace(UNBOUNDED, "compromises_per_minute = 0\nprotectd = []\nold_signal = \"soon\"");
    for (text, code, told) in [(&whole[..cut], 2, 1), ("", 1, 1), (&wrong, 2, 2)] {
        fs::write(site.config(), text).unwrap();
        let said = site.reload().await;
        assert_eq!(said.code, code, "{said:?}");
        assert!(said.out.contains("refused: nothing was taken over"), "{said:?}");
        let mistakes = said
            .out
            .lines()
            .filter(|line| line.starts_with("  ") && !line.starts_with("    "))
            .count();
        assert!(mistakes >= told, "{said:?}");
        fs::write(site.config(), &whole).unwrap();
        assert_eq!(site.alerts().await, ["config_refused"]);
    }
    assert_eq!(site.entries("config.refused").await, 3);
    assert_eq!(site.entries("config.reloaded").await, 0);
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
    fs::write(site.config(), &whole).unwrap();
    let said = site.reloaded().await;
    assert!(said.starts_with("unchanged"), "{said}");
    assert!(site.alerts().await.is_empty());
    running.stop().await;
}

#[tokio::test]
async fn a_change_of_policy_holds_for_the_next_signal_and_the_trail_says_whose_it_is() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 0);
    site.edit(
        UNBOUNDED,
        "compromises_per_minute = \"unlimited\"\nprotected = [\"username:user02\"]",
    );
    site.edit("[policy]", "# Asked for by the board.\n[policy]");
    let said = site.reloaded().await;
    assert!(
        said.contains("  [policy] has changed: protected\n") && said.contains("in force: "),
        "{said}"
    );
    assert_eq!(site.revoke("username:user02", "compromised", &[]).await.code, 14);
    assert_eq!(site.revoke("username:user03", "compromised", &[]).await.code, 0);
    let entry = site.last_detail("config.reloaded").await.to_string();
    assert!(entry.contains("protected") && entry.contains("operator:"), "{entry}");
    // `check` takes the file for the one that the daemon runs with.
    let said = site.says(&["check"]).await;
    assert!(!said.out.contains("another config"), "{said:?}");
    running.stop().await;
}

#[tokio::test]
async fn what_cannot_be_exchanged_is_named_and_nothing_else_is_taken_over_with_it() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    site.edit("rate = \"2000/s\"", "rate = \"1000/s\"");
    site.edit("address = \"127.0.0.1:0\"", "address = \"127.0.0.1:1\"");
    site.edit(UNBOUNDED, "compromises_per_minute = 0");
    let said = site.says(&["reload", "--json"]).await;
    assert_eq!(said.code, 1, "{said:?}");
    let answer = said.json();
    assert_eq!(answer["outcome"], "refused");
    assert_eq!(answer["needs_restart"], true);
    let why = [
        "[listen] has changed: address: needs a restart",
        "[[target]] chat has changed: rate: needs a restart",
    ];
    assert_eq!(answer["why"], serde_json::json!(why));
    assert_eq!(
        site.revoke("username:user01", "compromised", &[]).await.code,
        0,
        "the bound was taken over"
    );
    running.stop().await;
}

#[tokio::test]
async fn systemd_is_told_when_a_reload_begins_and_ends_also_of_one_that_is_refused() {
    let site = Installation::new(InstallationPlan::default()).await;
    let socket = std::os::unix::net::UnixDatagram::bind(site.path("notify")).unwrap();
    socket.set_nonblocking(true).unwrap();
    let socket = tokio::net::UnixDatagram::from_std(socket).unwrap();
    let mut command = site.command(&["run"]);
    command.env("NOTIFY_SOCKET", site.path("notify"));
    let running = site.start_by(command).await;
    let next = async || {
        let mut buffer = [0; 512];
        loop {
            let length = timeout(BOUND, socket.recv(&mut buffer)).await.expect("no word").unwrap();
            let said = String::from_utf8_lossy(&buffer[..length]).into_owned();
            if !said.starts_with("WATCHDOG") {
                return said;
            }
        }
    };
    assert!(next().await.starts_with("READY=1"));
    for addition in ["# more\n", "[nonsense]\n"] {
        site.add(addition);
        running.signal(Signal::HUP);
        let begun = next().await;
        let usec = begun.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
        assert!(begun.starts_with("RELOADING=1\n"), "{begun}");
        assert!(usec.unwrap().parse::<u64>().unwrap() > 0, "{begun}");
        assert!(next().await.starts_with("READY=1"));
    }
    assert_eq!(site.entries("config.reloaded").await, 1);
    assert_eq!(site.entries("config.refused").await, 1);
    running.stop().await;
}

const HR: &str = "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{folder}/hr\"\ntime_zone = \"Europe/Berlin\"\ninterval = \"100ms\"\nsettle = \"1s\"\n";
const SIEM: &str =
    "[[source]]\nname = \"siem\"\nkind = \"webhook\"\nverify = \"bearer\"\nsecrets = [{ file = \"{folder}/siem\" }]\n";

#[tokio::test]
async fn sources_come_change_and_go_while_the_daemon_runs() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.secret("siem", b"0123456789abcdef0123456789abcdef");
    for folder in ["hr", "hr2"] {
        fs::create_dir(site.path(folder)).unwrap();
    }
    let running = site.start().await;
    let without = fs::read_to_string(site.config()).unwrap();
    let knock = async || {
        let sent = running.http.post(running.url("/signals/siem")).body("{}").send().await;
        sent.unwrap().status().as_u16()
    };
    assert_eq!(knock().await, 404);
    site.add(HR);
    site.add(SIEM);
    let said = site.reloaded().await;
    assert!(
        said.contains("[[source]] hr is new") && said.contains("[[source]] siem is new"),
        "{said}"
    );
    assert_eq!(knock().await, 401);
    let leaves = |folder: &str, n: u32| {
        let row = format!(
            "employee_id,email,last_working_day,action\n{n},user0{n}@example.test,{},terminate\n",
            day(-1)
        );
        fs::write(site.path(folder).join("leavers.csv"), row).unwrap();
    };
    let contained = "SELECT count(*) FROM cases WHERE verdict = 'contained'";
    leaves("hr", 1);
    site.until_count(contained, 1).await;
    // It is looked at elsewhere now, and no longer there.
    site.edit("/hr\"", "/hr2\"");
    assert!(site.reloaded().await.contains("[[source]] hr has changed: folder"));
    leaves("hr", 2);
    leaves("hr2", 3);
    site.until_count(contained, 2).await;
    assert!(site.path("hr").join("leavers.csv").exists());
    fs::write(site.config(), without).unwrap();
    assert!(site.reloaded().await.contains("[[source]] siem is gone"));
    assert_eq!(knock().await, 404);
    running.stop().await;
}

#[tokio::test]
async fn whom_alerts_are_handed_to_and_what_is_logged_change_too() {
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = 0",
        level: "warn,revoked::daemon=info",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    let page = site.path("page");
    fs::write(&page, "#!/bin/sh\ncat >> \"$1/handed\"\n").unwrap();
    fs::set_permissions(&page, fs::Permissions::from_mode(0o700)).unwrap();
    site.add("[alerts]\nexec = { program = \"{folder}/page\", args = [\"{folder}\"] }\n");
    site.edit("level = \"warn,revoked::daemon=info\"", "level = \"debug\"");
    let said = site.reloaded().await;
    assert!(
        said.contains("[alerts] has changed: exec") && said.contains("[log] has changed: level"),
        "{said}"
    );
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 14);
    until("the alert to be handed over", async || {
        let handed = fs::read_to_string(site.path("handed")).unwrap_or_default();
        handed.contains("\"kind\":\"hold\"").then_some(())
    })
    .await;
    assert!(site.log().contains("accepted a signal"), "nothing is logged at the new level");
    running.stop().await;
}

#[tokio::test]
async fn two_hundred_jobs_that_are_under_way_are_done_through_reloads() {
    let site = Installation::new(InstallationPlan {
        people: 210,
        rate: "100/s",
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    let contained = "SELECT count(*) FROM cases WHERE verdict = 'contained'";
    for turn in 1..=5 {
        // Some more each time, so that however long a reload takes, something is under way when the next begins.
        let all = turn * 40;
        for n in all - 39..=all {
            site.write(&format!("username:user{n:03}"), "compromised", None)
                .await
                .unwrap();
        }
        let done = site.count(contained).await;
        assert!(done < all, "{done} are done: nothing is under way that could be lost");
        site.add(&format!("# {turn}"));
        site.edit("[policy]\n", &format!("[policy]\nold_signal = \"{turn}h\"\n"));
        if turn > 1 {
            site.edit(&format!("old_signal = \"{}h\"\n", turn - 1), "");
        }
        assert!(site.reloaded().await.contains("old_signal"));
    }
    site.until_count(contained, 200).await;
    assert_eq!(
        site.count("SELECT count(*) FROM job WHERE state <> 'done' OR attempt > 1")
            .await,
        0
    );
    assert_eq!(site.entries("config.reloaded").await, 5);
    assert_eq!(site.entries("job.interrupted").await, 0);
    running.stop().await;
}

#[tokio::test]
async fn connections_outlive_a_reload() {
    let site = Installation::new(InstallationPlan {
        more: "[console]\nsockets = \"{folder}/sockets\"\n",
        ..InstallationPlan::default()
    })
    .await;
    fs::create_dir(site.path("sockets")).unwrap();
    let running = site.start().await;
    let mut told = UnixStream::connect(site.path("sockets/viewer.sock")).await.unwrap();
    told.write_all(b"GET /changes HTTP/1.1\r\nHost: revoked\r\n\r\n")
        .await
        .unwrap();
    let mut heard = String::new();
    until_heard(&mut told, &mut heard, "retry: 1000").await;
    // Another has said half of what it wants to say.
    let mut half = tokio::net::TcpStream::connect(running.address).await.unwrap();
    half.write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n").await.unwrap();
    site.edit(UNBOUNDED, "compromises_per_minute = 0");
    site.reloaded().await;
    half.write_all(b"Connection: close\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    timeout(BOUND, half.read_to_string(&mut answer)).await.unwrap().unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    heard.clear();
    assert_eq!(site.revoke("username:user01", "compromised", &[]).await.code, 14);
    until_heard(&mut told, &mut heard, "event: changed").await;
    running.stop().await;
}

async fn until_heard(stream: &mut UnixStream, heard: &mut String, wanted: &str) {
    let mut buffer = [0; 4096];
    while !heard.contains(wanted) {
        let length = timeout(BOUND, stream.read(&mut buffer)).await.expect("no word").unwrap();
        assert!(length > 0, "it was closed after {heard:?}");
        heard.push_str(&String::from_utf8_lossy(&buffer[..length]));
    }
}

#[tokio::test]
async fn without_a_daemon_a_reload_is_refused() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let said = site.reload().await;
    assert!(said.code == 1 && said.err.contains("the daemon does not run"), "{said:?}");
}
