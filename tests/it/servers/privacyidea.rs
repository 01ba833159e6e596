//! privacyIDEA: second factors of five kinds. Somebody signs in elsewhere, with a PIN and what the factor shows, and that place asks here.

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};

use aws_lc_rs::hmac;
use reqwest::Method;
use revoked::clock::Clock;
use revoked::digest::hex;
use serde_json::{Value, json};
use tokio::sync::Mutex;

use super::{Server, System, TargetSystem, TargetTable};

const OPERATOR: (&str, &str) = ("ops", "factors-of-the-tests");
const REALM: &str = "corp";

/// What it says where nothing can be done with a factor any more.
const LOCKED: u64 = 1007;

/// privacyIDEA with a realm whose people are the lines of a file.
pub(crate) struct PrivacyIdea {
    server: Server,
    /// The administrator's session.
    pub(crate) admin: String,
}

/// A factor that somebody holds.
#[derive(Debug)]
pub(crate) struct Factor {
    pub(crate) serial: String,
    user: String,
    pin: String,
    shows: Shows,
}

/// What a factor shows its holder.
#[derive(Debug)]
enum Shows {
    /// Nothing: it asks for the PIN alone.
    Nothing,
    /// The same each time.
    Password(String),
    /// The next of a list, on paper.
    List(Mutex<Vec<String>>),
    /// A number by the count of those before.
    ByCounter(Vec<u8>, AtomicU64),
    /// A number by the time. None is taken twice, so each is of a step after the one before; the server looks some steps ahead.
    ByTime(Vec<u8>, AtomicU64),
}

/// The six digits of RFC 4226.
fn digits(key: &[u8], counter: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key);
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let at = usize::from(tag.as_ref()[19] & 0xf);
    let number = u32::from_be_bytes(tag.as_ref()[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

impl Shows {
    async fn next(&self) -> String {
        match self {
            Self::Nothing => String::new(),
            Self::Password(password) => password.clone(),
            Self::List(list) => list.lock().await.pop().expect("the list is used up"),
            Self::ByCounter(key, count) => digits(key, count.fetch_add(1, Ordering::Relaxed)),
            Self::ByTime(key, step) => digits(key, step.fetch_add(1, Ordering::Relaxed)),
        }
    }
}

impl PrivacyIdea {
    async fn administer(&self, method: Method, path: &str, body: &Value) -> Value {
        let request = self.server.http.request(method, self.server.url(path));
        let mut request = request.header("authorization", &self.admin);
        if !body.is_null() {
            request = request.json(body);
        }
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        assert_eq!(answer["result"]["status"], true, "{path}: {answer}");
        answer
    }

    /// Gives somebody a factor: its serial number and its PIN.
    async fn enrol(&self, user: &str, kind: &str, more: &Value) -> (String, String) {
        let pin = format!("{kind}-{user}-");
        let mut wanted = json!({ "type": kind, "user": user, "realm": REALM, "pin": pin });
        for (key, value) in more.as_object().unwrap() {
            wanted[key] = value.clone();
        }
        let made = self.administer(Method::POST, "/token/init", &wanted).await;
        (made["detail"]["serial"].as_str().unwrap().to_owned(), pin)
    }
}

impl System for PrivacyIdea {
    type Credential = Factor;

    async fn start() -> Option<Self> {
        let server = Server::start("privacyidea", 1, async |server| server.answers("/token/").await).await?;
        let login = json!({ "username": OPERATOR.0, "password": OPERATOR.1 });
        let signed_in = server.http.post(server.url("/auth")).json(&login).send().await.unwrap();
        let signed_in: Value = signed_in.json().await.unwrap();
        let admin = signed_in["result"]["value"]["token"].as_str().unwrap().to_owned();
        let this = Self { server, admin };
        let people = json!({ "type": "passwdresolver", "fileName": this.server.data("people") });
        this.administer(Method::POST, "/resolver/people", &people).await;
        this.administer(Method::POST, &format!("/realm/{REALM}"), &json!({ "resolvers": "people" }))
            .await;
        this.administer(Method::POST, &format!("/defaultrealm/{REALM}"), &json!({}))
            .await;
        Some(this)
    }

    async fn person(&self, name: &str) -> Vec<Factor> {
        let file = self.server.data("people");
        let mut people = fs::read_to_string(&file).unwrap();
        let number = 1000 + people.lines().count();
        writeln!(people, "{name}:x:{number}:{number}:{name},,,{name}@example.test:/:/bin/false").unwrap();
        fs::write(&file, people).unwrap();

        let key: Vec<u8> = (0..20).collect();
        let shared = hex(&key);
        // A step before the present one: so the server need not look far ahead for those that come.
        let step = u64::try_from(Clock::system().now().ms()).unwrap() / 30_000 - 1;
        let password = format!("what {name} knows");
        let kinds = [
            ("spass", json!({}), Shows::Nothing),
            ("pw", json!({ "otpkey": password }), Shows::Password(password.clone())),
            (
                "hotp",
                json!({ "otpkey": shared }),
                Shows::ByCounter(key.clone(), AtomicU64::new(0)),
            ),
            ("totp", json!({ "otpkey": shared }), Shows::ByTime(key, AtomicU64::new(step))),
        ];
        let mut held = Vec::new();
        for (kind, wanted, shows) in kinds {
            let (serial, pin) = self.enrol(name, kind, &wanted).await;
            let user = name.to_owned();
            held.push(Factor {
                serial,
                user,
                pin,
                shows,
            });
        }
        let list: Vec<String> = (100_000..100_008).map(|number: u32| number.to_string()).collect();
        let (serial, pin) = self.enrol(name, "tan", &json!({ "tans": list.join(" ") })).await;
        let user = name.to_owned();
        let shows = Shows::List(Mutex::new(list));
        held.push(Factor {
            serial,
            user,
            pin,
            shows,
        });
        held
    }

    async fn works(&self, factor: &Factor) -> bool {
        let pass = format!("{}{}", factor.pin, factor.shows.next().await);
        let asked = json!({ "user": factor.user, "realm": REALM, "pass": pass });
        let request = self.server.http.post(self.server.url("/validate/check")).json(&asked);
        let answer: Value = request.send().await.unwrap().json().await.unwrap();
        // Of one that is revoked it says that it is locked.
        if answer["result"]["error"]["code"] == LOCKED {
            return false;
        }
        assert_eq!(answer["result"]["status"], true, "{answer}");
        let accepted = answer["result"]["value"].as_bool().unwrap();
        if accepted {
            assert_eq!(answer["detail"]["serial"], factor.serial, "another factor answered: {answer}");
        }
        accepted
    }

    /// Deletes the factors: the people are not privacyIDEA's.
    async fn delete(&self, name: &str) {
        let path = format!("/token/?user={name}&realm={REALM}&pagesize=100");
        let listed = self.administer(Method::GET, &path, &Value::Null).await;
        for token in listed["result"]["value"]["tokens"].as_array().unwrap() {
            let path = format!("/token/{}", token["serial"].as_str().unwrap());
            self.administer(Method::DELETE, &path, &Value::Null).await;
        }
    }
}

impl TargetSystem for PrivacyIdea {
    /// The accounts are elsewhere, so none is blocked here.
    fn target(&self) -> TargetTable {
        let table = TargetTable::new("privacyidea", self.server.url("")).key("realm", REALM);
        let table = table.key("user", OPERATOR.0).key("ourselves", OPERATOR.0);
        TargetTable {
            block: false,
            ..table.secret("password", OPERATOR.1)
        }
    }
}
