//! Values as payloads and headers write them: `json_pointer` (RFC 6901), `encoding` (base 16 and 64), `time_format`.

pub(super) mod encoding;
pub(super) mod json_pointer;
pub(super) mod time_format;
