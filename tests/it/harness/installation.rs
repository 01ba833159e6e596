//! One installation: a folder with config, secrets and store, a chat server, and the commands that an operator types.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Stdio;

use revoked_sandbox::{Options, Sandbox, World};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteSynchronous};
use sqlx::{ConnectOptions as _, Row as _};
use tempfile::TempDir;
use tokio::process::Command;

use super::until;
use crate::ports::Port;

/// What an installation is to look like.
pub(crate) struct InstallationPlan {
    pub(crate) people: usize,
    pub(crate) attempts: u32,
    pub(crate) rate: &'static str,
    pub(crate) concurrency: u32,
    /// The sweeps of the playbooks `compromised` and `departed`, as TOML.
    pub(crate) watch: &'static str,
    /// More lines of the playbook `compromised`.
    pub(crate) compromised: &'static str,
    /// Where the store is, within the folder.
    pub(crate) store: &'static str,
    /// What is logged.
    pub(crate) level: &'static str,
    /// More lines of the table `[listen]`.
    pub(crate) listen: &'static str,
    /// Lines of the table `[policy]`.
    pub(crate) policy: &'static str,
    /// Lines of the target.
    pub(crate) target: &'static str,
    /// Tables at the end. `{folder}` stands for the installation's folder.
    pub(crate) more: &'static str,
}

impl Default for InstallationPlan {
    fn default() -> Self {
        Self {
            people: 12,
            attempts: 2,
            rate: "2000/s",
            concurrency: 4,
            watch: "[]",
            compromised: "",
            store: "revoked.db",
            level: "info",
            listen: "",
            policy: "compromises_per_minute = \"unlimited\"",
            target: "",
            more: "",
        }
    }
}

impl InstallationPlan {
    /// What stands before the targets.
    fn before_targets(&self) -> String {
        let Self {
            attempts,
            store,
            level,
            listen,
            policy,
            ..
        } = self;
        format!(
            r#"
[store]
path = "{{folder}}/{store}"

[listen]
address = "127.0.0.1:0"
{listen}

[log]
format = "json"
level = "{level}"

[trail]
origin = "proof.example.test/trail/1"
key = {{ file = "{{folder}}/trail-seed" }}
anchor = "{{folder}}/outside/checkpoints"

[retry]
attempts = {attempts}
first = "100ms"
longest = "200ms"
urgent_first = "100ms"
urgent_longest = "200ms"

[policy]
{policy}
"#
        )
    }

    /// The chat server as a target, and what the playbooks demand there.
    fn chat(&self, url: &str) -> String {
        let Self {
            rate,
            concurrency,
            watch,
            compromised,
            target,
            ..
        } = self;
        format!(
            r#"
[playbook.compromised.chat]
watch = {watch}
{compromised}

[playbook.departed.chat]
watch = {watch}

[[target]]
name = "chat"
kind = "mattermost"
url = "{url}"
token = {{ file = "{{folder}}/chat-token" }}
rate = "{rate}"
concurrency = {concurrency}
{target}
"#
        )
    }
}

/// What a command said.
#[derive(Debug)]
pub(crate) struct CommandOutput {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl CommandOutput {
    /// What a command that has ended said.
    pub(crate) fn of(output: std::process::Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The JSON that it printed.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The rows of a list, one JSON object a line.
    pub(crate) fn rows(&self) -> Value {
        let row = |line| serde_json::from_str::<Value>(line).unwrap_or_else(|error| panic!("{error} in {self:?}"));
        self.out.lines().map(row).collect()
    }

    /// The same, for one that had to succeed.
    pub(crate) fn done(&self) -> Value {
        assert_eq!(self.code, 0, "{self:?}");
        self.json()
    }
}

/// One installation.
pub(crate) struct Installation {
    dir: TempDir,
    chat: Option<Sandbox>,
    /// The chat server's, also while that is down.
    port: Port,
}

impl Installation {
    /// A chat server of so many people, a config that names it, and no daemon yet.
    pub(crate) async fn new(plan: InstallationPlan) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let world = World::fixture(1, plan.people);
        let token = world.operator_token().unwrap();
        let port = Port::default();
        let options = Options {
            listen: port.address(),
            ..Options::default()
        };
        let chat = Sandbox::start(world, options).await.unwrap();
        let site = Self {
            dir,
            chat: Some(chat),
            port,
        };
        fs::create_dir(site.path("outside")).unwrap();
        site.secret("chat-token", format!("{token}\n").as_bytes());
        site.secret("trail-seed", b"0123456789abcdef0123456789ABCDEF");
        site.configure(&plan);
        site
    }

    /// Writes the config anew.
    pub(crate) fn configure(&self, plan: &InstallationPlan) {
        let targets = plan.chat(&self.chat().url());
        self.write_config(&[&plan.before_targets(), &targets, plan.more]);
    }

    /// Writes the config anew, with these targets in the place of the chat server, or beside it where it is wanted too.
    pub(crate) fn configure_targets(&self, plan: &InstallationPlan, with_chat: bool, targets: &str) {
        let chat = if with_chat {
            plan.chat(&self.chat().url())
        } else {
            String::new()
        };
        self.write_config(&[&plan.before_targets(), &chat, targets, plan.more]);
    }

