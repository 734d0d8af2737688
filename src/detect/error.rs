//! Why something cannot be detected, in words.
//!
//! Owns the errors of this stage and nothing else. Each says what is wrong, where, and how to mend it.

use std::{io, path::PathBuf};

use crate::{config::Provider, geometry::Size};

/// Why a model cannot be used, or a picture not be looked at.
#[derive(Debug, thiserror::Error)]
pub enum DetectError {
    /// No ONNX Runtime on this machine.
    #[error(
        "ONNX Runtime's shared library was not found; looked for {}. Run `make setup`, or name the file by \
         paths.onnxruntime in the configuration or by ORT_DYLIB_PATH",
        list(looked_for)
    )]
    RuntimeMissing {
        /// Every file and directory that was tried.
        looked_for: Vec<PathBuf>,
    },
    /// There is a file, but it is no ONNX Runtime that we can use.
    #[error("{}: not a usable ONNX Runtime library: {why}. Versions from 1.23 on work", path.display())]
    RuntimeUnusable {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        why: String,
    },
    /// A process has one ONNX Runtime, and it has another already.
    #[error(
        "{} was asked for, but this process already runs {}: name one library only",
        asked.display(),
        loaded.display()
    )]
    RuntimeLoaded {
        /// What was asked for.
        asked: PathBuf,
        /// What is there.
        loaded: PathBuf,
    },
    /// A model that nobody has described.
    #[error("{}: there is no such model description; described are: {}", path.display(), known.join(", "))]
    DescriptionMissing {
        /// Where it was expected.
        path: PathBuf,
        /// The ids that are there.
        known: Vec<String>,
    },
    /// A description that is wrong.
    #[error("{}:{line}:{column}: {why}", path.display())]
    Description {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1.
        column: usize,
        /// What is wrong, and how to mend it.
        why: String,
    },
    /// A file or directory that cannot be read.
    #[error("{}: cannot be read: {why}", path.display())]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        why: io::Error,
    },
    /// The model file is not the one that was described.
    #[error(
        "{}: its SHA-256 is {found}, but the description says {expected}: the file is damaged or another \
         one; fetch it again, or describe the new one",
        path.display()
    )]
    Checksum {
        /// The model file.
        path: PathBuf,
        /// Hex.
        expected: String,
        /// Hex.
        found: String,
    },
    /// ONNX Runtime does not take the file.
    #[error("model {model}: ONNX Runtime cannot load it: {why}")]
    Unloadable {
        /// Its id.
        model: String,
        /// What the library said.
        why: String,
    },
    /// The model is not as described.
    #[error("model {model}: the description does not fit the file: {why}")]
    Mismatch {
        /// Its id.
        model: String,
        /// What differs.
        why: String,
    },
    /// The execution provider is not to be had. Nothing else is tried in its place.
    #[error("execution provider {}: {why}", provider_name(*provider))]
    Provider {
        /// Which.
        provider: Provider,
        /// Why not.
        why: String,
    },
    /// The model answered with numbers that are none.
    #[error("model {model}: {why}")]
    Output {
        /// Its id.
        model: String,
        /// What is wrong with them.
        why: String,
    },
    /// A call failed.
    #[error("model {model}: the call failed: {why}")]
    Run {
        /// Its id.
        model: String,
        /// What the library said.
        why: String,
    },
    /// A call panicked: a bug, told in the log.
    #[error("the detector panicked; see the log")]
    Panicked,
    /// The picture, or a part of it, cannot be scaled.
    #[error("a picture of {size} cannot be looked at: {why}")]
    Picture {
        /// Its size.
        size: Size,
        /// Why not.
        why: String,
    },
    /// The pool's threads cannot be started.
    #[error("the detector's threads cannot be started: {0}")]
    Threads(#[source] io::Error),
}

fn list(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

/// As in the configuration.
pub(super) fn provider_name(provider: Provider) -> &'static str {
    match provider {
        Provider::Cpu => "cpu",
        Provider::Cuda => "cuda",
        Provider::Tensorrt => "tensorrt",
        Provider::Openvino => "openvino",
    }
}
