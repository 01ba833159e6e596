//! A disk that is full: a small tmpfs in a mount namespace of the daemon's own.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use tokio::process::Command;

use super::{CommandOutput, DaemonProcess, Installation, InstallationPlan, until};
use crate::harness::chat_holdings::Holdings;
use crate::harness::identity_provider::{self, Idp};

/// A daemon whose store lies on a disk of its own.
struct OnDisk {
    site: Installation,
    idp: Idp,
    running: DaemonProcess,
}

impl OnDisk {
    /// Starts it; `None` where this machine does not let us mount.
    async fn start() -> Option<Self> {
        let site = Installation::new(InstallationPlan {
            people: 60,
            store: "disk/revoked.db",
            more: identity_provider::SOURCE,
            ..InstallationPlan::default()
        })
        .await;
        let idp = Idp::new(&site);
        fs::create_dir(site.path("disk")).unwrap();
        let mount = |end: &str| {
            let script = format!("mount -t tmpfs -o size=4m,mode=700 none \"$1\" && shift && {end}");
            let mut command = Command::new("unshare");
            command.args(["-m", "sh", "-c", &script, "sh"]).arg(site.path("disk"));
            command.kill_on_drop(true);
            command
        };
        let tried = mount("nsenter -V").output().await;
        if !tried.is_ok_and(|tried| tried.status.success()) {
            // Past the test harness, which shows nothing of a test that passes.
            let why = "SKIPPED: a disk that is full needs root, unshare, nsenter and leave to mount a tmpfs";
            drop(writeln!(std::io::stderr(), "{why}"));
            return None;
        }
        let mut command = mount("exec \"$@\"");
        command
            .args([env!("CARGO_BIN_EXE_revoked"), "run", "--config"])
            .arg(site.config());
        let running = site.start_by(command).await;
        Some(Self { site, idp, running })
    }

    /// A file on the disk, as it is reached from outside the namespace.
    fn path(&self, name: &str) -> PathBuf {
        let inside = Path::new("proc").join(self.running.pid().to_string()).join("root");
        let disk = self.site.path("disk");
        Path::new("/").join(inside).join(disk.strip_prefix("/").unwrap()).join(name)
    }

    /// Runs a command of `revoked` where the disk is.
    async fn says(&self, args: &[&str]) -> CommandOutput {
        let mut command = Command::new("nsenter");
        command
            .args(["--mount", "--target", &self.running.pid().to_string(), "--"])
            .arg(env!("CARGO_BIN_EXE_revoked"))
            .args(args)
            .arg("--config")
            .arg(self.site.config())
            .kill_on_drop(true);
        CommandOutput::of(command.output().await.unwrap())
    }

    async fn status(&self, person: usize) -> u16 {
        let token = self
            .idp
            .token(&format!("jti-{person}"), &format!("user{person:02}@example.test"));
        self.running.push(&token).await.unwrap().status().as_u16()
    }

    async fn ready(&self) -> u16 {
        let answer = self.running.http.get(self.running.url("/readyz")).send().await.unwrap();
        answer.status().as_u16()
    }

    async fn cases(&self) -> Vec<serde_json::Value> {
        let said = self.says(&["case", "list", "--limit", "1000", "--json"]).await;
        said.done().as_array().unwrap().clone()
    }

    /// Writes until nothing more fits.
    fn fill(&self) {
        let mut filler = File::create(self.path("filler")).unwrap();
        for size in [64 << 10, 4096] {
            while filler.write_all(&vec![7; size]).is_ok() {}
        }
    }
}

#[tokio::test]
async fn a_full_disk_refuses_what_is_new_keeps_what_is_there_and_resumes_by_itself() {
    let Some(full) = OnDisk::start().await else { return };
    assert_eq!(full.status(1).await, 202);
    until("the first case", async || {
        full.cases()
            .await
            .iter()
            .all(|case| case["verdict"] == "contained")
            .then_some(())
    })
    .await;
    full.fill();
    // The log of the store may have some room of its own left.
    let mut acknowledged = vec![1];
    let mut refused = None;
    for person in 2..=60 {
        match full.status(person).await {
            202 => acknowledged.push(person),
            status => {
                assert_eq!(status, 503);
                refused = Some(person);
                break;
            }
        }
    }
    let refused = refused.expect("the disk was never full");
    assert_eq!(full.ready().await, 503);
    let said = full.says(&["revoke", "username:user60", "--reason", "departed"]).await;
    assert!(said.code == 1 && said.err.contains("disk"), "{said:?}");
    // What is there is kept and can be read.
    let kept = full.cases().await;
    assert_eq!(kept.len(), acknowledged.len());
    assert_eq!(kept.last().unwrap()["verdict"], "contained");

    fs::remove_file(full.path("filler")).unwrap();
    until("readiness", async || (full.ready().await == 200).then_some(())).await;
    assert_eq!(full.status(refused).await, 202);
    acknowledged.push(refused);
    until("all cases", async || {
        let cases = full.cases().await;
        (cases.len() == acknowledged.len() && cases.iter().all(|case| case["verdict"] == "contained")).then_some(())
    })
    .await;
    for person in &acknowledged {
        assert!(Holdings::of(full.site.chat(), &format!("user{person:02}")).is_out());
    }
    let report = full.says(&["trail", "verify", "--json"]).await.done();
    assert_eq!(report["verified"], true, "{report:#}");
    assert!(!full.site.log().contains("panicked"));
    full.running.stop().await;
}
