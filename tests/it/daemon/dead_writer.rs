//! A writer that ends: the file system does not take a commit, and nobody knows what became of it.

use std::path::PathBuf;

use rustix::process::{Pid, Resource, Rlimit, prlimit};
use tokio::process::Command;

use super::Installation;
use super::InstallationPlan;
use crate::harness::identity_provider::{self, Idp};

/// What a daemon says that ends with its writer.
const WHY: &str = "the store's writer has ended";

/// The start of a daemon that is told of a file that may not grow by an error, and not by a signal that ends it: as under a limit of
/// systemd's or of a quota.
fn told_by_an_error(site: &Installation) -> Command {
    let plain = site.command(&["run"]);
    let mut command = Command::new("sh");
    command
        .args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\""])
        .arg(plain.as_std().get_program())
        .args(plain.as_std().get_args())
        .kill_on_drop(true);
    command
}

/// The log of the database: the largest file that the daemon writes to.
fn log_of(site: &Installation) -> PathBuf {
    let mut log = site.store().into_os_string();
    log.push("-wal");
    log.into()
}

#[tokio::test]
async fn a_daemon_whose_writer_has_ended_exits_with_one_and_its_name_and_nothing_that_was_acknowledged_is_lost() {
    let site = Installation::new(InstallationPlan {
        more: identity_provider::SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let idp = Idp::new(&site);
    let running = site.start_by(told_by_an_error(&site)).await;
    let push = async |person: usize| {
        let token = idp.token(&format!("jti-{person}"), &format!("user{person:02}@example.test"));
        running.push(&token).await.map_or(0, |answer| answer.status().as_u16())
    };
    assert_eq!(push(1).await, 202);
    let length = std::fs::metadata(log_of(&site)).unwrap().len();
    let pid = Pid::from_raw(i32::try_from(running.pid()).unwrap());
    let limit = Rlimit {
        current: Some(length),
        maximum: Some(length),
    };
    prlimit(pid, Resource::Fsize, limit).unwrap();
    let mut acknowledged = 1;
    for person in 2..40 {
        match push(person).await {
            202 => acknowledged += 1,
            // Neither yes nor no: whoever sent it sends it again.
            status => {
                assert!([503, 0].contains(&status), "{status}");
                break;
            }
        }
    }
    let status = running.ended().await;
    assert_eq!(status.code(), Some(1), "{}", site.log());
    assert!(site.log().contains(WHY) && !site.log().contains("panicked"), "{}", site.log());
    site.lost_none_of(acknowledged).await;
}

/// The one row without which nothing can be stored: every change is appended to the trail.
#[tokio::test]
async fn a_trail_whose_head_makes_no_sense_any_more_ends_the_daemon_and_no_other_starts_on_it() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    sqlx::query("UPDATE trail_head SET frontier = x'00'")
        .execute(&mut site.sql().await)
        .await
        .unwrap();
    // The next thing that is stored, whatever it is.
    site.says(&["revoke", "user01@example.test", "--reason", "departed"]).await;
    let status = running.ended().await;
    assert_eq!(status.code(), Some(1), "{}", site.log());
    assert!(site.log().contains(WHY) && !site.log().contains("panicked"), "{}", site.log());
    let said = site.says(&["run"]).await;
    assert_eq!(said.code, 3, "{said:?}");
    assert!(said.err.contains("trail"), "{said:?}");
}
