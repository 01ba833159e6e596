//! Talking to the server: `request` (one call, before it is sent), `client` (the one function that sends, where 429 and every other
//! answer are read), `rate_limits` (`Retry-After` and `X-Ratelimit-*`), `failure` (what a refusal means), `wire` (the JSON), `pages`
//! (pagination), `version`.

pub(in crate::targets::mattermost) mod client;
pub(in crate::targets::mattermost) mod failure;
pub(in crate::targets::mattermost) mod pages;
pub(in crate::targets::mattermost) mod rate_limits;
pub(in crate::targets::mattermost) mod request;
pub(in crate::targets::mattermost) mod version;
pub(in crate::targets::mattermost) mod wire;
