//! Modes of files and folders: what others may write is refused, by the daemon and by `check` alike.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use tokio::process::Command;

use super::{Installation, InstallationPlan};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn set(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

#[tokio::test]
async fn what_others_may_write_is_refused_alike_with_the_command_that_mends_it() {
    // The keys are made beside the store.
    let plan = InstallationPlan {
        store: "data/revoked.db",
        ..InstallationPlan::default()
    };
    let site = Installation::new(plan).await;
    fs::create_dir(site.path("data")).unwrap();
    set(&site.path("data"), 0o750);
    let config = fs::read_to_string(site.config()).unwrap();
    let own_key = config.replace(&format!("key = {{ file = \"{}\" }}\n", site.path("trail-seed").display()), "");
    let own_anchor = own_key.replace(&format!("anchor = \"{}\"\n", site.path("outside/checkpoints").display()), "");
    assert!(own_anchor.len() < own_key.len() && own_key.len() < config.len());
    let transmitter = "[transmitter]\nissuer = \"https://revoked.example.test\"\n[[receiver]]\nname = \"idp\"\n\
         audience = \"https://idp.example.test\"\ndelivery = \"push\"\nendpoint = \"https://127.0.0.1:9/\"\n";
    fs::write(site.config(), format!("{own_anchor}\n{transmitter}")).unwrap();
    site.start().await.stop().await;

    for (name, modes, mend, code) in [
        ("data", &[0o777, 0o770, 0o757][..], "chmod go-w", 3),
        ("data/revoked.db", &[0o666, 0o602, 0o620], "chmod go-w", 3),
        ("data/revoked.db.lock", &[0o666, 0o620], "chmod go-w", 3),
        ("data/revoked.db.vkey", &[0o666], "chmod go-w", 3),
        ("data/revoked.db.checkpoints", &[0o666], "chmod go-w", 3),
        ("data/revoked.db.trail-key", &[0o644, 0o660, 0o602], "chmod 600", 3),
        ("data/revoked.db.transmitter-key", &[0o644], "chmod 600", 3),
        ("revoked.toml", &[0o666, 0o646], "chmod go-w", 2),
    ] {
        let path = site.path(name);
        let before = mode(&path);
        for loose in modes {
            set(&path, *loose);
            let text = format!("run {mend} {}", path.canonicalize().unwrap().display());
            for args in [&["run"][..], &["check", "--offline"]] {
                let said = site.says(args).await;
                assert!(
                    said.code == code && said.err.contains(&text),
                    "{name} {loose:o}: {args:?}: {said:?}"
                );
            }
            assert_eq!(mode(&path), *loose, "{name}: it is the operator's to mend");
        }
        set(&path, before);
        assert_eq!(site.says(&["check", "--offline"]).await.code, 0, "{name}");
    }
    site.start().await.stop().await;
}

#[tokio::test]
async fn lock_and_database_are_their_owners_whatever_the_umask_and_whatever_they_were() {
    let site = Installation::new(InstallationPlan::default()).await;
    let store = site.store().display().to_string();
    let run = |umask: &str| {
        let mut command = Command::new("sh");
        command.args([
            "-c",
            &format!("umask {umask}; exec \"$@\""),
            "sh",
            env!("CARGO_BIN_EXE_revoked"),
            "run",
        ]);
        command.arg("--config").arg(site.config()).kill_on_drop(true);
        command
    };
    for umask in ["000", "027", "277"] {
        let running = site.start_by(run(umask)).await;
        for name in ["", "-wal", "-shm", ".lock"] {
            let path = format!("{store}{name}");
            assert_eq!(mode(Path::new(&path)), 0o600, "{name} under {umask}");
        }
        running.kill().await;
        // Another program or an older version may have left them open to others.
        for name in ["", "-wal", "-shm", ".lock"] {
            set(Path::new(&format!("{store}{name}")), 0o644);
        }
    }
    let running = site.start().await;
    for name in ["", "-wal", "-shm", ".lock"] {
        assert_eq!(mode(Path::new(&format!("{store}{name}"))), 0o600, "{name}");
    }
    running.stop().await;
    assert_eq!(site.says(&["check", "--offline"]).await.code, 0);
}
