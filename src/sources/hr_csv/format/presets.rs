//! How the exports of HR systems look, each as the config that one would write otherwise. A key of the operator's own takes the place of
//! the preset's, column by column and word by word.

/// How the exports of one system look.
#[derive(Debug, Clone, Copy)]
pub struct Preset {
    /// Its name in the config.
    pub name: &'static str,
    /// The keys that it stands for, as TOML.
    pub keys: &'static str,
    /// The keys that each installation of that system sets for itself, so that the operator must.
    pub demands: &'static [&'static str],
}

const fn preset(name: &'static str, keys: &'static str, demands: &'static [&'static str]) -> Preset {
    Preset { name, keys, demands }
}

/// Every preset.
pub const PRESETS: &[Preset] = &[
    preset("adp-wfn", include_str!("presets/adp-wfn.toml"), &[]),
    preset("bamboohr", include_str!("presets/bamboohr.toml"), &["dates"]),
    preset("factorial", include_str!("presets/factorial.toml"), &[]),
    preset("gusto", include_str!("presets/gusto.toml"), &[]),
    preset("hibob", include_str!("presets/hibob.toml"), &["dates"]),
    preset("loga-de", include_str!("presets/loga-de.toml"), &[]),
    preset("lucca-fr", include_str!("presets/lucca-fr.toml"), &[]),
    preset("paychex", include_str!("presets/paychex.toml"), &[]),
    preset("paylocity", include_str!("presets/paylocity.toml"), &[]),
    preset("personio-de", include_str!("presets/personio-de.toml"), &[]),
    preset("personio-en", include_str!("presets/personio-en.toml"), &["dates"]),
    preset("rippling", include_str!("presets/rippling.toml"), &[]),
    preset("spanish", include_str!("presets/spanish.toml"), &["separator"]),
    preset("successfactors", include_str!("presets/successfactors.toml"), &[]),
    preset("ukg-pro", include_str!("presets/ukg-pro.toml"), &[]),
    preset("workday", include_str!("presets/workday.toml"), &[]),
];
