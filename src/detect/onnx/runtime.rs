//! Finding and loading ONNX Runtime's shared library, once a process.

use std::{
    env, fs,
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use ort::{environment::Environment, ep};

use crate::{
    config::Provider,
    detect::{DetectError, error::provider_name},
};

/// ONNX Runtime, loaded. Cheap to clone: a process has one.
#[derive(Debug, Clone)]
pub struct Runtime {
    environment: Environment,
    path: PathBuf,
}

/// The one environment of this process. Guards loading alone; it is never held while a model runs.
static LOADED: Mutex<Option<Runtime>> = Mutex::new(None);

/// The library's name, as installed by its own packages.
const FILE: &str = "libonnxruntime.so";

/// Where distributions and administrators put libraries.
const SYSTEM_DIRS: [&str; 7] = [
    "/usr/local/lib",
    "/usr/lib",
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/opt/onnxruntime/lib",
    "/usr/lib/cunkou",
];

impl Runtime {
    /// Loads the library: from `explicit` (the file, or a directory that has it) or else from `ORT_DYLIB_PATH`, and nowhere else
    /// where one of them is given; else from `.cache/onnxruntime/` under the working directory, beside the executable, or
    /// a system directory, whichever has it first. Telemetry is off. A second call gives the same runtime again.
    ///
    /// # Errors
    /// No library, one that is too old or is none, or another one than this process runs already.
    pub fn load(explicit: Option<&Path>) -> Result<Self, DetectError> {
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(runtime) = loaded.as_ref() {
            return match explicit.map(|path| (path, in_place(path))) {
                Some((path, found)) if found.as_deref() != Some(runtime.path.as_path()) => {
                    Err(DetectError::RuntimeLoaded { asked: path.to_owned(), loaded: runtime.path.clone() })
                }
                _ => Ok(runtime.clone()),
            };
        }
        let path = find(explicit)?;
        let unusable = |why: String| DetectError::RuntimeUnusable { path: path.clone(), why };
        let environment = ort::init_from(&path)
            .map_err(|err| unusable(err.to_string()))?
            .with_name("cunkou")
            .with_telemetry(false)
            .build()
            .map_err(|err| unusable(err.to_string()))?;
        environment.set_log_level(ort::logging::LogLevel::Warning);
        tracing::debug!(library = %path.display(), "ONNX Runtime is loaded");
        let runtime = Self { environment, path };
        *loaded = Some(runtime.clone());
        Ok(runtime)
    }

    /// The file that was loaded.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The execution providers that this library was built with. That one of them is listed does not say that the
    /// machine has the hardware.
    pub fn providers(&self) -> Vec<Provider> {
        use ort::ep::ExecutionProvider;
        let mut have = vec![Provider::Cpu];
        let others = [
            (Provider::Cuda, ep::CUDA::is_available()),
            (Provider::Tensorrt, ep::TensorRT::is_available()),
            (Provider::Openvino, ep::OpenVINO::is_available()),
        ];
        have.extend(others.into_iter().filter(|(_, there)| matches!(there, Ok(true))).map(|(p, _)| p));
        have
    }

    pub(super) fn environment(&self) -> &Environment {
        &self.environment
    }

    /// That the library has this provider, or which it has.
    pub(super) fn require(&self, provider: Provider) -> Result<(), DetectError> {
        let have = self.providers();
        if have.contains(&provider) {
            return Ok(());
        }
        let have: Vec<_> = have.into_iter().map(provider_name).collect();
        let why =
            format!("the library {} was built without it; it has: {}", self.path.display(), have.join(", "));
        Err(DetectError::Provider { provider, why })
    }
}

fn find(explicit: Option<&Path>) -> Result<PathBuf, DetectError> {
    let named = explicit
        .map(Path::to_owned)
        .or_else(|| env::var_os("ORT_DYLIB_PATH").filter(|value| !value.is_empty()).map(PathBuf::from));
    let places = match named {
        Some(path) => vec![path],
        None => {
            let beside = env::current_exe().ok().and_then(|exe| Some(exe.parent()?.to_owned()));
            let cache = PathBuf::from(".cache/onnxruntime");
            std::iter::once(cache).chain(beside).chain(SYSTEM_DIRS.map(PathBuf::from)).collect()
        }
    };
    places.iter().find_map(|place| in_place(place)).ok_or(DetectError::RuntimeMissing { looked_for: places })
}

/// The library at `place`: the file itself, or the one that a directory has. Absolute, links followed.
fn in_place(place: &Path) -> Option<PathBuf> {
    let found = if place.is_dir() {
        let plain = place.join(FILE);
        if plain.is_file() { plain } else { newest_in(place)? }
    } else {
        place.to_owned()
    };
    // Absolute, since ort looks for a relative one beside the executable first.
    fs::canonicalize(found).ok().filter(|path| path.is_file())
}

/// `libonnxruntime.so.X.Y.Z` with the highest version.
fn newest_in(dir: &Path) -> Option<PathBuf> {
    let version = |path: &PathBuf| {
        let tail = path.file_name()?.to_str()?.strip_prefix(FILE)?.strip_prefix('.')?;
        tail.split('.').map(|part| part.parse::<u32>().ok()).collect::<Option<Vec<_>>>()
    };
    let files = fs::read_dir(dir).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.filter_map(|path| Some((version(&path)?, path))).max().map(|(_, path)| path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_library_is_found_by_file_and_by_directory() {
        let dir = tempfile::tempdir().expect("a directory");
        let dir_path = fs::canonicalize(dir.path()).expect("it exists");
        assert_eq!(in_place(&dir_path), None, "an empty directory has none");
        for name in ["libonnxruntime.so.1.9.0", "libonnxruntime.so.1.23.2", "libonnxruntime.so.txt"] {
            fs::write(dir_path.join(name), b"").expect("written");
        }
        let newest = dir_path.join("libonnxruntime.so.1.23.2");
        assert_eq!(in_place(&dir_path), Some(newest.clone()));
        assert_eq!(in_place(&newest), Some(newest));
        fs::write(dir_path.join(FILE), b"").expect("written");
        assert_eq!(in_place(&dir_path), Some(dir_path.join(FILE)));
    }

    #[test]
    fn an_explicit_place_is_the_only_one_that_is_tried() {
        let nowhere = Path::new("/nonexistent/libonnxruntime.so");
        match find(Some(nowhere)) {
            Err(DetectError::RuntimeMissing { looked_for }) => assert_eq!(looked_for, [nowhere]),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_file_that_is_no_library_is_refused_in_words() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join(FILE);
        fs::write(&file, b"no library").expect("written");
        let err = Runtime::load(Some(&file)).expect_err("it is no library");
        // Another test of this process may have loaded the real one.
        assert!(
            matches!(err, DetectError::RuntimeUnusable { .. } | DetectError::RuntimeLoaded { .. }),
            "{err:?}"
        );
        assert!(err.to_string().contains(FILE), "{err}");
    }
}
