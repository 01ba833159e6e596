//! Sends the signals in the ways that real senders use: a signed token over HTTP, a file in the drop folder, a row in the inbox.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::ProgressSender;
use super::installation::{AUDIENCE, ISSUER, Installation, KID};
use super::people::{DemoPerson, People};
use crate::clock::Clock;
use crate::digest::{hex, sha256};
use crate::http::{Bounds, client, read_body};
use crate::intake::CREDENTIAL;
use crate::jose::{Algorithm, Signer};
use crate::model::{Actor, LeakedValue};
use crate::store::{InboxRow, Role, Store};

/// How long the daemon may take to pick a file up and put it away.
const PICKED_UP: Duration = Duration::from_mins(1);
const ANSWER_CAP: usize = 64 * 1024;
/// A compromised credential, of the RISC profile.
const COMPROMISE: &str = "https://schemas.openid.net/secevent/risc/event-type/credential-compromise";
/// The file's name in the drop folder.
const FILE: &str = "leavers.csv";

/// How they were answered.
pub(super) struct Sent {
    /// To a token that the intruder signed: the status and the RFC's error code.
    pub(super) forged: (u16, String),
    /// To the identity provider's token.
    pub(super) compromise: u16,
    /// The operator's rows in the inbox.
    pub(super) requests: [i64; 2],
    /// What the server answered to the published token before it was handed in.
    pub(super) published: u16,
}

/// Sends everything. The leavers come first, so that the compromised account has somebody to overtake.
pub(super) async fn send_all(
    installation: &Installation,
    people: &People,
    clock: &Clock,
    progress: &ProgressSender,
) -> anyhow::Result<Sent> {
    let stranger = Signer::generate(KID, Algorithm::EdDsa)?;
    let forged = push(installation, &stranger, &claims(&people.leavers[0].email, clock)).await?;
    progress.line(format!(
        "ssf-push: a security event that the intruder signed is refused with {} ({})",
        forged.0, forged.1
    ));

    drop_file(&installation.drop_folder(), FILE, &file(people)).context("dropping the HR file")?;
    progress.line(format!(
        "hr-csv: {FILE} is dropped: {} leavers as of yesterday, one tomorrow, one in {}, one that is not to be read, one protected",
        people.leavers.len() + 1,
        people.abroad.zone
    ));
    picked_up(&installation.drop_folder().join(FILE)).await?;

    let before = Instant::now();
    let compromise = push(installation, &installation.issuer, &claims(&people.victim.email, clock)).await?;
    progress.line(format!(
        "ssf-push: the identity provider says that the credential of {} is compromised: {} after {} ms",
        people.victim.shown(),
        compromise.0,
        before.elapsed().as_millis()
    ));

    // Another process would do the same: the command's role, the same file, and no other way to the daemon.
    let store = Store::open(&installation.store(), Role::Command, clock.clone()).await?;
    let request = store
        .submit_request(InboxRow {
            subject: format!("username:{}", people.lost_laptop.username),
            reason: "compromised".to_owned(),
            requested_by: Actor::operator("demo", None).to_string(),
            note: Some("the laptop was left on a train".to_owned()),
            ..InboxRow::default()
        })
        .await?;
    progress.line(format!(
        "inbox: an operator asks for {} (revoked revoke username:{} --reason compromised)",
        people.lost_laptop.shown(),
        people.lost_laptop.username
    ));

    let published = try_out(installation, &people.published).await?;
    let value = LeakedValue(people.published.clone());
    let leaked = store
        .submit_request(InboxRow {
            subject: CREDENTIAL.to_owned(),
            reason: "compromised".to_owned(),
            requested_by: Actor::operator("demo", None).to_string(),
            note: Some("in a public repository".to_owned()),
            target: Some("chat".to_owned()),
            leaked: Some(value.digest()),
            value: Some(value),
            ..InboxRow::default()
        })
        .await?;
    store.close().await;
    progress.line(format!(
        "inbox: an operator hands in a token that is good ({published}) and stands in a public repository, and does not know whose it is \
         (revoked leaked --target chat < found-token)"
    ));
    Ok(Sent {
        forged,
        compromise: compromise.0,
        requests: [request, leaked],
        published,
    })
}

