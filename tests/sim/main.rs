//! The simulated village as clients see it: real sockets, real clients, real time.
//!
//! Virtual-time tests of its parts are beside the parts.

mod clients;
mod faults;
mod protocol;
mod retina_client;

use std::{
    path::{Path, PathBuf},
    sync::{Arc, OnceLock},
    time::Duration,
};

use cunkou::{
    id::CameraId,
    sim::{Material, Scenario, SimError, Village},
    time::Clock,
};

/// Longest wait for anything that is bound to happen. Generous: machines that test are busy.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Encoded video is kept where the demo keeps it, so that it is made once.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/sim")
}

/// The village street; `None`, and a word, where its footage is not installed.
pub(crate) fn street() -> Option<Arc<Material>> {
    static STREET: OnceLock<Option<Arc<Material>>> = OnceLock::new();
    let made = STREET.get_or_init(|| match Material::prepare(&cache(), &mut |_| ()) {
        Ok(material) => Some(Arc::new(material)),
        Err(error @ SimError::NoFootage { .. }) => {
            eprintln!("skipped: {error}");
            None
        }
        Err(error) => panic!("{error}"),
    });
    made.clone()
}

pub(crate) fn id(name: &str) -> CameraId {
    name.parse().unwrap()
}

pub(crate) fn ids(names: &[&str]) -> Vec<CameraId> {
    names.iter().map(|name| id(name)).collect()
}

pub(crate) async fn open(material: Arc<Material>, scenario: Scenario) -> Village {
    let listen = "127.0.0.1:0".parse().unwrap();
    Village::start(listen, material, scenario, Clock::start()).await.unwrap()
}

/// What `wanted` gives, within the deadline.
pub(crate) async fn soon<T>(what: &str, wanted: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, wanted).await.unwrap_or_else(|_| panic!("{what}: not within {DEADLINE:?}"))
}
