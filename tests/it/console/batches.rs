//! Batches by the API and on their page: paused, let go on, called off, reported, and asked for by pasting a list.

use http::{Method, StatusCode};
use revoked::model::Role;
use serde_json::{Value, json};

use super::page::field;
use super::{Answer, Site};
use crate::harness::until;

impl Site {
    async fn told(&self, role: Role, method: Method, path: &str, body: Option<Value>) -> Answer {
        self.by_socket(role, method, path, body).await
    }

    /// Asks for these people as one by the API, and answers the batch's id.
    pub(super) async fn batch(&self, people: &[&str]) -> String {
        let mut asked = json!({ "subjects": people, "reason": "compromised" });
        let path = "/api/v1/batches/rehearsal";
        let plan = self
            .told(Role::Requester, Method::POST, path, Some(asked.clone()))
            .await
            .json();
        asked["set"] = plan["set"].clone();
        let taken = self.told(Role::Requester, Method::POST, "/api/v1/batches", Some(asked)).await;
        assert_eq!(taken.status, StatusCode::ACCEPTED, "{taken:?}");
        taken.json()["batch"].as_str().unwrap().to_owned()
    }

    pub(super) async fn until_ended(&self, batch: &str, ended: i64) -> Value {
        until("the batch", async || {
            let shown = self
                .told(Role::Viewer, Method::GET, &format!("/api/v1/batches/{batch}"), None)
                .await
                .json();
            let open = shown["unfinished"].as_i64().unwrap() + shown["new"].as_i64().unwrap();
            (shown["people"].as_i64().unwrap() - open == ended).then_some(shown)
        })
        .await
    }

    /// Sends a form of a page, with what is typed into it.
    async fn send_form(&self, page: &str, path: &str, cookie: &str, typed: &[(&str, &str)]) -> Answer {
        let token = field(&self.page(page, cookie).await, "form");
        let mut fields = vec![("form", token.as_str())];
        fields.extend(typed);
        self.form(path, cookie, &fields).await
    }
}