    fn write_config(&self, tables: &[&str]) {
        let text = tables.join("\n").replace("{folder}", &self.dir.path().display().to_string());
        fs::write(self.config(), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("revoked.toml")
    }

    pub(crate) fn store(&self) -> PathBuf {
        self.path("revoked.db")
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn secret(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The chat server.
    pub(crate) fn chat(&self) -> &Sandbox {
        self.chat.as_ref().expect("the chat server is down")
    }

    /// Takes the chat server down: connections are refused. Gives what must be handed back to bring it up.
    pub(crate) fn take_down(&mut self) -> (World, Options) {
        let chat = self.chat.take().expect("the chat server is down already");
        let listen = self.port.address();
        let world = chat.world().clone();
        (
            world,
            Options {
                listen,
                ..Options::default()
            },
        )
    }

    /// Brings the chat server up again at its address.
    pub(crate) async fn bring_up(&mut self, (world, options): (World, Options)) {
        // The sockets of the one before may take a moment to close.
        let chat = until("the chat server's address", async || {
            Sandbox::start(world.clone(), options.clone()).await.ok()
        });
        self.chat = Some(chat.await);
    }

    /// Runs a command of `revoked` to its end.
    pub(crate) async fn says(&self, args: &[&str]) -> CommandOutput {
        CommandOutput::of(self.command(args).output().await.unwrap())
    }

    /// What a reading command answers as JSON.
    pub(crate) async fn ask(&self, args: &[&str]) -> Value {
        let mut args = args.to_vec();
        args.push("--json");
        let said = self.says(&args).await;
        if args.contains(&"list") || args[0] == "ledger" {
            assert_eq!(said.code, 0, "{said:?}");
            return said.rows();
        }
        said.done()
    }

    /// A command of `revoked` under this config.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_revoked"));
        command
            .args(args)
            .arg("--config")
            .arg(self.config())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// Asks for something with `--wait`.
    pub(crate) async fn revoke(&self, subject: &str, reason: &str, more: &[&str]) -> CommandOutput {
        let mut args = vec!["revoke", subject, "--reason", reason, "--wait", "--timeout", "110", "--json"];
        args.extend(more);
        self.says(&args).await
    }

    /// A connection to the store, as any other program may open one.
    pub(crate) async fn sql(&self) -> SqliteConnection {
        SqliteConnectOptions::new()
            .filename(self.store())
            .synchronous(SqliteSynchronous::Full)
            .busy_timeout(super::BOUND)
            .connect()
            .await
            .unwrap()
    }

    /// The first column of the first row, as a number.
    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = self.sql().await;
        sqlx::query(sql).fetch_one(&mut conn).await.unwrap().get(0)
    }

    /// Waits until a query counts so many.
    pub(crate) async fn until_count(&self, sql: &'static str, wanted: i64) {
        let what = format!("{wanted} from {sql}");
        until(&what, async || {
            let count = self.count(sql).await;
            (count == wanted).then_some(())
        })
        .await;
    }

    /// Waits until the intent of such a change is on record and its outcome is not: its call is about to be sent, or has been.
    pub(crate) async fn until_under_way(&self, change: &str) {
        until(change, async || {
            let found = sqlx::query("SELECT 1 FROM action WHERE outcome IS NULL AND action LIKE '%' || ?1 || '%'")
                .bind(change)
                .fetch_optional(&mut self.sql().await)
                .await;
            found.unwrap().map(|_| ())
        })
        .await;
    }

    /// Starts once more what has ended: so many signals are stored at least, and the trail stands.
    pub(crate) async fn lost_none_of(&self, acknowledged: i64) {
        let running = self.start().await;
        let stored = self.count("SELECT count(*) FROM signal").await;
        assert!(stored >= acknowledged, "{stored} of {acknowledged}");
        running.stop().await;
        assert_eq!(self.says(&["trail", "verify", "--json"]).await.done()["verified"], true);
    }

    /// The kinds of the open alerts, but for the one that a disk which stalls for seconds brings into any test.
    pub(crate) async fn alerts(&self) -> Vec<String> {
        let mut kinds = self.all_alerts().await;
        kinds.retain(|kind| kind != "store_locked");
        kinds
    }

    /// The kinds of the open alerts.
    pub(crate) async fn all_alerts(&self) -> Vec<String> {
        let alerts = self.ask(&["alert", "list"]).await;
        let kinds = alerts.as_array().unwrap().iter();
        kinds.map(|alert| alert["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// The kinds of the trail's entries about a case, in order.
    pub(crate) async fn trail(&self, case: &Value) -> Vec<String> {
        let said = self
            .says(&["trail", "show", "--limit", "10000", "--case", &case.to_string(), "--json"])
            .await;
        assert_eq!(said.code, 0, "{said:?}");
        let entries = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        entries.map(|entry| entry["kind"].as_str().unwrap().to_owned()).collect()
    }
}

impl Drop for Installation {
    /// A test that failed shows what the daemon logged last.
    fn drop(&mut self) {
        if std::thread::panicking() {
            let log = self.log();
            let lines: Vec<&str> = log.lines().filter(|line| !line.contains("signed a checkpoint")).collect();
            let last = lines[lines.len().saturating_sub(25)..].iter();
            let last: Vec<String> = last.map(|line| line.chars().take(400).collect()).collect();
            drop(writeln!(std::io::stderr(), "the daemon's last lines:\n{}", last.join("\n")));
        }
    }
}
