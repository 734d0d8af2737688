//! File → truth, all errors at once.
//!
//! `read` turns TOML text into [`Config`], or into every error that it has. Nothing else in the house
//! reads configuration, and nothing downstream checks it again.

mod truth;

pub use truth::*;
