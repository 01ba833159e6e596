//! HR on an account of its own: what it is told that may read neither the store nor a token, and the drop folder between the two accounts.

use std::fs::{self, File, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use revoked::cli::Exit;
use tokio::process::Command;

use super::hr_preview::{HEADER, last_line, leavers};
use super::{CommandOutput, DaemonProcess, Installation, InstallationPlan, until};

/// The page whose recipe is typed.
const PAGE: &str = include_str!("../../../docs/sources/hr-csv.md");

/// Accounts of two people and of a group that both are in, by numbers that nobody else has.
const DAEMON: u32 = 64_101;
const HR: u32 = 64_102;
const GROUP: u32 = 64_103;

/// A command as another account, in these groups. Nothing where this test cannot become one.
fn as_account(command: &Command, uid: u32, groups: &[u32]) -> Command {
    let groups: Vec<String> = groups.iter().map(u32::to_string).collect();
    let groups = if groups.is_empty() {
        "--clear-groups".to_owned()
    } else {
        format!("--groups={}", groups.join(","))
    };
    let mut other = Command::new("setpriv");
    other
        .args([format!("--reuid={uid}"), format!("--regid={uid}"), groups])
        .arg(command.as_std().get_program())
        .args(command.as_std().get_args())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    other
}

/// Whether this test may become other accounts, and these reach what was built.
async fn can_become_others() -> bool {
    let mut built = Command::new(env!("CARGO_BIN_EXE_revoked"));
    built.arg("--version");
    let tried = as_account(&built, HR, &[]).output().await;
    let can = rustix::process::geteuid().is_root() && tried.is_ok_and(|tried| tried.status.success());
    if !can {
        let why = "SKIPPED: two accounts need root, setpriv, and a build that other accounts may run";
        drop(writeln!(std::io::stderr(), "{why}"));
    }
    can
}

/// An installation that belongs to the daemon's account, with a drop folder beside it that both accounts reach.
struct TwoAccounts {
    site: Installation,
    shared: tempfile::TempDir,
}

impl TwoAccounts {
    async fn new() -> Self {
        let shared = tempfile::tempdir().unwrap();
        fs::set_permissions(shared.path(), Permissions::from_mode(0o755)).unwrap();
        let more = format!(
            "[[source]]\nname = \"hr\"\nkind = \"hr-csv\"\nfolder = \"{}/drop\"\ninterval = \"100ms\"\nsettle = \"100ms\"\n",
            shared.path().display()
        );
        let site = Installation::new(InstallationPlan {
            people: 12,
            more: more.leak(),
            ..InstallationPlan::default()
        })
        .await;
        // The config is for everybody to read, as installed; the store and the token are not.
        fs::copy(site.config(), shared.path().join("revoked.toml")).unwrap();
        fs::set_permissions(shared.path().join("revoked.toml"), Permissions::from_mode(0o644)).unwrap();
        give(&site.path(""), DAEMON);
        Self { site, shared }
    }

    fn drop_folder(&self) -> PathBuf {
        self.shared.path().join("drop")
    }

    /// Types the recipe of the docs, as far as it makes folders.
    async fn make_folders(&self) {
        let recipe = PAGE.split("```sh recipe\n").nth(1).unwrap().split("```").next().unwrap();
        let folders: Vec<String> = recipe
            .lines()
            .filter(|line| line.starts_with("install -d"))
            .map(|line| {
                line.replace("/srv/hr/drop", self.drop_folder().to_str().unwrap())
                    .replace("-o revoked", &format!("-o {DAEMON}"))
                    .replace("-g hr", &format!("-g {GROUP}"))
            })
            .collect();
        assert_eq!(folders.len(), 2, "{recipe}");
        let done = Command::new("sh").args(["-ec", &folders.join("\n")]).output().await.unwrap();
        assert!(done.status.success(), "{done:?}");
    }

    async fn start(&self, groups: &[u32]) -> DaemonProcess {
        self.site
            .start_by(as_account(&self.site.command(&["run"]), DAEMON, groups))
            .await
    }

    /// What a command says to HR, by the config that everybody may read.
    async fn says_to_hr(&self, args: &[&str]) -> CommandOutput {
        let mut command = Command::new(env!("CARGO_BIN_EXE_revoked"));
        command
            .args(args)
            .arg("--config")
            .arg(self.shared.path().join("revoked.toml"));
        CommandOutput::of(as_account(&command, HR, &[GROUP]).output().await.unwrap())
    }

    /// HR drops a file with the script of the docs.
    async fn drop_by_script(&self, name: &str, text: &str) {
        let file = self.shared.path().join(name);
        fs::write(&file, text).unwrap();
        chown(&file, Some(HR), Some(HR)).unwrap();
        fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
        let mut script = Command::new(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/sources/drop-hr-csv.sh"));
        script.arg(&file).arg(self.drop_folder());
        let done = as_account(&script, HR, &[GROUP]).output().await.unwrap();
        assert!(done.status.success(), "{done:?}");
    }
}

/// Gives everything below a path to an account.
fn give(path: &Path, uid: u32) {
    chown(path, Some(uid), Some(uid)).unwrap();
    if path.is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            give(&entry.unwrap().path(), uid);
        }
    }
}

