//! A command that finds the store's write lock taken.

use std::process::Stdio;

use sqlx::Connection as _;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::time::timeout;

use super::{BOUND, Installation, InstallationPlan};

#[tokio::test]
async fn a_command_that_meets_the_write_lock_waits_and_says_so() {
    let site = Installation::new(InstallationPlan::default()).await;
    site.start().await.stop().await;
    let mut other = site.sql().await;
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let mut command = site.command(&["revoke", "username:user01", "--reason", "compromised", "--json"]);
    let mut asked = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut said = String::new();
    let mut stderr = BufReader::new(asked.stderr.take().unwrap());
    timeout(BOUND, stderr.read_line(&mut said)).await.unwrap().unwrap();
    assert_eq!(
        said,
        "revoked: another process holds the store's write lock: waiting for it, a minute at most\n"
    );
    lock.rollback().await.unwrap();
    let output = timeout(BOUND, asked.wait_with_output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(site.count("SELECT count(*) FROM inbox WHERE state = 'new'").await, 1);
}
