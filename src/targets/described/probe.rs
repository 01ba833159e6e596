//! Looks whether the target is reachable, takes our credential, and shows us what we must see. Changes nothing.

use anyhow::anyhow;

use super::Described;
use super::account::Account;
use super::client::{Call, fail};
use super::description::resolve::Control;
use super::values::Values;
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
        ours: Some(&ours),
        ..Values::default()
    };
    if description.ourselves.is_none() {
        // Whoever we are, the account can be read: so the credential works, and the config names one that is there.
        Account::read(target, context, &ours).await?;
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
        && !description.tested.iter().any(|tested| tested.ends_with(version.as_str()))
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
    probe.acting_as = Some(ours);
    Ok(probe)
}
