//! The API as its description says it: valid for somebody else's reader, the one that is checked in, and kept whatever is sent.

use std::path::{Path, PathBuf};
use std::time::Duration;

use revoked::console::document;
use revoked::model::Role;
use tokio::process::Command;

use super::Site;

/// A program of the environment that `tests/run` installs; `None`, with a word, where it is not here.
pub(super) fn installed(program: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/console-checkers/bin")
        .join(program);
    if !path.exists() {
        use std::io::Write as _;
        // Past the test harness, which shows nothing of a test that passes.
        drop(writeln!(
            std::io::stderr(),
            "SKIPPED: {program} is not here; tests/run gets it"
        ));
        return None;
    }
    Some(path)
}

fn written() -> String {
    serde_json::to_string_pretty(&document()).unwrap() + "\n"
}

#[test]
fn the_description_that_is_checked_in_is_that_of_the_program() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(&path, written()).unwrap();
    }
    let kept = std::fs::read_to_string(path).unwrap();
    assert!(
        kept == written(),
        "docs/openapi.json is of another version: run this test with UPDATE_OPENAPI=1 and look at what changed"
    );
}

#[tokio::test]
async fn the_description_is_openapi_3_1() {
    let Some(validator) = installed("openapi-spec-validator") else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("openapi.json");
    std::fs::write(&path, written()).unwrap();
    let said = Command::new(validator)
        .args(["--schema", "3.1"])
        .arg(&path)
        .output()
        .await
        .unwrap();
    assert!(said.status.success(), "{said:?}");
}

/// Which names, targets and times there are is more than a schema can say, and what fits a schema may be too long for a query. Who is refused without a
/// token is asked of each route in `access`: here a caller whose tokens are all wrong is soon told to wait.
const SENT: &str = "
[checks.negative_data_rejection]
expected-statuses = [400, 401, 403, 404, 405, 406, 409, 411, 413, 414, 415, 422, 429]

[[operations]]
include-operation-id = [\"request_revocation\", \"end_leaked_credential\", \"rehearse_batch\", \"request_batch\", \"report_containment\", \"report_person\", \"hand_over\", \"show_person\", \"list_departures\", \"show_hold\", \"link_names\", \"unlink_name\", \"assign_case\", \"explain_policy\", \"erase_person\", \"show_rehearsed\"]
[operations.checks.positive_data_acceptance]
expected-statuses = [200, 202, 204, 400, 401, 403, 404, 409, 414, 422, 429]
";

/// Not the ending of tokens: it would end the token that is asked with.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_is_sent_is_answered_as_the_description_says() {
    let Some(schemathesis) = installed("schemathesis") else {
        return;
    };
    let site = Site::new().await;
    site.held().await;
    let token = site.token(Role::Admin).await;
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("schemathesis.toml"), SENT).unwrap();
    let asked = Command::new(schemathesis)
        .current_dir(folder.path())
        .arg("run")
        .arg(format!("{}/api/v1/openapi.json", site.origin()))
        .args(["-H", &format!("Authorization: Bearer {token}")])
        .args([
            "--seed",
            "1",
            "--max-examples",
            "40",
            "--exclude-checks",
            "ignored_auth",
            "--checks",
            "all",
            "--exclude-operation-id",
            "end_token",
            "--no-color",
        ])
        .env("HYPOTHESIS_STORAGE_DIRECTORY", folder.path())
        .env("NO_PROXY", "127.0.0.1")
        .kill_on_drop(true)
        .output();
    let said = tokio::time::timeout(Duration::from_mins(5), asked)
        .await
        .expect("it hangs")
        .unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stdout));
    site.running.stop().await;
}
