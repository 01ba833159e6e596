//! A departure is of a person, not of a record: several users of one person, one user made anew, and names that somebody else has by now.

use proptest::prelude::*;
use revoked::model::{Actor, Priority, Reason};
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

    /// The names that are linked to the person with this one.
    async fn names_with(&self, name: &str) -> Vec<String> {
        let mut conn = self.sql().await;
        sqlx::query_scalar("SELECT b.name FROM identity a JOIN identity b USING (person) WHERE a.name = ? ORDER BY b.name")
            .bind(name)
            .fetch_all(&mut conn)
            .await
            .unwrap()
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
        let (everyday, admin) = (
            server.user(X, &everyday).await,
            server.user("adm-user03@example.org", &admin).await,
        );
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
        assert!(
            server.holds().await.is_empty(),
            "nobody is to decide about what is being done"
        );
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
async fn who_is_switched_on_again_keeps_every_name() {
    for more in [json!({}), mail("maya@example.org")] {
        let server = Server::new().await;
        let maya = server.user("maya.l@example.org", &more).await;
        for _ in 0..2 {
            server.active(&maya, false).await;
            server.active(&maya, true).await;
        }
        server.active(&maya, false).await;
        let cases = server.cases().await;
        let states: Vec<&str> = cases.iter().map(|(state, ..)| state.as_str()).collect();
        assert_eq!(states, ["cancelled", "cancelled", "open"], "{more}");
        assert!(
            cases
                .iter()
                .all(|(.., subject)| *subject == cases[0].2 && subject.starts_with("email:maya")),
            "{cases:?}"
        );
        let names = server.signals().await.into_iter().map(|signal| signal.names);
        assert!(
            names
                .into_iter()
                .all(|names| names.contains(&"email:maya.l@example.org".to_owned()))
        );
    }
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
    assert_eq!(server.approve_all("").await, ["employee_id:1", "username:ann"]);
}

#[tokio::test]
async fn what_is_approved_of_one_account_leaves_the_other_alone() {
    let server = Server::new().await;
    server.user(X, &json!({})).await;
    let admin = server.user("adm-user03", &mail(X)).await;
    server.active(&admin, false).await;
    assert_eq!(server.cases().await, [case("held", "username:adm-user03")]);
    assert_eq!(server.approve_all("stays").await, ["username:adm-user03"]);
}

#[tokio::test]
async fn an_account_that_is_given_to_somebody_else_leaves_nothing_of_its_owners_in_common() {
    let server = Server::new().await;
    let ann = server.user("ann", &mail("ann@example.org")).await;
    server.user("ben", &mail("ben@example.org")).await;
    let service = server.user("service", &mail("ann@example.org")).await;
    let moved = json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": "ben@example.org"}]);
    assert_eq!(server.patch(&service, moved).await.status, 200);
    server.active(&ann, false).await;
    assert_eq!(server.decisions().await, [departed("act")]);
    assert_eq!(server.approve_all("").await, ["email:ann@example.org", "username:ann"]);
}

#[tokio::test]
async fn whoever_is_linked_to_somebody_active_stays_even_where_no_name_is_shared_any_more() {
    let server = Server::new().await;
    let ann = server.user("ann", &mail("ann@example.org")).await;
    let ben = server.user("ben", &mail("ben@example.org")).await;
    let both = json!({"emails": [{"value": "ann@example.org", "type": "work"}, {"value": "ben@example.org", "type": "work"}]});
    let service = server.user("service", &both).await;
    assert_eq!(server.ask("DELETE", &service, "").await.status, 204);
    server.active(&ann, false).await;
    // By their links the two are one person. Nobody active is ended by that without a human, nor with one.
    assert_eq!(server.decisions().await, [departed("hold"), departed("hold")]);
    assert_eq!(
        server.approve_all("stays").await,
        ["email:ann@example.org", "username:ann", "username:service"]
    );
    server.active(&ben, false).await;
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
    assert_eq!(
        server.names_with("username:ben").await,
        [format!("email:{X}"), "username:ben".to_owned()]
    );
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
    assert_eq!(server.names_with("email:ann@example.org").await, ["email:ann@example.org"]);
    let bens = ["email:ben@example.org".to_owned(), format!("email:{X}")];
    assert_eq!(server.names_with(&format!("email:{X}")).await, bens);
    // The other way round, while the departure waits.
    let server = Server::holding().await;
    let ann = server.user("ann", &mail(X)).await;
    let ben = server.user("ben", &mail("ben@example.org")).await;
    server.active(&ann, false).await;
    let moved = server
        .patch(
            &ben,
            json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": X}]),
        )
        .await;
    assert_eq!(moved.status, 200);
    assert_eq!(server.cases().await, [case("held", "username:ann")]);
}

#[tokio::test]
async fn the_end_of_an_account_that_was_off_already_ends_nobody_who_is_active() {
    // Switched off as a suspension, which has been rejected or done, and deleted.
    let server = Server::with("deactivation = \"suspended\"\n").await;
    server.user(X, &json!({})).await;
    let admin = server.user("adm-user03", &mail(X)).await;
    server.active(&admin, false).await;
    assert_eq!(server.ask("DELETE", &admin, "").await.status, 204);
    let decided = [(Reason::Suspended, "hold".to_owned()), departed("hold")];
    assert_eq!(server.decisions().await, decided);

    // One that never was on, and bears what somebody active was called once.
    let server = Server::new().await;
    let off = json!({"active": false, "emails": mail("ann@example.org")["emails"]});
    let made = server.user("imported", &off).await;
    let ann = server.user("ann", &mail("ann@example.org")).await;
    let moved = json!([{"op": "replace", "path": "emails[type eq \"work\"].value", "value": X}]);
    assert_eq!(server.patch(&ann, moved).await.status, 200);
    assert_eq!(server.ask("DELETE", &made, "").await.status, 204);
    assert_eq!(server.decisions().await, [departed("hold")]);

    // Nor does it wait together with somebody who was called the same and has left.
    let server = Server::holding().await;
    let ann = server.user("ann", &mail(X)).await;
    let imported = json!({"active": false, "emails": mail(X)["emails"]});
    let imported = server.user("imported", &imported).await;
    server.active(&ann, false).await;
    assert_eq!(server.ask("DELETE", &imported, "").await.status, 204);
    assert_eq!(
        server.cases().await,
        [case("held", &format!("email:{X}")), case("held", "username:imported")]
    );

    // And whose address was given on while the account was off leaves as anybody does.
    let server = Server::with("deactivation = \"suspended\"\n").await;
    let ann = server.user("ann", &mail(X)).await;
    server.active(&ann, false).await;
    server.user("ben", &mail(X)).await;
    assert_eq!(server.ask("DELETE", &ann, "").await.status, 204);
    assert_eq!(
        server.decisions().await,
        [(Reason::Suspended, "act".to_owned()), departed("act")]
    );
    let asked = server.signals().await.remove(1).names;
    assert_eq!(asked, ["username:ann"]);
}

#[tokio::test]
async fn whoever_is_renamed_while_away_is_still_the_one_who_waits() {
    let server = Server::holding().await;
    let ann = server.user("ann", &mail(X)).await;
    let ben = server.user("ben", &mail("ben@example.org")).await;
    let work = |address: &str| json!([{"op": "Replace", "path": "emails[type eq \"work\"].value", "value": address}]);
    server.active(&ann, false).await;
    server.active(&ben, false).await;
    // Ben is to be called what Ann was; that says nothing of either until he is back.
    assert_eq!(server.patch(&ben, work(X)).await.status, 200);
    assert_eq!(server.cases().await[0], case("held", &format!("email:{X}")));
    server.active(&ben, true).await;
    let states: Vec<_> = server
        .cases()
        .await
        .into_iter()
        .map(|(state, _, subject)| (state, subject))
        .collect();
    let expected = [("held", "username:ann"), ("cancelled", "email:ben@example.org")];
    assert_eq!(states, expected.map(|(state, name)| (state.to_owned(), name.to_owned())));

    // The same where the name is one that somebody active had before.
    let server = Server::holding().await;
    let ann = server.user("ann", &mail(X)).await;
    let ben = server.user("ben", &mail("ben@example.org")).await;
    server.active(&ben, false).await;
    assert_eq!(server.patch(&ann, work("ann@example.org")).await.status, 200);
    assert_eq!(server.patch(&ben, work(X)).await.status, 200);
    server.active(&ben, true).await;
    assert_eq!(
        server.cases().await,
        [(
            "cancelled".to_owned(),
            "departed".to_owned(),
            "email:ben@example.org".to_owned()
        )]
    );
    assert_eq!(
        server.names_with("username:ann").await,
        ["email:ann@example.org", "username:ann"]
    );
}

#[tokio::test]
async fn an_address_that_is_taken_away_means_its_owner_only_for_a_while() {
    let server = Server::holding().await;
    let both = json!([{"value": "ann@example.org", "type": "work"}, {"value": X, "type": "work"}]);
    let ann = server.user("ann", &json!({"emails": both})).await;
    let gone = server.patch(
        &ann,
        json!([{"op": "replace", "path": "emails", "value": [{"value": "ann@example.org", "type": "work"}]}]),
    );
    assert_eq!(gone.await.status, 200);
    assert_eq!(
        server
            .count("SELECT count(*) FROM identity WHERE name = 'email:user03@example.org' AND until IS NOT NULL")
            .await,
        1
    );
}

#[tokio::test]
async fn whose_address_was_given_on_is_still_forgotten_when_erased() {
    let server = Server::holding().await;
    let ann = server.user(X, &mail("ann@example.org")).await;
    server.active(&ann, false).await;
    server.user("ben", &mail(X)).await;
    let count = async |name: &str| {
        server
            .count(&format!("SELECT count(*) FROM memory WHERE about = '{name}'"))
            .await
    };
    assert_eq!(
        count("email:ann@example.org").await,
        2,
        "the user and the pointer by her address"
    );
    assert_eq!(count(&format!("email:{X}")).await, 2, "Ben's");
}

#[tokio::test]
async fn who_comes_back_to_an_address_that_somebody_had_since_ends_the_wait_of_nobody_else() {
    let server = Server::holding().await;
    let ann = server.user("ann", &mail(X)).await;
    server.active(&ann, false).await;
    let ben = server.user("ben", &mail(X)).await;
    server.active(&ben, false).await;
    server.active(&ann, true).await;
    let mut cases = server.cases().await;
    cases.sort_by(|one, other| one.2.cmp(&other.2));
    let states: Vec<_> = cases
        .iter()
        .map(|(state, _, subject)| (state.as_str(), subject.as_str()))
        .collect();
    assert_eq!(states, [("cancelled", "username:ann"), ("held", "username:ben")]);
    assert_eq!(
        server.names_with("username:ann").await,
        [format!("email:{X}"), "username:ann".to_owned()]
    );
}

/// What a client may do with one of three users; two of three addresses, which may be the same.
#[derive(Debug, Clone, Copy)]
enum Deed {
    /// Active, or not.
    Make(usize, (usize, usize), bool),
    Switch(usize, bool),
    Mail(usize, (usize, usize)),
    Delete(usize),
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let addresses = || prop_oneof![3 => (0..3_usize).prop_map(|n| (n, n)), 1 => (0..3_usize, 0..3_usize)];
    let deed = prop_oneof![
        3 => (0..3_usize, addresses(), prop::bool::weighted(0.8)).prop_map(|(user, addresses, active)| Deed::Make(user, addresses, active)),
        4 => (0..3_usize, any::<bool>()).prop_map(|(user, active)| Deed::Switch(user, active)),
        3 => (0..3_usize, addresses()).prop_map(|(user, addresses)| Deed::Mail(user, addresses)),
        1 => (0..3_usize).prop_map(Deed::Delete),
    ];
    prop::collection::vec(deed, 1..14)
}

impl Server {
    async fn perform(&self, deed: Deed) {
        let emails = |(one, other): (usize, usize)| {
            let addresses: std::collections::BTreeSet<usize> = [one, other].into();
            let emails = addresses
                .into_iter()
                .map(|n| json!({"value": format!("a{n}@example.org"), "type": "work"}));
            Value::Array(emails.collect())
        };
        let find = async |user: usize| {
            let found = self.filter(&format!("userName eq u{user}")).await;
            let id = found.body["Resources"][0]["id"].as_str();
            id.map(|id| format!("/Users/{id}"))
        };
        match deed {
            Deed::Make(user, addresses, active) => {
                let made = json!({"userName": format!("u{user}"), "active": active, "emails": emails(addresses)});
                let status = self.post("/Users", &made).await.status;
                assert!(matches!(status, 201 | 409), "{status}");
            }
            Deed::Switch(user, active) => {
                if let Some(user) = find(user).await {
                    self.active(&user, active).await;
                }
            }
            Deed::Mail(user, addresses) => {
                if let Some(user) = find(user).await {
                    let changed = json!([{"op": "replace", "path": "emails", "value": emails(addresses)}]);
                    assert_eq!(self.patch(&user, changed).await.status, 200);
                }
            }
            Deed::Delete(user) => {
                if let Some(user) = find(user).await {
                    assert_eq!(self.ask("DELETE", &user, "").await.status, 204);
                }
            }
        }
    }

    /// The names of everybody who is active.
    async fn active_names(&self) -> Vec<String> {
        let users = self.filter("active eq true").await.body["Resources"]
            .as_array()
            .unwrap()
            .clone();
        let names = users.iter().flat_map(|user| {
            let mails = user["emails"].as_array().unwrap().iter();
            let mails = mails.map(|mail| format!("email:{}", mail["value"].as_str().unwrap()));
            mails.chain([format!("username:{}", user["userName"].as_str().unwrap())])
        });
        names.collect()
    }

    /// Approves every hold of that class, and gives whom the jobs that wait then ask for.
    async fn approve_all(&self, class: &str) -> Vec<String> {
        let path = self.folder.path().join("revoked.db");
        let store = Store::open(&path, Role::Command, Clock::fixed(crate::store::NOW))
            .await
            .unwrap();
        let mut asked = Vec::new();
        for hold in store.holds(false).await.unwrap() {
            if hold.why == class {
                let set = store.hold(hold.id).await.unwrap().set;
                store.approve_hold(hold.id, set, Actor::Daemon, None).await.unwrap();
            }
        }
        for claim in store.claim("chat", Priority(9), 100).await.unwrap() {
            asked.extend(claim.job.subject.names().iter().map(ToString::to_string));
        }
        store.close().await;
        asked
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, ..ProptestConfig::default() })]

    /// Whatever a client does with its users: no hold over a departure offers anybody who is active.
    #[test]
    fn no_departure_that_waits_asks_for_somebody_who_is_active(deeds in deeds()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let server = Server::holding().await;
            for deed in &deeds {
                server.perform(*deed).await;
            }
            let active = server.active_names().await;
            let asked = server.approve_all("departures_limit").await;
            let wrong: Vec<&String> = asked.iter().filter(|name| active.contains(name)).collect();
            assert!(wrong.is_empty(), "{deeds:?}: {wrong:?}");
        });
    }
}
