//! Commands of accounts that may not open the store, by the sockets of their roles: real accounts of this host, with one group each.

use std::os::unix::fs::{PermissionsExt as _, chown};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::Stdio;

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::json;
use tokio::process::{Child, Command};

use super::Site;
use crate::harness::{CommandOutput, Installation, until};

/// Accounts that every Debian has, and so have a name.
const DAEMON: u32 = 1;
const BIN: u32 = 2;
const GAMES: u32 = 5;
const MAN: u32 = 6;
/// The groups of the roles, by number, and one that has none.
const GROUPS: [(Role, u32); 4] = [
    (Role::Viewer, 61_001),
    (Role::Requester, 61_002),
    (Role::Approver, 61_003),
    (Role::Admin, 61_004),
];
const NO_ROLE: u32 = 61_009;

fn group(role: Role) -> u32 {
    GROUPS.iter().find(|(of, _)| *of == role).unwrap().1
}

/// Whether this test may act as other accounts; where not, says so past the test harness.
fn is_root() -> bool {
    use std::io::Write as _;
    let is = rustix::process::geteuid().is_root();
    if !is {
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: only root runs commands as other accounts"
        ));
    }
    is
}

impl Site {
    /// Lets others read the config, enter the sockets' folder and run the program, and gives each socket the group of its role.
    fn open_to_groups(&self) {
        // Where it was built they may not be let in. Another process copies it: one of ours could be asked to run what it still writes.
        let copy = ["-p", env!("CARGO_BIN_EXE_revoked")];
        let copied = std::process::Command::new("cp")
            .args(copy)
            .arg(self.installation.path("revoked"))
            .status();
        assert!(copied.unwrap().success());
        let may_enter = |path: &Path, mode| std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
        may_enter(self.installation.config().parent().unwrap(), 0o711);
        may_enter(&self.installation.config(), 0o644);
        may_enter(&self.installation.path("sockets"), 0o711);
        for (role, group) in GROUPS {
            chown(
                self.installation.path("sockets").join(format!("{role}.sock")),
                None,
                Some(group),
            )
            .unwrap();
        }
    }

