//! The other side: `metadata` (what a transmitter says about itself), `access_token` (what opens its API to us), `management` (its stream
//! management API), `subject_format` (our subjects in the words of RFC 9493).

pub(super) mod access_token;
pub(super) mod management;
pub(super) mod metadata;
pub(super) mod subject_format;
