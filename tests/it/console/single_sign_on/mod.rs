//! Signing in at the organisation's OpenID provider, and its tokens at the API: by a stand-in with keys of its own, which can be made to lie, and by a
//! provider of somebody else's making.

mod bearer;
mod checked;
mod real;
mod sign_in;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use http::{Method, StatusCode};
use reqwest::Url;
use revoked::clock::Clock;
use revoked::digest::sha256;
use revoked::http::client;
use revoked::jose::{Algorithm, Signer};
use serde_json::{Value, json};
use wiremock::matchers::{method, path};
use wiremock::{Mock, MockServer, Request, ResponseTemplate};

use super::{Answer, Site};
use crate::harness::{PATIENT, until};

/// What the installation shows at the token endpoint.
pub(super) const SECRET: &str = "s3cret: ä";
/// For whom access tokens are.
const AUDIENCE: &str = "https://revoked.example.test/api";

/// A provider that says what the test tells it to.
struct Provider {
    server: MockServer,
    key: Signer,
    told: Arc<Mutex<Told>>,
}

#[derive(Default)]
struct Told {
    /// Answers in place of its own, by path.
    instead: HashMap<&'static str, ResponseTemplate>,
    /// By code: what it was asked with, and what it gives.
    granted: HashMap<String, (Asked, Value)>,
}

/// What a browser brought to the provider.
type Asked = HashMap<String, String>;

impl Provider {
    async fn start() -> Self {
        let server = MockServer::start().await;
        let key = Signer::generate("k1", Algorithm::Es256).unwrap();
        let told = Arc::new(Mutex::new(Told::default()));
        let base = server.uri();
        let description = json!({
            "issuer": base,
            "authorization_endpoint": format!("{base}/authorize?tenant=one"),
            "token_endpoint": format!("{base}/token"),
            "jwks_uri": format!("{base}/jwks"),
            "response_types_supported": ["code"],
            "scopes_supported": ["openid", "profile"],
            "id_token_signing_alg_values_supported": ["ES256"],
            "code_challenge_methods_supported": ["S256"],
            "authorization_response_iss_parameter_supported": true,
        });
        let documents = [
            ("/.well-known/openid-configuration", description),
            ("/jwks", key.jwks().unwrap()),
        ];
        for (place, document) in documents {
            let told = Arc::clone(&told);
            let answer = move |_: &Request| {
                let instead = told.lock().unwrap().instead.get(place).cloned();
                instead.unwrap_or_else(|| ResponseTemplate::new(200).set_body_json(&document))
            };
            Mock::given(method("GET"))
                .and(path(place))
                .respond_with(answer)
                .mount(&server)
                .await;
        }
        let of_token = Arc::clone(&told);
        let exchange = move |request: &Request| {
            let mut told = of_token.lock().unwrap();
            told.instead
                .get("/token")
                .cloned()
                .unwrap_or_else(|| exchanged(&mut told, request))
        };
        Mock::given(method("POST"))
            .and(path("/token"))
            .respond_with(exchange)
            .mount(&server)
            .await;
        Self { server, key, told }
    }

    fn issuer(&self) -> String {
        self.server.uri()
    }

    /// Answers so at this path from now on; `None` for its own answer.
    fn answer(&self, place: &'static str, answer: Option<ResponseTemplate>) {
        let instead = &mut self.told.lock().unwrap().instead;
        match answer {
            Some(answer) => drop(instead.insert(place, answer)),
            None => drop(instead.remove(place)),
        }
    }

    /// The table of the config.
    fn table(&self, more: &str) -> String {
        format!(
            "[console.single_sign_on]\nissuer = \"{}\"\nclient_id = \"revoked\"\nclient_secret = {{ file = \"{{folder}}/sso-secret\" }}\n\
             algorithms = [\"ES256\"]\naudience = \"{AUDIENCE}\"\n{more}\n[console.single_sign_on.roles]\nviewers = \"viewer\"\n\
             analysts = \"requester\"\nleads = \"approver\"\nadmins = \"admin\"\n",
            self.issuer()
        )
    }

    /// What it says of Ann in a proof of her sign-in.
    fn proof(&self, nonce: &str) -> Value {
        let now = now();
        json!({ "iss": self.issuer(), "aud": "revoked", "sub": "u-ann", "iat": now, "exp": now + 300, "nonce": nonce,
                "preferred_username": "ann@example.org", "groups": ["staff", "viewers", "leads"] })
    }

    /// What it says of somebody in leave to use the API.
    fn leave(&self, subject: &str, groups: &[&str]) -> Value {
        let now = now();
        json!({ "iss": self.issuer(), "aud": [AUDIENCE], "sub": subject, "iat": now, "exp": now + 300, "client_id": "siem",
                "preferred_username": subject, "groups": groups })
    }