#[tokio::test]
async fn a_batch_is_paused_by_the_api_goes_on_by_the_page_and_is_reported_in_both_forms() {
    let site = Site::new().await;
    site.installation
        .says(&["target", "pause", "chat", "--note", "for the test"])
        .await;
    site.running.until_paused().await;
    let batch = site.batch(&["username:user01", "username:user02", "username:user05"]).await;
    let path = format!("/api/v1/batches/{batch}");
    let why = || Some(json!({ "note": "is it the right list?" }));
    until("the cases", async || {
        let shown = site.told(Role::Viewer, Method::GET, &path, None).await.json();
        (shown["new"] == 0).then_some(())
    })
    .await;
    let early = site
        .told(Role::Requester, Method::POST, &format!("{path}/pause"), why())
        .await;
    assert_eq!(early.status, StatusCode::FORBIDDEN, "{early:?}");
    let paused = site.told(Role::Approver, Method::POST, &format!("{path}/pause"), why()).await;
    assert_eq!(
        paused.json(),
        json!({ "new": 0, "cases": 3, "go_on": 0, "at_work": 0 }),
        "{paused:?}"
    );
    let again = site.told(Role::Approver, Method::POST, &format!("{path}/pause"), why()).await;
    assert_eq!(again.status, StatusCode::CONFLICT, "{again:?}");
    site.installation.says(&["target", "resume", "chat"]).await;
    let listed = site.told(Role::Viewer, Method::GET, "/api/v1/batches", None).await.json();
    let first = &listed["items"][0];
    assert_eq!(
        (&first["batch"], &first["kept_back"], &first["held"], &first["paused"]["note"]),
        (&json!(batch), &json!(2), &json!(1), &json!("is it the right list?")),
        "{listed:#}"
    );

    // Whoever may only look sees no form; the approver lets it go on for a reason.
    let page = format!("/batches/{batch}");
    let viewer = site.signed_in(Role::Viewer).await;
    let seen = site.page(&page, &viewer).await;
    assert!(
        seen.contains("is it the right list?") && !seen.contains("/resumption"),
        "{seen}"
    );
    let cookie = site.signed_in(Role::Approver).await;
    let silent = site
        .send_form(&page, &format!("{page}/resumption"), &cookie, &[("note", " ")])
        .await;
    assert_eq!(silent.status, StatusCode::BAD_REQUEST, "{silent:?}");
    let foreign = site
        .form(&format!("{page}/resumption"), &cookie, &[("form", "0"), ("note", "x")])
        .await;
    assert_eq!(foreign.status, StatusCode::FORBIDDEN, "{foreign:?}");
    let on = site
        .send_form(&page, &format!("{page}/resumption"), &cookie, &[("note", "it is")])
        .await;
    assert_eq!(on.status, StatusCode::SEE_OTHER, "{on:?}");
    site.until_ended(&batch, 2).await;
    let seen = site.page(&page, &cookie).await;
    assert!(
        seen.contains("2 contained, 1 held") && seen.contains(">hold 1</a>") && seen.contains("role=\"img\""),
        "{seen}"
    );
    let held = seen.find("username:user05").unwrap();
    assert!(held < seen.find("username:user01").unwrap(), "who is held stands first");
    assert!(site.page("/", &cookie).await.contains(&format!("/batches/{batch}")));

    let report = format!("{path}/report");
    let told = site.told(Role::Viewer, Method::GET, &report, None).await;
    assert_eq!(told.json()["people"].as_array().unwrap().len(), 3, "{told:?}");
    let token = site.token(Role::Viewer).await;
    let bearer = format!("Bearer {token}");
    let by_accept = [("authorization", bearer.as_str()), ("accept", "text/csv, */*;q=0.1")];
    let sheet = site.by_network(&by_accept, Method::GET, &report, None).await;
    let by_query = site
        .told(Role::Viewer, Method::GET, &format!("{report}?format=csv"), None)
        .await;
    for sheet in [sheet, by_query] {
        assert_eq!(sheet.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(
            sheet.headers["content-disposition"],
            format!("attachment; filename=\"batch-{batch}.csv\"").as_str()
        );
        assert_eq!(sheet.headers["x-content-type-options"], "nosniff");
        assert_eq!(sheet.text.lines().count(), 4, "{sheet:?}");
        assert!(sheet.text.lines().nth(1).unwrap().contains("\"held\""), "{sheet:?}");
    }
    let off = site
        .send_form(
            &page,
            &format!("{page}/cancellation"),
            &cookie,
            &[("note", "the rest is wrong")],
        )
        .await;
    assert_eq!(off.status, StatusCode::SEE_OTHER, "{off:?}");
    let shown = site.until_ended(&batch, 3).await;
    assert_eq!(shown["held"], 0, "{shown:#}");
    site.running.stop().await;
}

#[tokio::test]
async fn a_list_is_pasted_shown_and_confirmed_by_its_number_on_the_page() {
    let site = Site::new().await;
    let cookie = site.signed_in(Role::Requester).await;
    let list = "username;why\r\nuser01;phish\r\nuser02;phish\r\nuser05;phish\r\nuser02;again\r\n";
    let shown = site
        .send_form(
            "/batches",
            "/batches/rehearsal",
            &cookie,
            &[("list", list), ("reason", "compromised"), ("note", "ticket 812")],
        )
        .await;
    assert_eq!(shown.status, StatusCode::OK, "{shown:?}");
    for said in [
        "<strong>3 people</strong>",
        "2 would be acted on at once",
        "1 protected",
        "1 named again",
    ] {
        assert!(shown.text.contains(said), "{said}: {}", shown.text);
    }
    assert_eq!(
        site.installation.count("SELECT count(*) FROM inbox").await,
        0,
        "what is shown is not done"
    );
    let hidden = |name: &str| field(&shown.text, name);
    let (form, set, people) = (hidden("form"), hidden("set"), hidden("list"));
    let confirm = async |set: &str, count: &str| {
        let fields = [
            ("form", form.as_str()),
            ("set", set),
            ("list", &people),
            ("reason", "compromised"),
            ("note", "ticket 812"),
            ("count", count),
        ];
        site.form("/batches", &cookie, &fields).await
    };
    assert_eq!(confirm(&set, "4").await.status, StatusCode::BAD_REQUEST);
    assert_eq!(confirm("0123456789abcdef", "3").await.status, StatusCode::CONFLICT);
    assert_eq!(site.installation.count("SELECT count(*) FROM inbox").await, 0);
    let taken = confirm(&set, "3").await;
    assert_eq!(taken.status, StatusCode::SEE_OTHER, "{taken:?}");
    let page = taken.headers["location"].to_str().unwrap().to_owned();
    site.until_ended(page.strip_prefix("/batches/").unwrap(), 2).await;
    let seen = site.page(&page, &cookie).await;
    assert!(seen.contains("ticket 812") && seen.contains("2 contained, 1 held"), "{seen}");
    let bad = site
        .send_form(
            "/batches",
            "/batches/rehearsal",
            &cookie,
            &[("list", "username:a\nb\n"), ("reason", "compromised")],
        )
        .await;
    assert!(
        bad.status == StatusCode::UNPROCESSABLE_ENTITY && bad.text.contains("line 2"),
        "{bad:?}"
    );
    site.running.stop().await;
}

#[tokio::test]
async fn a_rehearsal_foresees_the_limit_of_the_operator_and_the_list_waits_whole() {
    let site = Site::of(
        "compromises_per_minute = \"unlimited\"",
        "[]",
        "[[source]]\nname = \"inbox\"\nkind = \"inbox\"\ncompromises_per_operator = 2\n",
    )
    .await;
    let people = ["username:user01", "username:user02", "username:user03"];
    let asked = Some(json!({ "subjects": people, "reason": "compromised" }));
    let plan = site
        .told(Role::Requester, Method::POST, "/api/v1/batches/rehearsal", asked)
        .await
        .json();
    let why = plan["waits_whole"].as_str().unwrap();
    assert!(why.contains("one operator may ask for 2 compromises a minute"), "{plan:#}");
    let few = Some(json!({ "subjects": &people[..2], "reason": "compromised" }));
    let fits = site
        .told(Role::Requester, Method::POST, "/api/v1/batches/rehearsal", few)
        .await
        .json();
    assert!(fits["waits_whole"].is_null(), "{fits:#}");
    std::fs::write(site.installation.path("people"), people.join("\n")).unwrap();
    let file = site.installation.path("people").display().to_string();
    let shown = site
        .installation
        .says(&["revoke", "--from", &file, "--reason", "compromised"])
        .await;
    assert!(
        shown
            .out
            .contains("all of them would wait under one hold: one operator may ask for 2"),
        "{shown:?}"
    );
    let batch = site.batch(&people).await;
    let held = until("the hold", async || {
        let shown = site
            .told(Role::Viewer, Method::GET, &format!("/api/v1/batches/{batch}"), None)
            .await
            .json();
        (shown["held"] == 3).then_some(shown)
    })
    .await;
    assert_eq!(held["unfinished"], 3, "{held:#}");
    site.running.stop().await;
}

#[tokio::test]
async fn the_report_of_a_case_names_its_batch_by_the_entry_that_carries_it() {
    let site = Site::new().await;
    let batch = site.batch(&["username:user01", "username:user02"]).await;
    site.until_ended(&batch, 2).await;
    // Another program may call a list of its own whatever it likes.
    let rows = "INSERT INTO inbox (subject, reason, requested_by, set_key) VALUES \
                ('username:user03', 'compromised', 'soar', 'ann.smith@example.org'), ('username:user04', 'compromised', 'soar', 'ann.smith@example.org')";
    sqlx::query(rows).execute(&mut site.installation.sql().await).await.unwrap();
    site.installation
        .until_count("SELECT count(*) FROM cases WHERE verdict = 'contained'", 4)
        .await;
    let alone = site.installation.revoke("username:user08", "compromised", &[]).await;
    assert_eq!(alone.code, 0, "{alone:?}");

    let trail = site.installation.says(&["trail", "export"]).await.out;
    assert!(!trail.contains("ann.smith"), "{trail}");
    let entries: Vec<Value> = trail.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let row_of = async |case: i64| {
        let report = site
            .told(Role::Viewer, Method::GET, &format!("/api/v1/cases/{case}/report"), None)
            .await
            .json();
        let rows = report["ticket"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["what"] == "batch")
    };
    for case in [1, 2] {
        let row = row_of(case).await.unwrap();
        let is = row["is"].as_str().unwrap();
        assert!(is.starts_with(&format!("{batch}, number 1, asked for by operator:")), "{row}");
        let [seq] = &row["entries"].as_array().unwrap()[..] else {
            panic!("{row}")
        };
        let entry = entries.iter().find(|entry| entry["seq"] == *seq).unwrap();
        assert_eq!(
            (&entry["kind"], &entry["detail"]["list"], &entry["detail"]["batch"]),
            (&json!("signal.accepted"), &json!(batch), &json!(1)),
            "{entry}"
        );
    }
    assert_eq!(row_of(3).await.unwrap()["is"], "number 2 of source inbox");
    assert_eq!(row_of(5).await, None, "what was asked for alone is part of none");
    let markdown = site
        .told(Role::Viewer, Method::GET, "/api/v1/cases/1/report?format=markdown", None)
        .await
        .text;
    let page = site.told(Role::Viewer, Method::GET, "/cases/1/report", None).await.text;
    for text in [markdown, page] {
        assert!(text.contains(&batch), "{text}");
    }
    site.running.stop().await;
}
