//! Resident memory of the daemon's own process: idle, and with a million jobs queued.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::table::Row;
use crate::{claim, figures, lane};

pub(crate) async fn measure() -> Vec<Row> {
    let idle = resident(0).await;
    let full = resident(1_000_000).await;
    vec![
        Row {
            what: figures::IDLE_MEMORY.to_owned(),
            measured: format!("{idle:.1} MB"),
            reference: "VmRSS after 5 s".to_owned(),
            goal: "below 25 MB".to_owned(),
            met: Some(idle < 25.0),
        },
        Row {
            what: figures::FULL_MEMORY.to_owned(),
            measured: format!("{full:.1} MB"),
            reference: "VmRSS after 5 s".to_owned(),
            goal: "below 60 MB".to_owned(),
            met: Some(full < 60.0),
        },
    ]
}

struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

async fn resident(queued: usize) -> f64 {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = lane::folder();
    let path = folder.path().join("revoked.db");
    let token = folder.path().join("token");
    std::fs::write(&token, "unused").unwrap();
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).unwrap();
    let config = folder.path().join("revoked.toml");
    let (path_text, token_text) = (path.display(), token.display());
    let text = format!(
        "[store]\npath = \"{path_text}\"\n[listen]\naddress = \"127.0.0.1:0\"\n[[target]]\nname = \"chat\"\nkind = \"mattermost\"\n\
         url = \"http://127.0.0.1:9\"\ntoken = {{ file = \"{token_text}\" }}\n"
    );
    std::fs::write(&config, text).unwrap();
    if queued > 0 {
        // A trail that no key vouches for is refused, so the daemon makes the store.
        drop(started(&config, &folder.path().join("revoked.db.checkpoints")).await);
        claim::filled(&path, queued).await;
    }
    let daemon = started(&config, &path).await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    vm_rss(daemon.0.id())
}

/// Starts the daemon and waits for a file that it makes.
async fn started(config: &Path, made: &Path) -> Ended {
    let daemon = Command::new(env!("CARGO_BIN_EXE_revoked"))
        .args(["run", "--config"])
        .arg(config)
        .stderr(Stdio::null())
        .spawn()
        .map(Ended)
        .unwrap();
    let began = Instant::now();
    while !made.exists() && began.elapsed() < Duration::from_secs(30) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    daemon
}

fn vm_rss(pid: u32) -> f64 {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmRSS:"))
        .expect("the daemon runs");
    let kb: f64 = line.split_whitespace().nth(1).unwrap().parse().unwrap();
    kb / 1024.0
}
