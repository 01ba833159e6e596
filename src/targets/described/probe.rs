//! Looks whether the target is reachable, takes our credential, and shows us what we must see. Changes nothing.

use anyhow::anyhow;

use super::Described;
use super::account::Account;
use super::client::{Call, fail};
use super::description::resolve::Control;
use super::resolve::{asks_by, resolve};
use super::values::Values;
use crate::model::{Resolution, Subject};
use crate::targets::unknown_password::random_word;
use crate::targets::{CallContext, Finding, Level, Probe, Remedy, TargetError};

/// Probes the target.
pub(super) async fn probe(target: &Described, context: &CallContext) -> Result<Probe, TargetError> {
    let session = &target.session;
    // An operator may have put a new credential in place since the old one was refused.
    session
        .client
        .renew_credentials()
        .map_err(|source| fail("reading the credential again", Remedy::Pause, source, None))?;
    session.sign_out();
    target.own_account.forget();
    let description = target.description();
    let mut probe = Probe::default();
    let ours = target.ours(context).await?;
    let values = Values {
        ours: ours.as_deref(),
        ..Values::default()
    };
    if description.acts_as_application {
        nobody(target, context, &mut probe).await?;
    }
    if let Some(configured) = target.own_account.configured() {
        match target.own_account.asked(session, context).await? {
            // Whoever we are, the account can be read: so the credential works, and the config names one that is there.
            None => drop(Account::read(target, context, configured).await?),
            Some(asked) if asked == configured => {}
            Some(asked) => probe.findings.push(Finding {
                level: Level::Error,
                what: format!("`ourselves` is {configured:?}, and the target says that the credential is of the account {asked:?}"),
                advice: "correct `ourselves`, or leave it out: as it is, the account that revoked uses could be contained"
                    .to_owned(),
            }),
        }
    }
    if let Some(version) = &description.version {
        let doing = "asking for the target's version";
        let answer = session
            .send(context, &Call::new(doing, &version.request, values))
            .await?
            .success(doing)?;
        probe.version = version.at.text(&answer.body);
        if probe.version.is_none() {
            return Err(answer.not_understood(format!("there is no version at {}", version.at)));
        }
    }
    let controls = description.resolves.iter().filter_map(|rule| rule.control.as_ref());
    for Control { request, holds } in controls {
        let doing = "making sure that we see who is there";
        let answer = session
            .send(context, &Call::new(doing, request, values))
            .await?
            .success(doing)?;
        if !holds.holds(&answer.body) {
            return Err(fail(
                doing,
                Remedy::Pause,
                anyhow!(
                    "the target does not show us what we must see; give our account the rights that the page of this kind lists"
                ),
                answer.request,
            ));
        }
    }
    if let Some(version) = &probe.version
        && !description.tested.is_empty()
        && !description.tested.iter().any(|tested| is_of(tested, version))
    {
        probe.findings.push(Finding {
            level: Level::Note,
            what: format!(
                "the target is of the version {version}, and the description was run against {}",
                description.tested.join(", ")
            ),
            advice: "rehearse one revocation with revoked target try before you rely on it".to_owned(),
        });
    }
    if description.suspend.is_empty() {
        probe.findings.push(Finding {
            level: Level::Note,
            what: "an account cannot be suspended here: a playbook with `block` ends unverified".to_owned(),
            advice: "suspend people where they sign in, and leave `block` out here".to_owned(),
        });
    }
    probe.acting_as = ours;
    Ok(probe)
}

/// Asks for somebody who cannot be there: our credential works where the target says so.
async fn nobody(target: &Described, context: &CallContext, probe: &mut Probe) -> Result<(), TargetError> {
    let word = random_word().map_err(|source| fail("drawing a name that nobody has", Remedy::Retry, source, None))?;
    let names = [
        Subject::Username(word.clone()),
        Subject::Email(format!("{word}@revoked.invalid")),
        Subject::EmployeeId(word.clone()),
        Subject::Opaque(word),
    ];
    let Some(name) = names.into_iter().find(|name| asks_by(target, name)) else {
        return Ok(());
    };
    if resolve(target, context, &name).await? != Resolution::None {
        probe.findings.push(Finding {
            level: Level::Error,
            what: "the target finds somebody by a name that nobody has".to_owned(),
            advice: "correct `url`, or the description's [[resolve]]: others than those who were asked for would be contained"
                .to_owned(),
        });
    }
    Ok(())
}

/// Whether a version that a description was run against (`1.163.2`, `scim2-server 0.8.3`) is the one that the target names, which may say more:
/// `1.163.2 (b=develop)`.
fn is_of(tested: &str, version: &str) -> bool {
    let number = |text: &str| {
        text.split_ascii_whitespace()
            .rev()
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()))
            .map(str::to_owned)
    };
    let first = version
        .split_ascii_whitespace()
        .find(|word| word.trim_start_matches('v').starts_with(|c: char| c.is_ascii_digit()));
    number(tested).as_deref() == first.map(|first| first.trim_start_matches('v'))
}

#[cfg(test)]
mod tests {
    use super::is_of;

    #[test]
    fn a_version_is_known_by_its_number() {
        for (tested, version, known) in [
            ("1.163.2", "1.163.2 (b=servers,059e6f7)", true),
            ("scim2-server 0.8.3", "v0.8.3", true),
            ("1.163.2", "1.163.20", false),
            ("30.0.0", "unknown", false),
        ] {
            assert_eq!(is_of(tested, version), known, "{tested} {version}");
        }
    }
}
