//! `revoked login`: a link that signs an operator in at the page, once.

use anyhow::{Context as _, bail};

use super::output::{json as print_json, line, plain};
use super::{Exit, StoreArgs};
use crate::clock::Clock;
use crate::config::Config;
use crate::http::{ANSWER_CAP, Bounds, client_at_socket, read_body};
use crate::model::Role;

/// Runs `revoked login`.
///
/// # Errors
/// Where no socket of the console may be opened, or the daemon refuses.
pub(super) async fn run(at: &StoreArgs, as_json: bool) -> anyhow::Result<Exit> {
    let config = Config::load_without_secrets(&at.config, &Clock::system())?;
    // The highest role whose socket this account may open.
    let mut refused = None;
    for role in Role::ALL.into_iter().rev() {
        let Some(path) = config.console.socket(role) else {
            bail!("the page is not served: set sockets, listen and origin under [console], and start the daemon again");
        };
        match tokio::net::UnixStream::connect(&path).await {
            Ok(_) => {}
            Err(error) => {
                refused = Some(anyhow::Error::new(error).context(format!("opening {}", path.display())));
                continue;
            }
        }
        let asked = client_at_socket(Bounds::default(), &path)?
            .post("http://revoked/api/v1/sign-in-links")
            .send()
            .await
            .map_err(reqwest::Error::without_url)
            .context("asking the daemon for a link")?;
        let is_made = asked.status() == http::StatusCode::CREATED;
        let answer: serde_json::Value =
            serde_json::from_slice(&read_body(asked, ANSWER_CAP).await?).context("reading the daemon's answer")?;
        let text = |name: &str| answer.get(name).and_then(serde_json::Value::as_str).unwrap_or_default();
        if !is_made {
            bail!("the daemon makes no link: {}", text("detail"));
        }
        if as_json {
            print_json(&answer)?;
        } else {
            line(format!(
                "without scripts, the code for the form there: {}",
                plain(text("code"))
            ))?;
            line("it signs you in once, within five minutes:")?;
            line(plain(text("url")))?;
        }
        return Ok(Exit::Ok);
    }
    Err(refused.unwrap_or_else(|| anyhow::anyhow!("there is no role")).context(
        "no socket of the console may be opened from this account; is the daemon running, and are you in the group of a role?",
    ))
}
