//! `[telemetry]`: where traces of cases go, if anywhere.

use super::Diagnostics;
use super::file;
use super::transmitter::endpoint_url;
use crate::http::{Bounds, client};
use crate::traces::Settings;

/// Checks `[telemetry]`; `installation` is the origin of the trail.
pub(super) fn traces(written: &file::Telemetry, installation: &str, found: &mut Diagnostics) -> Option<Settings> {
    let Some(otlp) = &written.otlp else {
        if let Some(authorization) = &written.authorization {
            found.complain(authorization.span(), "authorization: it means nothing without otlp");
        }
        return None;
    };
    let collector = endpoint_url(otlp.get_ref())
        .and_then(|url| {
            let is_bare = url.query().is_none() && url.fragment().is_none();
            anyhow::ensure!(is_bare, "it must have neither a query nor a fragment");
            Ok(url)
        })
        .map_err(|error| found.complain(otlp.span(), format!("otlp: {error:#}, such as \"http://127.0.0.1:4318\"")))
        .ok();
    let authorization = match &written.authorization {
        None => None,
        Some(source) => {
            let secret = source.get_ref().read();
            let secret =
                secret.map_err(|error| found.complain(source.span(), format!("authorization: {:#}", anyhow::Error::from(error))));
            Some(secret.ok()?)
        }
    };
    let client = client(Bounds::default())
        .map_err(|error| found.complain(otlp.span(), format!("otlp: {error:#}")))
        .ok()?;
    Some(Settings {
        collector: collector?,
        authorization,
        client,
        installation: installation.to_owned(),
    })
}
