//! A server that replays a recording, remembers what it was asked, and can be told to behave badly.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use wiremock::matchers::any;
use wiremock::{Mock, MockServer, Request, Respond, ResponseTemplate};

use super::description::{Description, ListOf};
use super::pages::{Cut, page};
use super::recording::{Answer, Recording};
use super::request_pattern::Asked;

/// When the recordings were made, in seconds: what the stand-in dates its answers with.
pub(super) const NOW: i64 = 1_795_835_998;
const DATE: &str = "Sat, 28 Nov 2026 03:19:58 GMT";

/// How it behaves.
#[derive(Debug, Clone, Default)]
pub(super) enum Trouble {
    #[default]
    None,
    /// As towards a credential that it does not know.
    WrongToken,
    /// As towards one of few rights.
    FewRights,
    /// As where every path leads nowhere.
    WrongUrl,
    /// A page for people to sign in at, with 200.
    Html,
    /// Leads everybody to another origin.
    Redirect(String),
    /// As where we ask too often, in the dialect of that number.
    Limited(usize),
    /// Sends so many bytes more than it has to say.
    Padded(usize),
    /// Every list in pages like these; what leads elsewhere leads there.
    Cut(Cut, String),
    /// A search finds others than who was asked for.
    Fuzzy,
    /// A search finds two of the same name.
    Twice,
}

/// What it keeps.
#[derive(Default)]
struct Memory {
    trouble: Trouble,
    marks: BTreeSet<String>,
    /// Marks that do not show in lists yet.
    held: Option<Vec<String>>,
    asked: Vec<Asked>,
    unknown: Vec<Asked>,
}

/// A running stand-in.
pub(super) struct StandIn {
    server: MockServer,
    memory: Arc<Mutex<Memory>>,
}

impl StandIn {
    pub(super) async fn start(description: Arc<Description>, recording: Arc<Recording>) -> Self {
        let server = MockServer::start().await;
        let memory = Arc::new(Mutex::new(Memory::default()));
        let replay = Replay {
            description,
            recording,
            memory: Arc::clone(&memory),
            here: server.uri(),
        };
        Mock::given(any()).respond_with(replay).mount(&server).await;
        Self { server, memory }
    }

    pub(super) fn url(&self) -> String {
        self.server.uri()
    }

    /// From now on it behaves so.
    pub(super) fn set(&self, trouble: Trouble) {
        self.memory.lock().unwrap().trouble = trouble;
    }

    /// What was asked since the last call of this.
    pub(super) fn take_asked(&self) -> Vec<Asked> {
        std::mem::take(&mut self.memory.lock().unwrap().asked)
    }

    /// What was asked that no answer is known to, since the last call of this.
    pub(super) fn take_unknown(&self) -> Vec<Asked> {
        std::mem::take(&mut self.memory.lock().unwrap().unknown)
    }

    /// From now on what is done does not show.
    pub(super) fn lag(&self) {
        self.memory.lock().unwrap().held = Some(Vec::new());
    }

    /// Everything that was done shows.
    pub(super) fn catch_up(&self) {
        let mut memory = self.memory.lock().unwrap();
        let held = memory.held.take().unwrap_or_default();
        memory.marks.extend(held);
    }

    /// Somebody undoes all that was done.
    pub(super) fn undo_everything(&self) {
        self.memory.lock().unwrap().marks.clear();
    }

    /// What was done.
    pub(super) fn marks(&self) -> BTreeSet<String> {
        self.memory.lock().unwrap().marks.clone()
    }
}

struct Replay {
    description: Arc<Description>,
    recording: Arc<Recording>,
    memory: Arc<Mutex<Memory>>,
    here: String,
}

