//! A disk that is full: a small tmpfs in a mount namespace of the daemon's own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use revoked_sandbox::{Effect, Fault};
use rustix::process::{Pid, Signal, kill_process};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::Instant;

use super::{BOUND, CommandOutput, DaemonProcess, Installation, InstallationPlan, until};
use crate::harness::chat_holdings::Holdings;
use crate::harness::identity_provider::{self, Idp};

/// An installation whose store lies on a disk of its own, as long as `holder` keeps the namespace in which that is mounted.
struct OnDisk {
    site: Installation,
    idp: Idp,
    holder: Child,
}

impl OnDisk {
    /// A disk of so many megabytes; `None` where this machine does not let us mount. What SQLite says without room, and what follows from it,
    /// is held by the tests of `store/file/room` there too.
    async fn of(megabytes: u32) -> Option<Self> {
        let site = Installation::new(InstallationPlan {
            people: 60,
            store: "disk/revoked.db",
            more: identity_provider::SOURCE,
            ..InstallationPlan::default()
        })
        .await;
        let idp = Idp::new(&site);
        fs::create_dir(site.path("disk")).unwrap();
        let script =
            format!("mount -t tmpfs -o size={megabytes}m,mode=700 none \"$1\" && nsenter -V && echo mounted && exec sleep 600");
        let mut command = Command::new("unshare");
        command.args(["-m", "sh", "-c", &script, "sh"]).arg(site.path("disk"));
        command.stdout(Stdio::piped()).kill_on_drop(true);
        let holder = command.spawn().ok();
        let mut said = String::new();
        if let Some(mut holder) = holder {
            let mut lines = BufReader::new(holder.stdout.take().unwrap()).lines();
            while let Some(line) = lines.next_line().await.unwrap() {
                if line == "mounted" {
                    return Some(Self { site, idp, holder });
                }
                said += &line;
            }
        }
        // Past the test harness, which shows nothing of a test that passes.
        let why = "SKIPPED: a disk that is full needs root, unshare, nsenter and leave to mount a tmpfs";
        drop(writeln!(std::io::stderr(), "{why}: {said}"));
        None
    }

    /// The start of a command where the disk is.
    fn nsenter(&self) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--mount", "--target", &self.holder.id().unwrap().to_string(), "--"])
            .arg(env!("CARGO_BIN_EXE_revoked"))
            .kill_on_drop(true);
        command
    }

    fn run(&self) -> Command {
        let mut command = self.nsenter();
        command.args(["run", "--config"]).arg(self.site.config());
        command
    }

    async fn start(&self) -> DaemonProcess {
        self.site.start_by(self.run()).await
    }

    /// A file on the disk, as it is reached from outside the namespace.
    fn path(&self, name: &str) -> PathBuf {
        let inside = Path::new("proc").join(self.holder.id().unwrap().to_string()).join("root");
        let disk = self.site.path("disk");
        Path::new("/").join(inside).join(disk.strip_prefix("/").unwrap()).join(name)
    }

    /// Runs a command of `revoked` where the disk is.
    async fn says(&self, args: &[&str]) -> CommandOutput {
        let mut command = self.nsenter();
        command.args(args).arg("--config").arg(self.site.config());
        CommandOutput::of(command.output().await.unwrap())
    }

    async fn push(&self, running: &DaemonProcess, person: usize) -> u16 {
        let token = self
            .idp
            .token(&format!("jti-{person}"), &format!("user{person:02}@example.test"));
        running.push(&token).await.unwrap().status().as_u16()
    }

    async fn cases(&self) -> Vec<serde_json::Value> {
        let said = self.says(&["case", "list", "--limit", "1000", "--json"]).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.rows().as_array().unwrap().clone()
    }

    async fn alerts(&self) -> Vec<String> {
        let alerts = self.says(&["alert", "list", "--json"]).await.rows();
        let kinds = alerts.as_array().unwrap().iter();
        kinds.map(|alert| alert["kind"].as_str().unwrap().to_owned()).collect()
    }

    /// Waits until so many cases are there, and each is contained.
    async fn until_contained(&self, count: usize) {
        until("all cases", async || {
            let cases = self.cases().await;
            (cases.len() == count && cases.iter().all(|case| case["verdict"] == "contained")).then_some(())
        })
        .await;
    }

    async fn verifies(&self) {
        let report = self.says(&["trail", "verify", "--json"]).await.done();
        assert_eq!(report["verified"], true, "{report:#}");
        assert!(!self.site.log().contains("panicked"));
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut filler = File::create(self.path("filler")).unwrap();
        for size in [64 << 10, 4096] {
            while filler.write_all(&vec![7; size]).is_ok() {}
        }
    }

    fn make_room(&self) {
        fs::remove_file(self.path("filler")).unwrap();
    }
}

