//! Values as payloads and headers write them: `encoding` (base 16 and 64), `time_format`.

pub(super) mod encoding;
pub(super) mod time_format;
