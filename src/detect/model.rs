//! A model on disk: its description, checked, and its bytes, verified.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use sha2::{Digest, Sha256};

use super::{
    Class, DetectError, Facts, SureFrom,
    description::{Description, Wrong},
};
use crate::{geometry::Size, id::ModelId};

/// Largest description, in bytes.
const DESCRIPTION_BYTES_MAX: u64 = 64 * 1024;
/// Largest model file, in bytes: an ONNX file without external data cannot be larger.
const MODEL_BYTES_MAX: u64 = 2 * 1024 * 1024 * 1024;

/// A checked description with the model's verified bytes. Cheap to clone.
#[derive(Clone)]
pub struct Model(Arc<Inner>);

struct Inner {
    id: ModelId,
    description: Description,
    bytes: Vec<u8>,
}

impl Model {
    /// Reads `dir/id.toml` and the model file that it names, and verifies the file's SHA-256.
    ///
    /// # Errors
    /// No such description, a wrong one (with line and column), an unreadable file, or a file that is not the one described.
    pub fn load(dir: &Path, id: &ModelId) -> Result<Self, DetectError> {
        let path = dir.join(format!("{id}.toml"));
        let text = match read(&path, DESCRIPTION_BYTES_MAX) {
            Ok(bytes) => String::from_utf8(bytes).map_err(|err| {
                at(&path, "", Wrong { at: 0, why: format!("the text is not UTF-8: {err}") })
            })?,
            Err(err) if err.kind() == io::ErrorKind::NotFound => {
                let known = Self::list(dir)?.iter().map(ModelId::to_string).collect();
                return Err(DetectError::DescriptionMissing { path, known });
            }
            Err(why) => return Err(DetectError::Unreadable { path, why }),
        };
        let description = Description::read(&text).map_err(|wrong| at(&path, &text, wrong))?;
        let file = dir.join(&description.file);
        let bytes = read(&file, MODEL_BYTES_MAX)
            .map_err(|why| DetectError::Unreadable { path: file.clone(), why })?;
        let found = hex(&Sha256::digest(&bytes));
        if found != description.sha256 {
            return Err(DetectError::Checksum { path: file, expected: description.sha256, found });
        }
        Ok(Self(Arc::new(Inner { id: id.clone(), description, bytes })))
    }

    /// The ids of the models that `dir` describes, in order. Files whose name is no id are passed over.
    ///
    /// # Errors
    /// The directory cannot be read.
    pub fn list(dir: &Path) -> Result<Vec<ModelId>, DetectError> {
        let unreadable = |why| DetectError::Unreadable { path: dir.to_owned(), why };
        let mut ids = Vec::new();
        for entry in fs::read_dir(dir).map_err(unreadable)? {
            let name = entry.map_err(unreadable)?.file_name();
            let stem = name.to_str().and_then(|name| name.strip_suffix(".toml"));
            ids.extend(stem.and_then(|stem| stem.parse::<ModelId>().ok()));
        }
        ids.sort();
        Ok(ids)
    }

    /// Its id: the description's file name without `.toml`. Payloads carry it.
    pub fn name(&self) -> &str {
        self.0.id.as_str()
    }

    /// SHA-256 of the model file, lower-case hex.
    pub fn sha256(&self) -> &str {
        &self.0.description.sha256
    }

    /// Its description.
    pub fn description(&self) -> &Description {
        &self.0.description
    }

    /// Width and height of the network's input, in pixels.
    pub fn input_size(&self) -> Size {
        self.0.description.input.size
    }

    /// What those who use its detections have to know of it.
    pub fn facts(&self) -> Facts {
        let sure_from = Class::ALL.map(|class| self.threshold(class).unwrap_or(1.0));
        Facts { input_side_px: self.input_side_px(), sure_from: SureFrom(sure_from) }
    }

    /// The shorter side of the network's input, in pixels.
    pub fn input_side_px(&self) -> u32 {
        let size = self.input_size();
        size.w.min(size.h)
    }

    /// Confidence from which on a class counts as found; what is reported below it is doubtful. `None` where the model does
    /// not know the class.
    pub fn threshold(&self, class: Class) -> Option<f32> {
        let kept = &self.0.description.classes.kept;
        kept.iter().filter(|kept| kept.class == class).map(|kept| kept.threshold).reduce(f32::min)
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.0.bytes
    }
}

impl std::fmt::Debug for Model {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Model({}, {})", self.name(), self.sha256())
    }
}

fn read(path: &Path, bytes_max: u64) -> io::Result<Vec<u8>> {
    let len = fs::metadata(path)?.len();
    if len > bytes_max {
        return Err(io::Error::other(format!("it holds {len} bytes; {bytes_max} is the limit")));
    }
    fs::read(path)
}

fn hex(digest: &[u8]) -> String {
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A mistake with its line and column, both from 1.
fn at(path: &Path, text: &str, wrong: Wrong) -> DetectError {
    let before = text.get(..wrong.at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    DetectError::Description {
        path: PathBuf::from(path),
        line: before.matches('\n').count() + 1,
        column: before[line_start..].chars().count() + 1,
        why: wrong.why,
    }
}