/// What the server answers to whoever uses a token: the status.
pub(super) async fn try_out(installation: &Installation, token: &SecretString) -> anyhow::Result<u16> {
    let response = client(Bounds::default())?
        .get(format!("{}/api/v4/users/me", installation.sandbox.url()))
        .bearer_auth(token.expose_secret())
        .send()
        .await
        .context("using the published token")?;
    Ok(response.status().as_u16())
}

fn claims(email: &str, clock: &Clock) -> Value {
    let seconds = clock.now().ms() / 1000;
    json!({
        "iss": ISSUER,
        "aud": AUDIENCE,
        "iat": seconds,
        "jti": uuid::Uuid::now_v7().to_string(),
        "sub_id": { "format": "email", "email": email },
        "events": { COMPROMISE: { "credential_type": "password", "event_timestamp": seconds, "reason_admin": { "en": "seen in a leak" } } },
    })
}

/// Pushes a token as RFC 8935 says, and gives the status with the error code of a refusal.
async fn push(installation: &Installation, signer: &Signer, claims: &Value) -> anyhow::Result<(u16, String)> {
    let response = client(Bounds::default())?
        .post(format!("{}/signals/idp", installation.daemon_url()))
        .header(http::header::CONTENT_TYPE, "application/secevent+jwt")
        .header(http::header::ACCEPT, "application/json")
        .header(http::header::AUTHORIZATION, &installation.authorization)
        .body(signer.sign(claims)?)
        .send()
        .await
        .context("pushing a security event to the daemon")?;
    let status = response.status().as_u16();
    let body: Value = serde_json::from_slice(&read_body(response, ANSWER_CAP).await?).unwrap_or_default();
    let code = body.get("err").and_then(Value::as_str).unwrap_or_default();
    Ok((status, code.to_owned()))
}

/// The HR system's file. Its days are UTC's where a row names no zone.
fn file(people: &People) -> String {
    let (yesterday, tomorrow) = &people.days;
    let mut rows = vec!["employee_id,email,last_working_day,timezone,action,reason".to_owned()];
    let mut row = |who: &DemoPerson, day: &str, zone: &str, reason: &str| {
        rows.push(format!("{},{},{day},{zone},terminate,{reason}", who.number(), who.email));
    };
    for leaver in people.leavers.iter().chain([&people.stranger]) {
        row(leaver, yesterday, "", "end of contract");
    }
    row(&people.tomorrow, tomorrow, "", "end of contract");
    row(
        &people.abroad.who,
        &people.abroad.last_day,
        people.abroad.zone,
        "end of contract",
    );
    row(&people.malformed, "31.02.2026", "", "end of contract");
    row(&people.protected, yesterday, "", "wrong number typed");
    rows.push(String::new());
    rows.join("\n")
}

/// Puts a file down as a careful sender does: under another name until it is whole, with a marker that holds its digest.
pub(super) fn drop_file(folder: &Path, name: &str, text: &str) -> anyhow::Result<()> {
    let part = folder.join(format!("{name}.part"));
    std::fs::write(&part, text)?;
    std::fs::rename(&part, folder.join(name))?;
    std::fs::write(
        folder.join(format!("{name}.done")),
        format!("{}  {name}\n", hex(&sha256(text.as_bytes()))),
    )?;
    Ok(())
}

/// Waits until the daemon has stored what is in the file and put it away.
pub(super) async fn picked_up(path: &Path) -> anyhow::Result<()> {
    let deadline = Instant::now() + PICKED_UP;
    while path.exists() {
        anyhow::ensure!(
            Instant::now() < deadline,
            "the daemon has not picked up {} within {} s",
            path.display(),
            PICKED_UP.as_secs()
        );
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}