#[tokio::test]
async fn whoever_may_read_neither_store_nor_token_is_told_what_was_not_compared_and_not_asked() {
    if !can_become_others().await {
        return;
    }
    let place = TwoAccounts::new().await;
    place.make_folders().await;
    let _running = place.start(&[GROUP]).await;
    let file = place.shared.path().join("leavers.csv");
    fs::write(&file, format!("{HEADER}{}", leavers(1..=2, "2099-12-31"))).unwrap();
    let shown = file.to_str().unwrap();
    // The store's folder is closed, as installed, or open to enter.
    for mode in [0o700, 0o755] {
        fs::set_permissions(place.site.path(""), Permissions::from_mode(mode)).unwrap();
        let said = place.says_to_hr(&["source", "hr", "preview", shown]).await;
        assert_eq!(said.code, i32::from(Exit::Unasked.code()), "{said:?}");
        for part in [
            "not compared with what was taken before: the store is open to ",
            &format!(" alone; type sudo -u #{DAEMON} revoked source hr preview - --config "),
            &format!(" < {shown}"),
            "2 rows: 2 planned\n",
        ] {
            assert!(said.out.contains(part), "{part}: {said:?}");
        }
        let asked = place.says_to_hr(&["source", "hr", "preview", shown, "--ask", "--json"]).await;
        assert_eq!(asked.code, i32::from(Exit::Unasked.code()), "{asked:?}");
        let asked = asked.json();
        assert_eq!(
            asked["not_asked"],
            serde_json::json!(["chat: may be asked by the daemon alone, which is reached by way of the store"])
        );
        assert!(
            asked["not_compared"].is_string() && asked["rows"][0]["unknown"].is_null(),
            "{asked:#}"
        );
    }
    // The daemon's account gets the whole answer, though the file is HR's alone.
    chown(&file, Some(HR), Some(HR)).unwrap();
    fs::set_permissions(&file, Permissions::from_mode(0o600)).unwrap();
    let preview = place.site.command(&["source", "hr", "preview", "-", "--ask"]);
    let mut whole = as_account(&preview, DAEMON, &[GROUP]);
    whole.stdin(Stdio::from(File::open(&file).unwrap()));
    let whole = CommandOutput::of(whole.output().await.unwrap());
    assert_eq!((whole.code, last_line(&whole)), (0, "2 rows: 2 planned"), "{whole:?}");
    let closed = place.site.command(&["source", "hr", "preview", shown]);
    let closed = CommandOutput::of(as_account(&closed, DAEMON, &[GROUP]).output().await.unwrap());
    assert!(
        closed.code != 0 && closed.err.contains("revoked source hr preview - "),
        "{closed:?}"
    );
}