impl Respond for Replay {
    fn respond(&self, request: &Request) -> ResponseTemplate {
        let asked = Asked::of(request);
        let mut memory = self.memory.lock().unwrap();
        memory.asked.push(asked.clone());
        let exchange = self.recording.is_exchange(&asked);
        let trouble = memory.trouble.clone();
        match &trouble {
            Trouble::WrongToken => return dressed(&self.recording.wrong_token, 0),
            Trouble::WrongUrl => return dressed(&self.recording.wrong_url, 0),
            Trouble::Html if !exchange => {
                return ResponseTemplate::new(200).set_body_raw("<html><title>Sign in</title></html>", "text/html");
            }
            Trouble::Redirect(to) if !exchange => {
                return ResponseTemplate::new(302).insert_header("location", format!("{to}/sign-in"));
            }
            Trouble::Limited(number) if !exchange => return dressed(&self.recording.limited[*number].answer, 0),
            _ => {}
        }
        let few_rights = matches!(trouble, Trouble::FewRights) && !exchange;
        let found = self.recording.answer(&asked, &memory.marks, few_rights);
        let Some((mut answer, mark)) = found else {
            memory.unknown.push(asked);
            return ResponseTemplate::new(599).set_body_string("the recording has no answer to this");
        };
        if let Some(mark) = mark {
            match &mut memory.held {
                Some(held) => held.push(mark),
                None => drop(memory.marks.insert(mark)),
            }
        }
        let link = self.spoil(&mut answer, &asked, &trouble);
        let padding = if let Trouble::Padded(bytes) = trouble { bytes } else { 0 };
        let dressed = dressed(&answer, padding);
        match link {
            Some(link) => dressed.insert_header("link", link),
            None => dressed,
        }
    }
}

impl Replay {
    /// Changes a good answer as the trouble wants it. Gives the link to the next page.
    fn spoil(&self, answer: &mut Answer, asked: &Asked, trouble: &Trouble) -> Option<String> {
        let list = self.description.list(asked)?;
        let body = answer.json.take()?;
        let (body, link) = match trouble {
            Trouble::Cut(cut, elsewhere) => page(body, list, asked, *cut, &self.here, elsewhere),
            Trouble::Twice if list.of == ListOf::Accounts => (twice(body, &list.items), None),
            Trouble::Fuzzy if list.of == ListOf::Accounts => (self.others(body, &list.items), None),
            _ => page(body, list, asked, Cut::Recorded, &self.here, ""),
        };
        answer.json = Some(body);
        link
    }

    /// Where nobody was found, somebody else's account.
    fn others(&self, mut body: Value, items: &str) -> Value {
        let Some(found) = body
            .pointer_mut(items)
            .filter(|found| found.as_array().is_some_and(Vec::is_empty))
        else {
            return body;
        };
        *found = self.recording.somebody(items).expect("an account that some search finds");
        body
    }
}

fn dressed(answer: &Answer, padding: usize) -> ResponseTemplate {
    let mut response = ResponseTemplate::new(answer.status).insert_header("date", DATE);
    for (name, value) in &answer.headers {
        response = response.append_header(name.as_str(), moments(value));
    }
    let pad = " ".repeat(padding);
    match (&answer.json, &answer.text) {
        (Some(json), _) => response.set_body_raw(format!("{json}{pad}"), "application/json"),
        (None, Some(text)) => response.set_body_raw(format!("{text}{pad}"), "text/plain"),
        (None, None) => response,
    }
}

/// `{now+9}` as seconds since 1970.
fn moments(text: &str) -> String {
    match text.strip_prefix("{now+").and_then(|rest| rest.strip_suffix('}')) {
        Some(more) => (NOW + more.parse::<i64>().unwrap()).to_string(),
        None => text.to_owned(),
    }
}

/// The list with every account once more, under another id.
fn twice(mut body: Value, items: &str) -> Value {
    if let Some(Value::Array(found)) = body.pointer_mut(items) {
        let others: Vec<Value> = found
            .iter()
            .cloned()
            .map(|mut other| {
                for key in ["id", "userid", "user_id", "account_id"] {
                    match other.get_mut(key) {
                        Some(Value::String(id)) => id.push_str("-2"),
                        Some(Value::Number(id)) => *id = (id.as_u64().unwrap() + 1000).into(),
                        _ => {}
                    }
                }
                other
            })
            .collect();
        found.extend(others);
        let total = found.len();
        for key in ["totalResults", "total"] {
            if let Some(said) = body.get_mut(key) {
                *said = total.into();
            }
        }
    }
    body
}
