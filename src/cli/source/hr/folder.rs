//! Which drop folders are meant.

use crate::cli::UsageError;
use crate::cli::output::plain;
use crate::config::Config;
use crate::sources::Source;
use crate::sources::hr_csv::HrCsv;

/// The drop folders of the config, each with its source's name; or the one that is asked for.
///
/// # Errors
/// Where there is none, or none of that name: with the names that there are.
pub(super) fn folders<'c>(config: &'c Config, wanted: Option<&str>) -> anyhow::Result<Vec<(&'c str, &'c HrCsv)>> {
    let all = config.sources.iter().filter_map(|source| {
        let Source::Pull(pull) = &source.source else { return None };
        let any: &dyn std::any::Any = pull.as_ref();
        Some((source.name.as_str(), any.downcast_ref::<HrCsv>()?))
    });
    let all: Vec<(&str, &HrCsv)> = all.collect();
    let names: Vec<String> = all.iter().map(|(name, _)| plain(name)).collect();
    let found: Vec<_> = match wanted {
        Some(wanted) => all.into_iter().filter(|(name, _)| *name == wanted).collect(),
        None => all,
    };
    let text = match wanted {
        _ if !found.is_empty() => return Ok(found),
        Some(wanted) if !names.is_empty() => {
            format!(
                "no source of the kind hr-csv is called {:?}; there is {}",
                plain(wanted),
                names.join(", ")
            )
        }
        _ => "no source of the kind hr-csv is configured".to_owned(),
    };
    Err(UsageError(text).into())
}
