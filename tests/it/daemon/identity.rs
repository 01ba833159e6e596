//! Who is meant, end to end: names that are linked, names that contradict each other, and names that nobody has.

use serde_json::Value;

use super::{DaemonProcess, Installation, InstallationPlan};
use crate::harness::chat_holdings::{Holdings, changes};
use crate::harness::identity_provider::{self, Idp};

const ISSUER: &str = "https://idp.example.test";

async fn site(more: &'static str, policy: &'static str) -> (Installation, DaemonProcess) {
    let site = Installation::new(InstallationPlan {
        policy,
        more,
        ..InstallationPlan::default()
    })
    .await;
    let running = site.start().await;
    (site, running)
}

impl Installation {
    async fn does(&self, args: &[&str]) -> String {
        let said = self.says(args).await;
        assert_eq!(said.code, 0, "{said:?}");
        said.out
    }
}

#[tokio::test]
async fn a_name_that_no_target_knows_is_listed_and_a_link_has_it_done() {
    let (site, running) = site("", "compromises_per_minute = \"unlimited\"").await;
    let sub = format!("iss_sub:{ISSUER}#00u#1");
    let said = site.revoke(&sub, "compromised", &[]).await;
    assert_eq!(said.code, 13, "{said:?}");
    assert_eq!(site.alerts().await, ["unresolved"]);
    let listed = site.ask(&["subject", "unresolved"]).await;
    assert_eq!(listed["cases"][0]["subject"], sub.as_str());
    assert!(!Holdings::of(site.chat(), "user01").is_out());

    let linked = site.ask(&["subject", "link", &sub, "user01@example.test"]).await;
    assert_eq!(linked["cases"], serde_json::json!([1]));
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").is_out());
    assert!(site.alerts().await.is_empty());
    assert!(
        site.ask(&["subject", "unresolved"]).await["cases"]
            .as_array()
            .unwrap()
            .is_empty()
    );

    let plan = site.says(&["revoke", &sub, "--reason", "departed", "--rehearse"]).await;
    assert!(plan.code == 0 && plan.out.contains("user01@example.test"), "{plan:?}");

    let shown = site.ask(&["subject", "show", "user01@example.test", "--ask"]).await;
    assert_eq!(shown["names"].as_array().unwrap().len(), 2);
    assert_eq!(shown["cases"][0]["verdict"], "contained");
    let id = site.chat().world().person("user01").unwrap().id.to_string();
    let accounts: Vec<&Value> = shown["targets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|target| &target["account"])
        .collect();
    assert_eq!(accounts, [&Value::Null, &Value::String(id)]);
    running.stop().await;
}

#[tokio::test]
async fn names_of_one_person_that_are_two_accounts_hold_a_departure_and_take_both_of_a_compromise() {
    let (site, running) = site("", "ambiguous = \"all\"").await;
    site.does(&[
        "subject",
        "link",
        "user01@example.test",
        "username:user02",
        "employee_id:4711",
    ])
    .await;
    let shown = site.ask(&["subject", "show", "employee_id:4711", "--ask"]).await;
    assert_eq!(shown["contradicted_at"], serde_json::json!(["chat"]));
    let held = site.revoke("employee_id:4711", "departed", &[]).await;
    assert_eq!(held.code, 14, "{held:?}");
    assert!(!Holdings::of(site.chat(), "user01").is_out() && !Holdings::of(site.chat(), "user02").is_out());
    let done = site.revoke("employee_id:4711", "compromised", &[]).await;
    assert_eq!(done.code, 0, "{done:?}");
    assert!(Holdings::of(site.chat(), "user01").is_out() && Holdings::of(site.chat(), "user02").is_out());
    running.stop().await;
}

#[tokio::test]
async fn a_file_of_people_is_linked_whole_or_not_at_all() {
    let (site, running) = site("", "").await;
    let file = site.path("people.csv");
    let path = file.display().to_string();
    std::fs::write(
        &file,
        "email,employee_id,username\nuser01@example.test,1,user01\nnobody,2,\nuser03@example.test,1,\n",
    )
    .unwrap();
    let said = site.says(&["subject", "import", &path]).await;
    assert_eq!(said.code, 1);
    assert!(
        said.err.contains("line 3: ") && said.err.contains("line 4: employee_id:1 stands in line 2"),
        "{said:?}"
    );
    assert!(
        site.ask(&["subject", "show", "employee_id:1"]).await["names"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    std::fs::write(&file, "email,employee_id\nuser01@example.test,1\nuser03@example.test,2\n").unwrap();
    assert!(site.does(&["subject", "import", &path, "--check"]).await.contains("2 people"));
    site.does(&["subject", "import", &path]).await;
    assert_eq!(site.revoke("employee_id:2", "compromised", &[]).await.code, 0);
    assert!(Holdings::of(site.chat(), "user03").is_out());
    site.does(&["subject", "unlink", "employee_id:1"]).await;
    assert_eq!(site.revoke("employee_id:1", "compromised", &[]).await.code, 13);
    assert!(!Holdings::of(site.chat(), "user01").is_out());
    running.stop().await;
}

#[tokio::test]
async fn three_sources_at_once_make_one_case_that_is_worked_on_once() {
    let site = Installation::new(InstallationPlan {
        more: identity_provider::SOURCE,
        ..InstallationPlan::default()
    })
    .await;
    let idp = Idp::new(&site);
    let running = site.start().await;
    let sub = format!("iss_sub:{ISSUER}#00u1");
    site.does(&["subject", "link", "user01@example.test", &sub, "employee_id:4711"])
        .await;
    let mut claims = Idp::claims("jti-1", "user01@example.test");
    claims["events"] = serde_json::json!({
        "https://schemas.openid.net/secevent/risc/event-type/account-disabled": { "reason": "hijacking" },
    });
    let token = idp.sign(&claims);
    // Paused until all three are in, so that none of them comes after the proof.
    site.does(&["target", "pause", "chat", "--note", "until all are in"]).await;
    running.until_paused().await;
    let (pushed, by_number, by_sub) = tokio::join!(
        running.push(&token),
        site.write("employee_id:4711", "compromised", Some("hr")),
        site.write(&sub, "compromised", Some("siem")),
    );
    assert_eq!(pushed.unwrap().status(), 202);
    by_number.unwrap();
    by_sub.unwrap();
    site.until_count("SELECT count(*) FROM signal WHERE case_id = 1", 3).await;
    site.does(&["target", "resume", "chat"]).await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 1);
    assert_eq!(site.count("SELECT count(*) FROM job").await, 1);
    assert!(Holdings::of(site.chat(), "user01").is_out());

    // The same town, and one report.
    let (other, alone) = self::site("", "").await;
    assert_eq!(other.revoke("user01@example.test", "compromised", &[]).await.code, 0);
    let sent = |site: &Installation| {
        let seen = changes(site.chat()).into_iter();
        let mut sent: Vec<(String, String)> = seen.map(|seen| (seen.method, seen.path)).collect();
        sent.sort();
        sent
    };
    assert_eq!(sent(&site), sent(&other), "three reports changed something else than one");
    alone.stop().await;
    running.stop().await;
}