async fn ready(running: &DaemonProcess) -> u16 {
    let answer = running.http.get(running.url("/readyz")).send().await.unwrap();
    answer.status().as_u16()
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_keeps_what_is_there_and_resumes_by_itself() {
    let Some(full) = OnDisk::of(4).await else { return };
    let running = full.start().await;
    assert_eq!(full.push(&running, 1).await, 202);
    full.until_contained(1).await;
    full.fill();
    // The log of the store may have some room of its own left.
    let mut acknowledged = vec![1];
    let mut refused = None;
    for person in 2..=60 {
        match full.push(&running, person).await {
            202 => acknowledged.push(person),
            status => {
                assert_eq!(status, 503);
                refused = Some(person);
                break;
            }
        }
    }
    let refused = refused.expect("the disk was never full");
    assert_eq!(ready(&running).await, 503);
    let said = full.says(&["revoke", "username:user60", "--reason", "departed"]).await;
    assert!(said.code == 1 && said.err.contains("disk"), "{said:?}");
    let status = full.says(&["status"]).await;
    assert!(status.code == 0 && status.out.contains("disk      full, "), "{status:?}");
    let checked = full.says(&["check"]).await;
    assert!(
        checked.code == 6
            && checked.out.contains("error: the disk under the store is full")
            && checked.out.contains("\nnot ready: "),
        "{checked:?}"
    );
    let monitored = full.says(&["status", "--exit-code"]).await;
    assert!(monitored.code == 7 && monitored.out.contains("df -h "), "{monitored:?}");
    // What is there is kept and can be read.
    let kept = full.cases().await;
    assert_eq!(kept.len(), acknowledged.len());
    assert_eq!(kept.last().unwrap()["verdict"], "contained");

    full.make_room();
    let since = Instant::now();
    until("readiness", async || (ready(&running).await == 200).then_some(())).await;
    assert_eq!(full.push(&running, refused).await, 202);
    assert!(
        since.elapsed() < Duration::from_secs(10),
        "it healed after {:?}",
        since.elapsed()
    );
    acknowledged.push(refused);
    full.until_contained(acknowledged.len()).await;
    for person in &acknowledged {
        assert!(Holdings::of(full.site.chat(), &format!("user{person:02}")).is_out());
    }
    until("the end of the alert", async || {
        let all = full.says(&["alert", "list", "--all", "--json"]).await.out;
        (all.contains("was full for ") && all.contains(" has room again")).then_some(())
    })
    .await;
    until("no alert", async || full.alerts().await.is_empty().then_some(())).await;
    full.verifies().await;
    running.stop().await;
}

#[tokio::test]
async fn a_stop_on_a_full_disk_takes_seconds_and_the_next_start_waits_for_room_and_knows_what_is_unknown() {
    let Some(full) = OnDisk::of(16).await else { return };
    let running = full.start().await;
    // Slow enough that the disk is full before it answers; the log has some room of its own for what the attempt writes before.
    let slow = Fault::on("POST", "/api/v4/users/*/sessions/revoke/all", Effect::Latency(3_000));
    full.site.chat().faults().add(slow);
    assert_eq!(full.push(&running, 1).await, 202);
    let hangs = full.site.chat().until(|_, requests| {
        let mut paths = requests.iter().map(|request| request.path.as_str());
        paths.any(|path| path.ends_with("/sessions/revoke/all"))
    });
    tokio::time::timeout(BOUND, hangs).await.unwrap();
    full.fill();
    let mut acknowledged = 1;
    // What is folded back of the log makes a little room in it, for a while.
    until("an end that cannot be written", async || {
        while acknowledged < 60 && full.push(&running, acknowledged + 1).await == 202 {
            acknowledged += 1;
        }
        full.site.log().contains("could not settle a job yet").then_some(())
    })
    .await;
    let since = Instant::now();
    running.terminate();
    assert!(running.ended().await.success());
    assert!(
        since.elapsed() < Duration::from_secs(20),
        "the stop took {:?}",
        since.elapsed()
    );

    // A start without room waits for it, and can be stopped meanwhile.
    for stopped in [true, false] {
        let before = full.site.log().len();
        let mut child = full.site.spawn_by(full.run());
        until("the wait for room", async || {
            assert!(child.try_wait().unwrap().is_none(), "{}", &full.site.log()[before..]);
            full.site.log()[before..]
                .contains("disk under the store is full")
                .then_some(())
        })
        .await;
        if stopped {
            let pid = Pid::from_raw(i32::try_from(child.id().unwrap()).unwrap()).unwrap();
            kill_process(pid, Signal::TERM).unwrap();
            let ended = tokio::time::timeout(Duration::from_secs(5), child.wait()).await.unwrap();
            assert!(ended.unwrap().success());
        } else {
            full.site.chat().faults().clear();
            full.make_room();
            full.until_contained(acknowledged).await;
            let entries = full.says(&["trail", "show", "--limit", "10000", "--json"]).await.out;
            assert!(
                entries.contains("\"action.unknown\"") && entries.contains("\"job.lease_expired\""),
                "{entries}"
            );
            full.verifies().await;
            child.kill().await.unwrap();
        }
    }
}