    fn sign(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "k1" });
        self.key.sign_under(&header, claims.to_string().as_bytes()).unwrap()
    }

    /// An access token of these claims, as a header.
    fn access(&self, claims: &Value) -> String {
        let header = json!({ "alg": "ES256", "kid": "k1", "typ": "at+jwt" });
        let token = self.key.sign_under(&header, claims.to_string().as_bytes()).unwrap();
        format!("Bearer {token}")
    }

    /// A code that gives this.
    fn grant(&self, asked: &Asked, given: Value) -> String {
        let mut told = self.told.lock().unwrap();
        let code = format!("code-{}", told.granted.len());
        told.granted.insert(code.clone(), (asked.clone(), given));
        code
    }

    /// A code that gives a proof of these claims.
    fn grant_proof(&self, asked: &Asked, claims: &Value) -> String {
        let token = self.sign(claims);
        self.grant(
            asked,
            json!({ "token_type": "Bearer", "access_token": "opaque", "id_token": token }),
        )
    }
}

fn now() -> i64 {
    Clock::system().now().ms() / 1000
}

/// As RFC 6749 section 4.1.3 and RFC 7636 section 4.6 have it: to the client that asked, once, for the address that it asked with.
fn exchanged(told: &mut Told, request: &Request) -> ResponseTemplate {
    let refuse = |error: &str| ResponseTemplate::new(400).set_body_json(json!({ "error": error }));
    let shown = request.headers["authorization"].to_str().unwrap();
    if shown != format!("Basic {}", STANDARD.encode("revoked:s3cret%3A+%C3%A4")) {
        return refuse("invalid_client");
    }
    let form: HashMap<String, String> = serde_urlencoded::from_bytes(&request.body).unwrap();
    let Some((asked, given)) = told.granted.remove(&form["code"]) else {
        return refuse("invalid_grant");
    };
    let challenge = URL_SAFE_NO_PAD.encode(sha256(form["code_verifier"].as_bytes()));
    let fits = form["grant_type"] == "authorization_code"
        && form["redirect_uri"] == asked["redirect_uri"]
        && challenge == asked["code_challenge"];
    if !fits {
        return refuse("invalid_request");
    }
    ResponseTemplate::new(200).set_body_json(given)
}

/// A browser that has begun to sign in.
struct Begun {
    cookie: String,
    asked: Asked,
}

impl Begun {
    fn state(&self) -> &str {
        &self.asked["state"]
    }

    fn nonce(&self) -> &str {
        &self.asked["nonce"]
    }
}

impl Site {
    async fn with_provider(provider: &Provider, more: &str) -> Self {
        Self::with(&provider.table(more)).await
    }

    /// Goes to the provider.
    async fn begin(&self, next: &str) -> Begun {
        let query = serde_urlencoded::to_string([("next", next)]).unwrap();
        let path = format!("/sign-in/organisation?{query}");
        // A test begins more often than an address may.
        let sent = until("a way to the provider", async || {
            let sent = self.by_network(&[], Method::GET, &path, None).await;
            (sent.status != StatusCode::TOO_MANY_REQUESTS).then_some(sent)
        })
        .await;
        assert_eq!(sent.status, StatusCode::SEE_OTHER, "{sent:?}");
        let cookie = sent.headers["set-cookie"].to_str().unwrap();
        assert!(
            cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=600"),
            "{cookie}"
        );
        let place = Url::parse(sent.headers["location"].to_str().unwrap()).unwrap();
        assert_eq!(place.path(), "/authorize");
        Begun {
            cookie: cookie.split(';').next().unwrap().to_owned(),
            asked: place.query_pairs().into_owned().collect(),
        }
    }

    /// Comes back from there.
    async fn come_back(&self, cookie: &str, query: &[(&str, &str)]) -> Answer {
        let url = Url::parse_with_params(&format!("{}/sign-in/callback", self.origin()), query).unwrap();
        let request = client(PATIENT).unwrap().get(url).header("cookie", cookie);
        Answer::of(request.send().await.unwrap()).await
    }
}

/// The session that an answer begins.
fn session(answer: &Answer) -> Option<String> {
    let cookies = answer.headers.get_all("set-cookie").iter();
    let mut ours = cookies
        .map(|cookie| cookie.to_str().unwrap())
        .filter(|cookie| cookie.starts_with("__Host-revoked=rvs_"));
    let cookie = ours.next()?;
    assert!(cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict"), "{cookie}");
    Some(cookie.split(';').next().unwrap().to_owned())
}