#[tokio::test]
async fn the_folder_and_the_script_of_the_docs_work_together_and_hr_reads_why_a_row_was_put_aside() {
    if !can_become_others().await {
        return;
    }
    let place = TwoAccounts::new().await;
    place.make_folders().await;
    let running = place.start(&[GROUP]).await;
    place
        .drop_by_script(
            "leavers.csv",
            &format!(
                "{HEADER}{}7,user07@example.test,31.12.2099,,terminate\n",
                leavers(1..=1, "2099-12-31")
            ),
        )
        .await;
    let reason = until("the reason in the quarantine", async || {
        let mut files = fs::read_dir(place.drop_folder().join("quarantine")).ok()?;
        files.find_map(|file| Some(file.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(".reason.txt")))
    })
    .await;
    assert_eq!(fs::metadata(&reason).unwrap().gid(), GROUP);
    let mut read = Command::new("cat");
    read.arg(&reason);
    let read = CommandOutput::of(as_account(&read, HR, &[GROUP]).output().await.unwrap());
    assert!(read.code == 0 && read.out.contains("user07@example.test (7)"), "{read:?}");
    assert!(fs::read_dir(place.drop_folder().join("archive")).unwrap().count() >= 1);
    // What the alert says to type shows it.
    let aside = as_account(&place.site.command(&["alert", "list", "--json"]), DAEMON, &[GROUP])
        .output()
        .await
        .unwrap();
    let alert = CommandOutput::of(aside).rows();
    let next: Vec<&str> = alert[0]["next"].as_str().unwrap().split(' ').skip(1).collect();
    let aside = as_account(&place.site.command(&next), DAEMON, &[GROUP])
        .output()
        .await
        .unwrap();
    let aside = CommandOutput::of(aside);
    assert!(
        aside.code == 0 && aside.out.contains(reason.to_str().unwrap()) && aside.out.contains("it says:       \"31.12.2099\""),
        "{aside:?}"
    );
    running.stop().await;

    // Without the group nothing of HR's can be read, and every command that is asked says so and what to type.
    let running = place.start(&[]).await;
    place
        .drop_by_script("more.csv", &format!("{HEADER}{}", leavers(2..=2, "2099-12-31")))
        .await;
    let daemon = async |args: &[&str]| {
        let mut command = as_account(&place.site.command(args), DAEMON, &[]);
        CommandOutput::of(command.output().await.unwrap())
    };
    until("the alert", async || {
        let alerts = daemon(&["alert", "list", "--json"]).await.rows();
        let found = alerts
            .as_array()
            .unwrap()
            .iter()
            .any(|alert| alert["kind"] == "source_unreadable");
        found.then_some(())
    })
    .await;
    let remedy = format!("usermod -aG {GROUP} {DAEMON}, and restart the daemon");
    let listed = daemon(&["source", "list"]).await;
    assert!(
        listed.code == 0 && listed.out.contains("source hr cannot be read: ") && listed.out.contains(&remedy),
        "{listed:?}"
    );
    let checked = daemon(&["check"]).await;
    assert!(
        checked.code == i32::from(Exit::Findings.code())
            && checked.out.contains("error: the daemon says: source hr cannot be read: ")
            && checked.out.contains(&format!("the group {GROUP} may drop files into ")),
        "{checked:?}"
    );
    running.stop().await;

    // In the group it is over by the first look.
    let running = place.start(&[GROUP]).await;
    until("the end of the alert", async || {
        let alerts = daemon(&["alert", "list", "--json"]).await.rows();
        let stands = alerts
            .as_array()
            .unwrap()
            .iter()
            .any(|alert| alert["kind"] == "source_unreadable");
        (!stands).then_some(())
    })
    .await;
    running.stop().await;
}
