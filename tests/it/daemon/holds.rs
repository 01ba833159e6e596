//! What waits for a human: protected people, our own account, and the decision about exactly what was shown.

use serde_json::Value;

use super::{CommandOutput, Installation, InstallationPlan};
use crate::harness::chat_holdings::{Holdings, changes};

async fn guarded() -> Installation {
    Installation::new(InstallationPlan {
        policy: "compromises_per_minute = \"unlimited\"\nprotected = [\"email:user02@example.test\"]",
        ..InstallationPlan::default()
    })
    .await
}

fn held(said: &CommandOutput) -> String {
    assert_eq!(said.code, 14, "{said:?}");
    let case = &said.json()["case"];
    assert_eq!(case["state"], "held");
    case["hold"].to_string()
}

impl Installation {
    /// Waits for a case's end.
    pub(crate) async fn closed(&self, case: &Value) -> Value {
        let number = case.to_string();
        super::until("a case's end", async || {
            let detail = self.ask(&["case", "show", &number]).await;
            let state = detail["case"]["state"].as_str().unwrap();
            (state != "open" && state != "held").then_some(detail)
        })
        .await
    }
}

#[tokio::test]
async fn a_protected_person_is_held_and_only_the_set_that_was_shown_is_let_go() {
    let site = guarded().await;
    let _running = site.start().await;
    let before = Holdings::of(site.chat(), "user02");
    let said = site.revoke("User02@example.test", "departed", &[]).await;
    let hold = held(&said);
    assert_eq!(Holdings::of(site.chat(), "user02"), before);
    assert!(changes(site.chat()).is_empty());
    assert_eq!(site.alerts().await, ["hold"]);

    let shown = site.ask(&["hold", "show", &hold]).await;
    assert_eq!(shown["cases"].as_array().unwrap().len(), 1, "{shown:#}");
    let refused = site.says(&["hold", "approve", &hold, "--set", "0000000000000000"]).await;
    assert!(refused.code == 1 && refused.err.contains("look at it again"), "{refused:?}");
    assert_eq!(Holdings::of(site.chat(), "user02"), before);

    let set = shown["set"].as_str().unwrap();
    let approved = site
        .says(&["hold", "approve", &hold, "--set", set, "--note", "confirmed with HR"])
        .await;
    assert_eq!(approved.code, 0, "{approved:?}");
    let detail = site.closed(&said.json()["case"]["id"]).await;
    assert_eq!(detail["case"]["verdict"], "contained", "{detail:#}");
    assert!(Holdings::of(site.chat(), "user02").is_out());
    assert!(site.alerts().await.is_empty());
    let trail = site.says(&["trail", "show", "--kind", "hold.", "--json"]).await.out;
    let approval = trail.lines().find(|line| line.contains("hold.approved")).unwrap();
    assert!(
        approval.contains("operator:") && approval.contains("confirmed with HR") && approval.contains(set),
        "{approval}"
    );
    let again = site.says(&["hold", "reject", &hold, "--yes", "--note", "too late"]).await;
    assert!(again.code == 1 && again.err.contains("was approved by"), "{again:?}");
}

#[tokio::test]
async fn a_rejected_hold_cancels_its_case_and_nothing_is_done() {
    let site = guarded().await;
    let _running = site.start().await;
    let before = Holdings::of(site.chat(), "user02");
    let said = site.revoke("user02@example.test", "compromised", &["--all-sessions"]).await;
    let hold = held(&said);
    let rejected = site.says(&["hold", "reject", &hold, "--yes", "--note", "a test"]).await;
    assert_eq!(rejected.code, 0, "{rejected:?}");
    let detail = site.closed(&said.json()["case"]["id"]).await;
    assert_eq!(detail["case"]["state"], "cancelled");
    assert_eq!(detail["jobs"][0]["state"], "cancelled");
    assert_eq!(Holdings::of(site.chat(), "user02"), before);
    assert!(changes(site.chat()).is_empty());
    assert!(site.alerts().await.is_empty());
}

#[tokio::test]
async fn a_protected_person_is_held_under_every_other_name_too() {
    let site = guarded().await;
    let _running = site.start().await;
    let before = Holdings::of(site.chat(), "user02");
    for subject in ["username:user02", "username:@USER02", &format!("id:{}", before.id)] {
        let hold = held(&site.revoke(subject, "departed", &[]).await);
        let shown = site.ask(&["hold", "show", &hold]).await;
        let detail = shown["hold"]["detail"].as_str().unwrap();
        assert!(detail.contains("protected") && !detail.contains("user02"), "{detail}");
    }
    assert_eq!(Holdings::of(site.chat(), "user02"), before);
    assert!(changes(site.chat()).is_empty());
}

