//! A departure is of a person, not of a record: several users of one person, one user made anew, and names that somebody else has by now.

use revoked::model::Reason;
use serde_json::json;

use super::*;

const X: &str = "user03@example.org";

impl Server {
    /// Makes an active user of that `userName`, with more members, and gives the path to it.
    async fn user(&self, called: &str, more: &Value) -> String {
        let mut user = json!({"userName": called, "active": true});
        for (name, value) in more.as_object().unwrap() {
            user[name.as_str()] = value.clone();
        }
        let made = self.post("/Users", &user).await;
        assert_eq!(made.status, 201, "{made:?}");
        format!("/Users/{}", made.body["id"].as_str().unwrap())
    }

    async fn active(&self, user: &str, active: bool) {
        let answer = self
            .patch(user, json!([{"op": "Replace", "path": "active", "value": active}]))
            .await;
        assert_eq!((answer.status, &answer.body["active"]), (200, &json!(active)));
    }

    async fn rename(&self, user: &str, called: &str) {
        let answer = self
            .patch(user, json!([{"op": "Replace", "path": "userName", "value": called}]))
            .await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }

    async fn decisions(&self) -> Vec<(Reason, String)> {
        let signals = self.signals().await.into_iter();
        signals.map(|signal| (signal.reason, signal.decision)).collect()
    }

    /// The open holds: the class, and how many cases wait under each.
    async fn holds(&self) -> Vec<(String, i64)> {
        let mut conn = self.sql().await;
        let rows = sqlx::query(
            "SELECT h.why, (SELECT count(*) FROM cases c WHERE c.hold = h.id AND c.state = 'held') FROM hold h WHERE h.state = 'open'",
        )
        .fetch_all(&mut conn)
        .await
        .unwrap();
        rows.iter().map(|row| (row.get(0), row.get(1))).collect()
    }
}

fn mail(address: &str) -> Value {
    json!({"emails": [{"value": address, "type": "work", "primary": true}]})
}

fn case(state: &str, subject: &str) -> (String, String, String) {
    (state.to_owned(), "departed".to_owned(), subject.to_owned())
}

fn departed(decision: &str) -> (Reason, String) {
    (Reason::Departed, decision.to_owned())
}

#[tokio::test]
async fn the_end_of_one_of_two_accounts_waits_and_the_end_of_the_last_is_the_departure() {
    let pinned = "issuer = \"https://org.okta.example\"\nexternal_id = \"sub\"\n";
    for (more, by_deletion) in [("", false), ("", true), (pinned, false)] {
        let server = Server::with(more).await;
        let everyday = json!({"externalId": "00u1", "emails": mail(X)["emails"]});
        let admin = json!({"externalId": "00u2", "emails": mail(X)["emails"]});
        let (everyday, admin) = (server.user(X, &everyday).await, server.user("adm-user03@example.org", &admin).await);
        if by_deletion {
            assert_eq!(server.ask("DELETE", &admin, "").await.status, 204);
        } else {
            server.active(&admin, false).await;
        }
        assert_eq!(server.decisions().await, [departed("hold")], "{more}");
        assert_eq!(server.holds().await, [("stays".to_owned(), 1)]);
        assert_eq!(server.count("SELECT count(*) FROM job WHERE state <> 'held'").await, 0);

        server.active(&everyday, false).await;
        assert_eq!(server.decisions().await, [departed("hold"), departed("act")]);
        assert!(server.holds().await.is_empty(), "nobody is to decide about what is being done");
        let states: Vec<String> = server.cases().await.into_iter().map(|(state, ..)| state).collect();
        assert_eq!(states, ["cancelled", "open"]);
        assert_eq!(server.count("SELECT count(*) FROM alert WHERE cleared_at IS NULL").await, 0);
    }
}

#[tokio::test]
async fn the_second_account_switched_on_again_ends_its_hold() {
    let server = Server::new().await;
    server.user(X, &json!({})).await;
    let admin = server.user("adm-user03", &mail(X)).await;
    server.active(&admin, false).await;
    server.active(&admin, true).await;
    assert!(server.holds().await.is_empty());
    assert_eq!(server.cases().await[0].0, "cancelled");
    // An account that is off already keeps nobody.
    let off = json!({"active": false, "emails": mail("other@example.org")["emails"]});
    server.user("off", &off).await;
    let other = server.user("other@example.org", &json!({})).await;
    server.active(&other, false).await;
    assert_eq!(server.decisions().await.last(), Some(&departed("act")));
}

#[tokio::test]
async fn two_people_with_two_hr_numbers_and_one_mailbox_are_two_people() {
    let server = Server::new().await;
    let person = |number: &str| {
        let mut more = mail("team@example.org");
        more[ENTERPRISE] = json!({"employeeNumber": number});
        more
    };
    let ann = server.user("ann", &person("1")).await;
    server.user("ben", &person("2")).await;
    server.active(&ann, false).await;
    assert_eq!(server.decisions().await, [departed("act")]);
    // The mailbox is Ben's too: to look for Ann by it would hit him.
    assert_eq!(server.signals().await[0].names, ["employee_id:1", "username:ann"]);
}

