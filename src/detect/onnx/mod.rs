//! The doorway to ONNX Runtime (crate `ort`): one library and one environment a process, sessions, tensors.
//!
//! Knows nothing of pictures or classes: it is handed a filled input tensor and gives back raw outputs.

mod runtime;
mod session;

pub use runtime::Runtime;
pub(super) use session::{Input, Session};
