//! Departures over the life of an installation: missed, called off in time and too late, blocked, cancelled, moved by a zone's rules.

use serde_json::Value;
use sqlx::Executor as _;

use super::hr_departures::{day, with_hr};
use super::{Installation, until};
use crate::harness::chat_holdings::{Holdings, changes};

impl Installation {
    async fn change(&self, sql: &'static str) {
        self.sql().await.execute(sql).await.unwrap();
    }

    /// The only departure.
    async fn departure(&self) -> Value {
        let list = self.ask(&["departures", "list"]).await;
        assert_eq!(list.as_array().unwrap().len(), 1, "{list:#}");
        list[0].clone()
    }

    async fn until_departure(&self, state: &str) -> Value {
        until(&format!("a departure that is {state}"), async || {
            let list = self.ask(&["departures", "list", "--state", state]).await;
            list.get(0).cloned()
        })
        .await
    }
}

/// As if two days had gone by for everything that is planned for the day after tomorrow, two hours more for good measure.
const TWO_DAYS_LATER: &str = "
    UPDATE departure SET leaves = json_object('by', 'instant', 'at', strftime('%Y-%m-%dT%H:%M:%fZ', (acts_at - 188000000) / 1000.0, 'unixepoch')),
                         fire_at = acts_at - 188000000,
                         acts_at = acts_at - 188000000 WHERE state = 'planned';
    UPDATE job SET due = due - 188000000 WHERE state = 'scheduled';";

#[tokio::test]
async fn what_fell_due_while_the_daemon_was_down_is_done_at_its_start_late_and_flagged() {
    let site = with_hr().await;
    let running = site.start().await;
    // Today by UTC, at whatever hour this runs: that day ends last in Pago Pago.
    let leaves = format!("1,user01@example.test,{},Pacific/Pago_Pago,terminate\n", day(0));
    site.drop_file("one.csv", &leaves);
    let planned = site.until_departure("planned").await;
    assert_eq!(planned["late"], false);
    running.stop().await;
    assert!(Holdings::of(site.chat(), "user01").active);
    site.change(TWO_DAYS_LATER).await;
    let running = site.start().await;
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user01").active);
    let departure = site.departure().await;
    assert_eq!((&departure["state"], &departure["late"]), (&"executed".into(), &true.into()));
    assert_eq!(site.alerts().await, ["departed_late"]);
    let number = departure["id"].to_string();
    let shown = site.says(&["departures", "show", &number]).await;
    assert!(
        shown.code == 0
            && shown.out.contains("executed, late")
            && shown.out.contains("executed by daemon: ")
            // How late depends on the hour at which this runs.
            && (shown.out.contains(" h late") || shown.out.contains(" d late")),
        "{shown:?}"
    );
    let trail = site.says(&["trail", "show", "--kind", "departure.", "--json"]).await.out;
    let executed = trail.lines().find(|line| line.contains("departure.executed")).unwrap();
    assert!(executed.contains("\"late\":true"), "{executed}");

    // What has happened is neither cancelled by an operator nor undone by HR.
    let refused = site.says(&["departures", "cancel", &number, "--note", "a mistake"]).await;
    assert!(
        refused.code == 1 && refused.err.contains("was carried out at") && refused.err.contains("revoked release 1 undoes"),
        "{refused:?}"
    );
    site.drop_file("two.csv", "1,user01@example.test,,,rescind\n");
    site.until_count("SELECT count(*) FROM alert WHERE kind = 'rescinded_too_late'", 1)
        .await;
    assert!(!Holdings::of(site.chat(), "user01").active);
    assert_eq!(site.departure().await["state"], "executed");
    running.stop().await;
    assert_eq!(site.says(&["trail", "verify", "--json"]).await.done()["verified"], true);
}

#[tokio::test]
async fn terminated_called_off_and_terminated_again_in_the_same_words_is_planned_again_and_an_old_file_is_not() {
    let site = with_hr().await;
    let _running = site.start().await;
    let leaves = format!("1,user01@example.test,{},,terminate\n", day(2));
    site.drop_file("one.csv", &leaves);
    site.until_departure("planned").await;
    site.drop_file("two.csv", "1,user01@example.test,,,rescind\n");
    site.until_departure("rescinded").await;

    // The first file again, byte by byte: a repetition, whatever was said in between.
    site.drop_file("one-again.csv", &leaves);
    site.until_count("SELECT count(*) FROM batch", 3).await;
    assert_eq!(site.departure().await["state"], "rescinded");

    // The same row in another file is news.
    site.drop_file("three.csv", &format!("{leaves}2,user02@example.test,{},,terminate\n", day(3)));
    site.until_count("SELECT count(*) FROM departure WHERE state = 'planned'", 2)
        .await;

    // And so is nothing in a file that only repeats what stands.
    let signals = "SELECT count(*) FROM signal";
    let before = site.count(signals).await;
    site.drop_file("four.csv", &format!("2,user02@example.test,{},,terminate\n{leaves}", day(3)));
    site.until_count("SELECT count(*) FROM batch", 5).await;
    assert_eq!(site.count(signals).await, before);
    assert!(changes(site.chat()).is_empty());
}

#[tokio::test]
async fn a_file_that_tells_a_story_is_read_to_its_end_before_anything_is_done() {
    let site = with_hr().await;
    let _running = site.start().await;
    let yesterday = day(-1);
    site.drop_file(
        "story.csv",
        &format!(
            "1,user01@example.test,{yesterday},,terminate\n1,user01@example.test,,,rescind\n\
             2,user02@example.test,{yesterday},,terminate\n2,user02@example.test,,,rehire\n"
        ),
    );
    site.until_count("SELECT count(*) FROM batch", 1).await;
    site.until_count("SELECT count(*) FROM signal WHERE decision = 'ignore'", 2)
        .await;
    assert_eq!(site.count("SELECT count(*) FROM cases").await, 0);
    assert!(Holdings::of(site.chat(), "user01").active && Holdings::of(site.chat(), "user02").active);
}