#[tokio::test]
async fn a_user_made_anew_has_not_left() {
    // Made first, and the old record deleted after.
    let server = Server::new().await;
    let old = server.user("maya.old@example.org", &json!({"externalId": "00u1"})).await;
    server.user("maya@example.org", &json!({"externalId": "00u1"})).await;
    assert_eq!(server.ask("DELETE", &old, "").await.status, 204);
    assert_eq!(server.decisions().await, [departed("ignore")]);
    assert!(server.cases().await.is_empty());

    // The old record deleted first, while its departure waits.
    for user in [
        json!({"externalId": "00u1"}),
        json!({"externalId": "00u1", (ENTERPRISE): {"employeeNumber": "4711"}, "emails": mail("maya.l@example.org")["emails"]}),
    ] {
        let server = Server::holding().await;
        let old = server.user("maya@example.org", &user).await;
        assert_eq!(server.ask("DELETE", &old, "").await.status, 204);
        assert_eq!(server.holds().await, [("departures_limit".to_owned(), 1)]);
        server.user("maya@example.org", &user).await;
        assert_eq!(server.cases().await[0].0, "cancelled", "{user}");
        assert!(server.holds().await.is_empty());
    }
}

#[tokio::test]
async fn somebody_who_is_back_under_the_same_hr_number_has_not_left_whatever_else_has_changed() {
    let server = Server::holding().await;
    let numbered = |address: &str| {
        let mut more = mail(address);
        more[ENTERPRISE] = json!({"employeeNumber": "4711"});
        more
    };
    let old = server.user("maya", &numbered("maya@example.org")).await;
    server.active(&old, false).await;
    server.user("maya.l", &numbered("maya.lindqvist@example.org")).await;
    assert_eq!(server.cases().await[0].0, "cancelled");
    assert!(server.holds().await.is_empty());
}

#[tokio::test]
async fn an_address_given_on_leaves_its_former_owner_at_once() {
    let server = Server::holding().await;
    let ann = server.user("ann", &mail(X)).await;
    server.active(&ann, false).await;
    assert_eq!(server.cases().await, [case("held", &format!("email:{X}"))]);
    server.user("ben", &mail(X)).await;
    // Ann is still known by her login name, and the hold offers nobody else.
    assert_eq!(server.cases().await, [case("held", "username:ann")]);
    assert_eq!(server.holds().await, [("departures_limit".to_owned(), 1)]);
    let linked = "SELECT count(*) FROM identity a JOIN identity b USING (person) WHERE a.name = 'email:user03@example.org' AND b.name = ";
    assert_eq!(server.count(Box::leak(format!("{linked}'username:ben'").into_boxed_str())).await, 1);
    assert_eq!(server.count(Box::leak(format!("{linked}'username:ann'").into_boxed_str())).await, 0);
    // And what is said of either from now on is about that one alone.
    let ann_again = server.ask("DELETE", &ann, "").await;
    assert_eq!(ann_again.status, 204);
    assert_eq!(server.signals().await.len(), 1, "her departure is known");
}

#[tokio::test]
async fn who_is_known_only_by_what_somebody_else_has_now_is_not_offered_at_all() {
    let server = Server::holding().await;
    let ann = server.user(X, &json!({})).await;
    server.active(&ann, false).await;
    assert_eq!(server.holds().await.len(), 1);
    server.user("ben", &mail(X)).await;
    assert_eq!(server.cases().await[0].0, "cancelled");
    assert!(server.holds().await.is_empty());
    assert_eq!(server.count("SELECT count(*) FROM alert WHERE cleared_at IS NULL").await, 0);
}

#[tokio::test]
async fn a_user_renamed_to_an_old_address_of_somebody_else_takes_it_and_nothing_more() {
    let server = Server::new().await;
    let ann = server.user(X, &json!({"nickName": "Ann"})).await;
    let ben = server.user("ben@example.org", &json!({})).await;
    server.rename(&ann, "ann@example.org").await;
    server.rename(&ben, X).await;
    server.active(&ann, false).await;
    let signals = server.signals().await;
    assert_eq!(signals[0].names, ["email:ann@example.org"]);
    let person = "SELECT group_concat(b.name, ' ') FROM identity a JOIN identity b USING (person) WHERE a.name = ";
    let mut conn = server.sql().await;
    let mut names = async |name: &str| -> String {
        let sql = format!("{person}'{name}'");
        sqlx::query_scalar(sqlx::AssertSqlSafe(sql)).fetch_one(&mut conn).await.unwrap()
    };
    assert_eq!(names("email:ann@example.org").await, "email:ann@example.org");
    assert_eq!(names(&format!("email:{X}")).await, format!("email:ben@example.org email:{X}"));
    // The other way round, while the departure waits.
    let server = Server::holding().await;
    let ann = server.user("ann", &mail(X)).await;
    let ben = server.user("ben", &mail("ben@example.org")).await;
    server.active(&ann, false).await;
    let moved = server
        .patch(&ben, json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": X}]))
        .await;
    assert_eq!(moved.status, 200);
    assert_eq!(server.cases().await, [case("held", "username:ann")]);
}
