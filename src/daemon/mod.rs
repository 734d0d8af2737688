//! Start order and stop order: one station's daemon, put together.

pub mod clerk;
mod office;