#[tokio::test]
async fn who_changes_from_one_employment_to_another_keeps_their_access() {
    let site = with_hr().await;
    let _running = site.start().await;
    let text = format!(
        "employee_id,employment_id,email,last_working_day,action\n1,C1,user01@example.test,{},terminate\n1,E2,user01@example.test,,hire\n",
        day(-1)
    );
    std::fs::write(site.path("hr.tmp"), text).unwrap();
    std::fs::rename(site.path("hr.tmp"), site.path("hr").join("transfer.csv")).unwrap();
    let blocked = site.until_departure("blocked").await;
    assert_eq!(blocked["why"], "employment E2 has not ended");
    assert_eq!(site.alerts().await, ["hold"]);
    let list = site.says(&["departures", "list", "--person", "user01@example.test"]).await;
    assert!(
        list.out.contains("blocked") && list.out.contains("E2 has not ended"),
        "{list:?}"
    );
    assert_eq!(
        site.ask(&["departures", "list", "--person", "employee_id:2"]).await,
        serde_json::json!([])
    );
    assert!(Holdings::of(site.chat(), "user01").active);

    let number = blocked["id"].to_string();
    let said = site
        .says(&["departures", "cancel", &number, "--note", "a transfer, HR confirms"])
        .await;
    assert_eq!(said.code, 0, "{said:?}");
    let detail = site.ask(&["departures", "show", &number]).await;
    assert_eq!(
        (&detail["departure"]["state"], &detail["departure"]["why"]),
        (&"cancelled".into(), &"a transfer, HR confirms".into())
    );
    let end = detail["steps"].as_array().unwrap().last().unwrap();
    assert!(end["by"].as_str().unwrap().starts_with("operator:"), "{end}");
    assert!(site.alerts().await.is_empty(), "nothing waits any more");
    assert!(changes(site.chat()).is_empty());
}

#[tokio::test]
async fn a_plan_is_computed_again_when_the_rules_of_its_zone_have_changed() {
    let site = with_hr().await;
    let running = site.start().await;
    site.drop_file(
        "one.csv",
        &format!("1,user01@example.test,{},Australia/Lord_Howe,terminate\n", day(30)),
    );
    let planned = site.until_departure("planned").await;
    running.stop().await;
    // As the rules of last year's database would have computed it.
    site.change(
        "UPDATE departure SET fire_at = fire_at - 1800000, acts_at = acts_at - 1800000; UPDATE job SET due = due - 1800000 WHERE state = 'scheduled';",
    )
    .await;
    let _running = site.start().await;
    site.until_count("SELECT count(*) FROM departure_step WHERE what = 'changed'", 1)
        .await;
    let again = site.departure().await;
    assert_eq!(
        (&again["fire_at"], &again["acts_at"]),
        (&planned["fire_at"], &planned["acts_at"])
    );
    assert_eq!(
        site.count("SELECT count(*) FROM job j JOIN departure d ON d.case_id = j.case_id WHERE j.due = d.acts_at")
            .await,
        1
    );
    let local = again["local"].as_str().unwrap();
    assert!(
        local.contains("T00:00:00+1") && local.ends_with("[Australia/Lord_Howe]"),
        "{local}"
    );
}

#[tokio::test]
async fn who_is_out_and_stays_for_now_is_shown_as_suspended_until_the_release_after_which_nothing_says_so() {
    let site = with_hr().await;
    let _running = site.start().await;
    site.drop_file("one.csv", &format!("1,user01@example.test,{},,terminate\n", day(-1)));
    site.until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 1)
        .await;
    site.drop_file("two.csv", &format!("1,user01@example.test,{},,terminate\n", day(20)));
    let moved = site.until_departure("planned").await;
    assert_eq!(moved["suspended_by"], 1, "{moved:#}");
    assert_eq!(site.alerts().await, ["rescinded_too_late"]);
    for command in [&["departures", "list"] as &[&str], &["departures", "show", "1"]] {
        let said = site.says(command).await;
        assert!(
            said.out.contains("the account is suspended") && said.out.contains("revoked release 1"),
            "{said:?}"
        );
    }
    let answer = async || site.says(&["case", "show", "1"]).await.out.lines().last().unwrap().to_owned();
    let called_off = answer().await;
    assert!(
        called_off.starts_with("CALLED OFF user01@example.test at chat ")
            && called_off.contains("still suspended · revoked release 1"),
        "{called_off}"
    );

    let rehearsal = site.ask(&["release", "1"]).await;
    let set = rehearsal["set"].as_str().unwrap();
    let said = site.says(&["release", "1", "--set", set, "--note", "stays for now"]).await;
    assert_eq!(said.code, 0, "{said:?}");
    site.until_count("SELECT count(*) FROM job WHERE verdict = 'released'", 1)
        .await;
    assert!(Holdings::of(site.chat(), "user01").active);
    assert!(site.alerts().await.is_empty());
    let released = answer().await;
    assert!(
        released.starts_with("RELEASED user01@example.test at chat: the account is open again since "),
        "{released}"
    );
    let departure = site.departure().await;
    assert_eq!(
        (&departure["state"], departure.get("suspended_by")),
        (&"planned".into(), None)
    );
}
