//! temp
pub mod world;
