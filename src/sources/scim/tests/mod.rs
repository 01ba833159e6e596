//! The small languages of SCIM, by themselves.
