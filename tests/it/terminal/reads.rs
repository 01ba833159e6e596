//! What people read leaves an entry, by whatever they read it.

use serde_json::Value;

use crate::harness::{Installation, InstallationPlan};

async fn recorded(site: &Installation) -> Vec<Value> {
    let said = site.says(&["trail", "export"]).await;
    let entries = said.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    entries.filter(|entry| entry["kind"] == "people.read").collect()
}

#[tokio::test]
async fn what_shows_people_is_recorded_and_a_look_at_a_copy_is_not() {
    let site = Installation::new(InstallationPlan::default()).await;
    let running = site.start().await;
    for n in 1..=5 {
        site.revoke(&format!("username:user0{n}"), "compromised", &[]).await;
    }
    let copy = site.path("copy.db");
    let copy = copy.to_str().unwrap();
    for (args, with) in [
        (&["case", "report", "1"][..], "case report"),
        (&["person", "report", "username:user02"], "person report"),
        (&["case", "show", "3"], "case show"),
        (&["find", "user04"], "find"),
        (&["backup", copy], "backup"),
    ] {
        let before = recorded(&site).await.len();
        for _ in 0..2 {
            let said = site.says(args).await;
            assert!(said.code == 0 || with == "backup", "{said:?}");
        }
        let after = recorded(&site).await;
        assert_eq!(after.len(), before + 1, "{args:?}: {after:#?}");
        let last = after.last().unwrap();
        assert_eq!(last["detail"]["with"], with);
        assert!(last["actor"].as_str().unwrap().starts_with("operator:"), "{last}");
        let person = last["subject_ref"].as_str().unwrap_or_default();
        assert_eq!(person.starts_with("s_"), with != "backup", "{last}");
        assert!(!last.to_string().contains("user0"), "{last}");
    }
    let me = site
        .says(&["trail", "show", "--kind", "people.read", "--operator", &login(), "--json"])
        .await;
    assert_eq!(me.out.lines().count(), 5, "{me:?}");
    running.stop().await;
    // What lies apart is evidence, and stays as it is.
    let of_copy = ["trail", "export", "--store", copy];
    let before = site.says(&of_copy).await.out;
    let said = site.says(&["case", "report", "5", "--store", copy]).await;
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(site.says(&of_copy).await.out, before);
}

/// The login of whoever runs the test.
fn login() -> String {
    revoked::passwd::login(rustix::process::getuid().as_raw()).unwrap()
}
