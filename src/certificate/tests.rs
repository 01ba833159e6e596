//! Certificates of `openssl`, read and judged.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use tempfile::TempDir;

use super::*;
use crate::clock::Clock;
use crate::secret::SecretSource;

/// A folder with `console.pem` for `host`, good for 40 days from now, and `console.key`.
pub(crate) fn self_signed(host: &str) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    sign(folder.path(), host);
    folder
}

fn sign(folder: &Path, host: &str) {
    let name = format!("subjectAltName=DNS:{host},IP:127.0.0.1,IP:::1");
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"])
        .args(["-nodes", "-days", "40", "-subj", "/CN=console", "-addext", &name])
        .args(["-keyout", "console.key", "-out", "console.pem"])
        .current_dir(folder)
        .output()
        .unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

fn files(folder: &Path) -> Files {
    Files {
        certificate: folder.join("console.pem"),
        key: SecretSource::File(folder.join("console.key")),
    }
}

const DAY: Duration = Duration::from_hours(24);

#[test]
fn a_certificate_is_judged_by_its_time_and_its_names() {
    let folder = self_signed("console.example.test");
    let leaf = files(folder.path()).leaf().unwrap();
    let now = Clock::system().now();
    for host in [
        "console.example.test",
        "console.example.test:8444",
        "127.0.0.1:8444",
        "[::1]:8444",
        "[::1]",
    ] {
        assert_eq!(leaf.fault(now, host), None, "{host}");
    }
    for host in [
        "example.test",
        "other.console.example.test",
        "127.0.0.2",
        "[::2]:1",
        "",
        "a b",
    ] {
        let fault = leaf.fault(now, host).unwrap();
        assert!(fault.starts_with("it is not for "), "{fault}");
    }
    assert!(leaf.fault_of_time(now.minus(DAY)).unwrap().starts_with("it is good from "));
    assert!(
        leaf.fault_of_time(now.plus(DAY * 41))
            .unwrap()
            .starts_with("it has expired on ")
    );
    // A quarter of 40 days before its end.
    let ahead = leaf.until().since(leaf.renewed_by());
    assert!(ahead <= DAY * 10 && ahead > DAY * 9, "{ahead:?}");
}

#[test]
fn a_renewed_certificate_is_shown_once_its_pair_is_whole_and_never_a_worse_one() {
    let folder = self_signed("console.example.test");
    let shown = Shown::read(files(folder.path()), "console.example.test".to_owned()).unwrap();
    let (first, now) = (shown.leaf(), Clock::system().now());
    assert_eq!(shown.renew(now).unwrap(), Renewal::Unchanged);
    // The certificate is written, its key not yet.
    let key = std::fs::read(folder.path().join("console.key")).unwrap();
    sign(folder.path(), "console.example.test");
    let new = std::fs::read(folder.path().join("console.key")).unwrap();
    std::fs::write(folder.path().join("console.key"), key).unwrap();
    assert!(matches!(shown.renew(now), Err(Unusable::Key(_))));
    assert_eq!(shown.leaf(), first);
    std::fs::write(folder.path().join("console.key"), new).unwrap();
    assert_eq!(shown.renew(now).unwrap(), Renewal::Renewed);
    let second = shown.leaf();
    assert_ne!(second, first);
    // For another host.
    sign(folder.path(), "other.example.test");
    let error = shown.renew(now).unwrap_err().to_string();
    assert!(error.contains("is worse: it is not for console.example.test"), "{error}");
    assert_eq!(shown.leaf(), second);
    // Where the one before is no good any more either, nothing is lost by it.
    assert_eq!(shown.renew(now.plus(DAY * 50)).unwrap(), Renewal::Renewed);
}
