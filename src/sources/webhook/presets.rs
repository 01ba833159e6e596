//! What the vendors do, each as the config that one would write otherwise. A key of the user's own takes the place of the preset's.

/// Every preset by its name, with the keys that it stands for.
pub const PRESETS: &[(&str, &str)] = &[
    ("auth0", include_str!("presets/auth0.toml")),
    ("aws-sns", include_str!("presets/aws-sns.toml")),
    ("azure-event-grid", include_str!("presets/azure-event-grid.toml")),
    ("bamboohr", include_str!("presets/bamboohr.toml")),
    ("deel", include_str!("presets/deel.toml")),
    ("github", include_str!("presets/github.toml")),
    ("github-secret-scanning", include_str!("presets/github-secret-scanning.toml")),
    ("google-alert-center", include_str!("presets/google-alert-center.toml")),
    ("google-pubsub", include_str!("presets/google-pubsub.toml")),
    ("gusto", include_str!("presets/gusto.toml")),
    ("hibob", include_str!("presets/hibob.toml")),
    ("merge", include_str!("presets/merge.toml")),
    ("microsoft-graph", include_str!("presets/microsoft-graph.toml")),
    ("okta", include_str!("presets/okta.toml")),
    ("p2-keycloak", include_str!("presets/p2-keycloak.toml")),
    ("pagerduty", include_str!("presets/pagerduty.toml")),
    ("slack", include_str!("presets/slack.toml")),
    ("stripe", include_str!("presets/stripe.toml")),
];

/// What a source without rules of its own reads: our own schema, `revoked.request.v1`.
pub(super) const REQUEST: &str = include_str!("presets/request.toml");