#[tokio::test]
async fn our_own_account_is_never_acted_on_and_no_approval_that_could_only_fail_is_offered() {
    let site = guarded().await;
    let _running = site.start().await;
    let said = site.revoke("username:revoked-operator", "departed", &[]).await;
    assert_eq!(said.code, 13, "{said:?}");
    let detail = said.json();
    assert_eq!(detail["case"]["verdict"], "failed", "{detail:#}");
    let said = detail.to_string();
    assert!(said.contains("the account that revoked itself uses"), "{detail:#}");
    assert!(site.ask(&["hold", "list"]).await.as_array().unwrap().is_empty());
    assert!(changes(site.chat()).is_empty());
    let operator = Holdings::of(site.chat(), "revoked-operator");
    assert!(operator.active && operator.tokens.len() == 1);
}

#[tokio::test]
async fn what_goes_over_a_limit_of_compromises_waits_and_departures_go_on() {
    let site = Installation::new(InstallationPlan {
        policy: "",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    site.ask_for(1..=6, "compromised").await;
    site.ask_for(8..=9, "departed").await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 7)
        .await;
    site.until_count("SELECT count(*) FROM cases WHERE state = 'held'", 1).await;
    assert!(!Holdings::of(site.chat(), "user06").is_out());
    assert_eq!(site.alerts().await, ["hold"]);
}

#[tokio::test]
async fn an_approval_of_a_number_does_not_answer_for_an_account_that_turns_out_to_be_protected() {
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = 1\nprotected = [\"username:user05\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let before = Holdings::of(site.chat(), "user05");
    site.ask_for(3..=3, "compromised").await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    // By an address, of which nobody knows yet whose account it is.
    let asked = site.revoke("user05@example.test", "compromised", &[]).await;
    let limit = held(&asked);
    let shown = site.ask(&["hold", "show", &limit]).await;
    assert_eq!(shown["hold"]["why"], "compromises_limit", "{shown:#}");
    let set = shown["set"].as_str().unwrap();
    let approved = site
        .says(&["hold", "approve", &limit, "--set", set, "--note", "two phish in a minute"])
        .await;
    assert_eq!(approved.code, 0, "{approved:?}");
    site.until_count("SELECT count(*) FROM hold WHERE state = 'open' AND why = 'principal'", 1)
        .await;
    assert_eq!(Holdings::of(site.chat(), "user05"), before, "it was touched");

    let holds = site.ask(&["hold", "list"]).await;
    let hold = holds[0]["id"].to_string();
    assert!(holds[0]["detail"].as_str().unwrap().contains("protected"), "{holds:#}");
    let set = site.ask(&["hold", "show", &hold]).await["set"].as_str().unwrap().to_owned();
    let approved = site
        .says(&["hold", "approve", &hold, "--set", &set, "--note", "it is really theirs"])
        .await;
    assert_eq!(approved.code, 0, "{approved:?}");
    let detail = site.closed(&asked.json()["case"]["id"]).await;
    assert_eq!(detail["case"]["verdict"], "contained", "{detail:#}");
}

#[tokio::test]
async fn the_report_of_a_case_tells_no_decision_about_the_others_of_its_hold() {
    let site = Installation::new(InstallationPlan {
        policy: "compromises_per_minute = \"unlimited\"\nprotected = [\"email:user02@example.test\", \"email:user03@example.test\"]",
        ..InstallationPlan::default()
    })
    .await;
    let _running = site.start().await;
    let (first, second) = (
        site.revoke("user02@example.test", "compromised", &[]).await,
        site.revoke("user03@example.test", "compromised", &[]).await,
    );
    let hold = held(&first);
    assert_eq!(held(&second), hold);
    let case = |said: &CommandOutput| said.json()["case"]["id"].to_string();
    let (first, second) = (case(&first), case(&second));
    let part = site.ask(&["hold", "show", &hold, "--except", &second]).await;
    let set = part["set"].as_str().unwrap();
    let approve = [
        "hold", "approve", &hold, "--except", &second, "--set", set, "--note", "phished",
    ];
    let approved = site.says(&approve).await;
    assert_eq!(approved.code, 0, "{approved:?}");
    let rest = ["hold", "reject", &hold, "--yes", "--note", "a drill"];
    let rejected = site.says(&rest).await;
    assert_eq!(rejected.code, 0, "{rejected:?}");
    site.closed(&first.parse().unwrap()).await;

    let report = site.says(&["case", "report", &first]).await.out;
    assert!(
        report.contains(&format!("approved this case alone of hold {hold}: `phished`")) && !report.contains("a drill"),
        "{report}"
    );
    let report = site.says(&["case", "report", &second]).await.out;
    assert!(
        report.contains(&format!("rejected hold {hold}: `a drill`")) && !report.contains("phished"),
        "{report}"
    );
}