    /// A command that goes on, once it is seen to run as a child of the daemon.
    async fn watching(&self, account: (u32, u32)) -> Child {
        let before = children_of(self.running.pid());
        let child = self
            .installation
            .command_as(account, &["status", "--watch"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        until("a child of the daemon", async || {
            (children_of(self.running.pid()) > before).then_some(())
        })
        .await;
        child
    }
}

impl Installation {
    /// A command of an account with one group.
    fn command_as(&self, (uid, group): (u32, u32), args: &[&str]) -> Command {
        let mut command = Command::new(self.path("revoked"));
        command.args(args).arg("--config").arg(self.config());
        command.uid(uid).gid(group).current_dir("/").env_remove("SUDO_USER");
        command.stdin(Stdio::null()).kill_on_drop(true);
        command
    }

    async fn says_as(&self, account: (u32, u32), args: &[&str]) -> CommandOutput {
        CommandOutput::of(self.command_as(account, args).output().await.unwrap())
    }
}

/// How many children a process has.
fn children_of(pid: u32) -> usize {
    let tasks = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().flatten();
    let children = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    children.map(|line| line.split_whitespace().count()).sum()
}

/// The set that a line to type has in it.
fn set_of(text: &str) -> String {
    let (_, rest) = text.split_once("--set ").unwrap_or_else(|| panic!("no set in {text}"));
    rest.split_whitespace().next().unwrap().to_owned()
}

#[tokio::test]
async fn whoever_may_open_a_socket_uses_the_commands_of_its_role_and_the_trail_names_the_kernels_uid() {
    if !is_root() {
        return;
    }
    let site = Site::with("[approvals]\ntwo_persons_for_protected = true\n").await;
    site.open_to_groups();
    let viewer = (DAEMON, group(Role::Viewer));
    let requester = (BIN, group(Role::Requester));
    // A viewer asks for nothing.
    let revoke = [
        "revoke",
        "username:user03",
        "--reason",
        "departed",
        "--wait",
        "--timeout",
        "110",
    ];
    let refused = site.installation.says_as(viewer, &revoke).await;
    assert!(
        refused.code == 1 && refused.err.contains("this needs the role requester, and you have viewer"),
        "{refused:?}"
    );
    // A requester does, and is named.
    let asked = site.installation.says_as(requester, &revoke).await;
    assert!(asked.code == 0 && asked.out.contains("CONTAINED"), "{asked:?}");
    assert_eq!(
        site.installation
            .count("SELECT count(*) FROM inbox WHERE requested_by = 'operator:bin(2)'")
            .await,
        1
    );
    // What is shown is what the owner is shown, byte by byte.
    for args in [
        vec!["case", "list"],
        vec!["case", "show", "1"],
        vec!["find", "user03"],
        vec!["status"],
        vec!["hold", "list", "--utc"],
        vec!["case", "report", "1", "--format", "html"],
    ] {
        // Ages go on between the two.
        until("the same", async || {
            let own = site.installation.says(&args).await;
            let theirs = site.installation.says_as(viewer, &args).await;
            (own.code == theirs.code && own.out == theirs.out && own.err == theirs.err).then_some(())
        })
        .await;
    }
    // A shell that asks for more than this account may read is offered nothing, at once.
    let mut completed = site.installation.command_as(viewer, &[]);
    completed
        .env("COMPLETE", "fish")
        .env("REVOKED_CONFIG", site.installation.config());
    let completed = completed
        .args(["--", "revoked", "hold", "approve", ""])
        .output()
        .await
        .unwrap();
    assert!(completed.status.success(), "{completed:?}");
    // Who has read it stands in the trail.
    let read = site.installation.says(&["trail", "export"]).await.out;
    assert!(
        read.lines()
            .any(|line| line.contains("people.read") && line.contains("operator:daemon(1)")),
        "{read}"
    );
    // What the daemon's own environment or its place in the file system say to do is nobody's to type.
    let shown = site.installation.says_as(requester, &["release", "1"]).await;
    assert!(shown.out.contains("to do it: revoked release 1 --config"), "{shown:?}");
    assert!(!shown.out.contains("sudo"), "{shown:?}");
    let set = set_of(&shown.out);
    let release = ["release", "1", "--set", &set, "--note", "by mistake"];
    let refused = site.installation.says_as(requester, &release).await;
    assert!(
        refused.code == 1 && refused.err.contains("this needs the role approver"),
        "{refused:?}"
    );
    two_persons(&site).await;
    site.running.stop().await;
    // Without a daemon the way of the file is told, and that of the sockets.
    let down = site.installation.says_as(viewer, &["status"]).await;
    assert_eq!(down.code, 3, "{down:?}");
    assert!(
        down.err.contains("sudo -u root revoked status") && down.err.contains("no daemon answers"),
        "{down:?}"
    );
}

/// Whoever asked is none of the two, and the two are told apart by their uids.
async fn two_persons(site: &Site) {
    let asked = site
        .installation
        .says_as(
            (BIN, group(Role::Requester)),
            &["revoke", "username:user05", "--reason", "compromised"],
        )
        .await;
    assert_eq!(asked.code, 14, "{asked:?}");
    let hold = site.installation.count("SELECT max(id) FROM hold").await.to_string();
    let shown = site
        .installation
        .says_as((DAEMON, group(Role::Viewer)), &["hold", "show", &hold])
        .await;
    assert!(!shown.out.contains("sudo"), "{shown:?}");
    let set = set_of(&shown.out);
    let approve = ["hold", "approve", &hold, "--set", &set, "--note", "asked back by phone"];
    let refused = site.installation.says_as((GAMES, group(Role::Requester)), &approve).await;
    assert!(
        refused.code == 1 && refused.err.contains("this needs the role approver"),
        "{refused:?}"
    );
    let own = site.installation.says_as((BIN, group(Role::Approver)), &approve).await;
    assert!(own.code != 0 && own.err.contains("whoever asked is none of them"), "{own:?}");
    let first = site.installation.says_as((GAMES, group(Role::Approver)), &approve).await;
    assert_eq!(first.code, 14, "{first:?}");
    let again = site.installation.says_as((GAMES, group(Role::Admin)), &approve).await;
    assert_eq!(
        site.installation
            .count("SELECT count(*) FROM hold WHERE state = 'open'")
            .await,
        1,
        "{again:?}"
    );
    let second = site.installation.says_as((MAN, group(Role::Approver)), &approve).await;
    assert_eq!(second.code, 0, "{second:?}");
    let trail = site.installation.says(&["trail", "export"]).await.out;
    for person in ["operator:games(5)", "operator:man(6)"] {
        assert!(trail.contains(person), "{person} in {trail}");
    }
}

#[tokio::test]
async fn a_list_is_read_by_whoever_typed_its_name_and_never_by_the_daemon() {
    if !is_root() {
        return;
    }
    let site = Site::new().await;
    site.open_to_groups();
    let requester = (BIN, group(Role::Requester));
    // Where the daemon is, nothing is called so; and nobody else may enter.
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("people"), "username:user01\nusername:user02\n").unwrap();
    chown(folder.path(), Some(BIN), None).unwrap();
    let in_folder = async |args: &[&str]| {
        let mut command = site.installation.command_as(requester, args);
        CommandOutput::of(command.current_dir(folder.path()).output().await.unwrap())
    };
    let list = ["revoke", "--from", "people", "--reason", "departed", "--note", "people"];
    let shown = in_folder(&list).await;
    assert_eq!(shown.code, 2, "{shown:?}");
    assert!(
        shown.err.contains("revoke --from people --reason departed --note people"),
        "{shown:?}"
    );
    let set = set_of(&shown.err);
    let done = in_folder(&[&list[..], &["--set", &set, "--wait", "--timeout", "110"]].concat()).await;
    assert_eq!(done.code, 0, "{done:?}");
    // One of the daemon's that the caller may not read is read for nobody.
    let kept = site.installation.path("kept");
    std::fs::write(&kept, "username:user03\n").unwrap();
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    let kept = kept.display().to_string();
    let refused = in_folder(&["revoke", "--from", &kept, "--reason", "departed"]).await;
    assert!(refused.code == 1 && refused.err.contains("Permission denied"), "{refused:?}");
    // Nor by a request that no command made.
    for words in [
        json!(["revoke", "--from", kept, "--reason", "departed"]),
        json!(["case", "report", "1", "--out", "/tmp/report"]),
        json!(["trail", "verify", "--anchor", kept]),
        json!(["policy", "replay", "--with", kept]),
        json!(["status", "--config", kept]),
        json!(["status", "--store", kept]),
    ] {
        let answer = site
            .by_socket(Role::Admin, Method::POST, "/api/v1/commands", Some(json!({ "words": words })))
            .await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{words}: {answer:?}");
    }
    // A credential on standard input goes the same way, and stands nowhere.
    let mut leaked = site
        .installation
        .command_as(requester, &["leaked", "--target", "chat", "--wait", "--timeout", "110"]);
    let mut leaked = leaked
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let value = "wrong-and-secret-0123456789";
    tokio::io::AsyncWriteExt::write_all(&mut leaked.stdin.take().unwrap(), value.as_bytes())
        .await
        .unwrap();
    let leaked = CommandOutput::of(leaked.wait_with_output().await.unwrap());
    assert_eq!(leaked.code, 12, "{leaked:?}");
    site.running.stop().await;
    assert!(!site.installation.log().contains(value));
}

#[tokio::test]
async fn a_command_ends_with_its_caller_and_with_the_daemon_and_one_account_has_four() {
    if !is_root() {
        return;
    }
    let mut site = Site::new().await;
    // As after an upgrade: the file of the program that the daemon is has been taken away.
    site.running.stop().await;
    let gone = site.installation.path("revoked");
    std::fs::copy(env!("CARGO_BIN_EXE_revoked"), &gone).unwrap();
    let mut command = Command::new(&gone);
    command
        .args(["run", "--config"])
        .arg(site.installation.config())
        .stdin(Stdio::null())
        .kill_on_drop(true);
    site.running = site.installation.start_by(command).await;
    std::fs::remove_file(&gone).unwrap();
    site.open_to_groups();
    let viewer = (DAEMON, group(Role::Viewer));
    let alone = |what: &'static str| {
        let pid = site.running.pid();
        async move { until(what, async || (children_of(pid) == 0).then_some(())).await }
    };
    let mut watching = site.watching(viewer).await;
    watching.kill().await.unwrap();
    alone("the end of what nobody reads").await;
    let mut several = Vec::new();
    for _ in 0..4 {
        several.push(site.watching(viewer).await);
    }
    let asked = json!({ "words": ["status"] });
    // The test is root: an account of its own.
    let other = site
        .by_socket(Role::Viewer, Method::POST, "/api/v1/commands", Some(asked))
        .await;
    assert!(
        other.status == StatusCode::OK && other.text.ends_with("{\"exit\":0}\n"),
        "{other:?}"
    );
    // A fifth of the same account waits for one of the four.
    let mut fifth = site.installation.command_as(viewer, &["status"]);
    let mut fifth = fifth.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = tokio::io::BufReader::new(fifth.stderr.take().unwrap());
    tokio::io::AsyncBufReadExt::read_line(&mut stderr, &mut said).await.unwrap();
    assert!(said.contains("4 commands of this account run already"), "{said}");
    several.pop().unwrap().kill().await.unwrap();
    assert_eq!(fifth.wait().await.unwrap().code(), Some(0));
    // The daemon stops, and they with it.
    let mut last = several.pop().unwrap();
    site.running.stop().await;
    assert_eq!(last.wait().await.unwrap().code(), Some(1));
}

