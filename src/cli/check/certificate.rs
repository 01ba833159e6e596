//! What `check` finds about the certificate that the console shows. One that cannot be used is a mistake in the config already.

use crate::config::ConsoleSettings;
use crate::model::Timestamp;
use crate::targets::{Finding, Level};

pub(super) fn findings(console: &ConsoleSettings, now: Timestamp) -> Option<Finding> {
    let files = console.tls.as_ref()?;
    let path = files.certificate.display();
    let finding = |level, what: String, advice: &str| {
        Some(Finding {
            level,
            what: format!("the console's certificate {path} {what}"),
            advice: advice.to_owned(),
        })
    };
    let leaf = match files.leaf() {
        Ok(leaf) => leaf,
        Err(error) => {
            let advice = "whether it is sound the daemon says, by the alerts certificate_refused and certificate_expires";
            return finding(Level::Note, format!("is not for this account to read: {error:#}"), advice);
        }
    };
    if let Some(fault) = leaf.fault(now, console.host().unwrap_or_default()) {
        let advice = "browsers and programs refuse it: put a good one there, which the daemon takes over within a minute";
        return finding(Level::Error, format!("is not good: {fault}"), advice);
    }
    let days = leaf.until().since(now).as_secs() / 86_400;
    let what = format!("expires in {days} days, on {}", leaf.until());
    let advice = "see what should have renewed it; the daemon takes a new one over within a minute";
    (now >= leaf.renewed_by()).then(|| finding(Level::Warning, what, advice))?
}