#[tokio::test]
async fn who_has_no_role_is_told_which_groups_have_one_and_nobody_is_believed_who_is_not_the_daemon() {
    if !is_root() {
        return;
    }
    let site = Site::new().await;
    site.open_to_groups();
    let told = site.installation.says_as((GAMES, NO_ROLE), &["status"]).await;
    assert!(told.code == 3 && told.err.contains("viewer: #61001"), "{told:?}");
    // Nobody may enter the folder at all.
    let sockets = site.installation.path("sockets");
    std::fs::set_permissions(&sockets, std::fs::Permissions::from_mode(0o700)).unwrap();
    let told = site.installation.says_as((GAMES, NO_ROLE), &["status"]).await;
    assert!(told.code == 3 && told.err.contains("this account may not enter"), "{told:?}");
    // The word of the daemon is no variable, no input and no socket of somebody else's.
    let forged = async |input: Stdio| {
        let mut command = site.installation.command_as((GAMES, NO_ROLE), &["status"]);
        command.env("REVOKED_HANDED", "1").stdin(input);
        CommandOutput::of(command.output().await.unwrap())
    };
    let (theirs, mut ours) = UnixStream::pair().unwrap();
    let head = json!({ "operator": "operator:root(0)", "typed": [], "file": null, "width": null, "ascii": false, "zone": null })
        .to_string();
    let mut bytes = u32::try_from(head.len()).unwrap().to_be_bytes().to_vec();
    bytes.extend(head.into_bytes());
    std::io::Write::write_all(&mut ours, &bytes).unwrap();
    for input in [Stdio::null(), Stdio::piped(), Stdio::from(std::os::fd::OwnedFd::from(theirs))] {
        let refused = forged(input).await;
        assert!(
            refused.code == 2 && refused.err.contains("this was not started by it"),
            "{refused:?}"
        );
    }
    // Over the network nobody runs a command.
    let bearer = format!("Bearer {}", site.token(Role::Admin).await);
    let asked = json!({ "words": ["status"] });
    let refused = site
        .by_network(&[("authorization", &bearer)], Method::POST, "/api/v1/commands", Some(asked))
        .await;
    assert!(
        refused.status == StatusCode::FORBIDDEN && refused.text.contains("at the host alone"),
        "{refused:?}"
    );
    site.running.stop().await;
}
