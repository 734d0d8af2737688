//! A station of our own: its configuration, and a village whose visitors come when they are called.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use cunkou::{
    config::StreamRole,
    id::CameraId,
    sim::{Format, Material, Scenario, Studio, Village},
    time::Clock,
};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{broker::free_port, repository};

/// A station's configuration file, in a folder of its own.
pub(crate) struct Station {
    pub(crate) dir: TempDir,
    pub(crate) file: PathBuf,
}

impl Station {
    /// A station `town` whose cameras are at these addresses, with a broker at this port: whoever comes into view raises an alert.
    pub(crate) fn new(cameras: &[(&str, String)], broker_port: u16) -> Self {
        let (page, models) = (free_port(), repository("models"));
        let mut text = format!(
            r#"[station]
id = "town"
time_zone = "Asia/Shanghai"
stop_grace_s = 60
[paths]
data = "data"
models = "{models}"
[console]
listen = "127.0.0.1:{page}"
[broker]
kind = "external"
host = "127.0.0.1"
port = {broker_port}
[village.upper]
[entry_point.gate]
village = "upper"
[rule.visitor]
kind = "zone-enter"
entry_points = ["gate"]
classes = ["person"]
"#
        );
        for (id, url) in cameras {
            text.push_str(&format!("[camera.{id}]\nentry_point = \"gate\"\nmain = \"{url}\"\n"));
        }
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("town.toml");
        fs::write(&file, text).expect("writable");
        Self { dir, file }
    }

    /// A station whose one camera is never there.
    pub(crate) fn blind(broker_port: u16) -> Self {
        Self::new(&[("gate", format!("rtsp://127.0.0.1:{}/gate", free_port()))], broker_port)
    }

    /// With a broker in the daemon itself, at the same port.
    pub(crate) fn embed_broker(&self, port: u16) {
        let external = format!("kind = \"external\"\nhost = \"127.0.0.1\"\nport = {port}");
        self.change(&external, &format!("kind = \"embedded\"\nlisten = \"127.0.0.1:{port}\""));
    }

    /// Changes the configuration.
    pub(crate) fn change(&self, from: &str, to: &str) {
        let text = fs::read_to_string(&self.file).expect("readable");
        assert!(text.contains(from), "{from} in {text}");
        fs::write(&self.file, text.replace(from, to)).expect("writable");
    }

    /// A path in its folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }
}

/// The village street, as the demo has it.
pub(crate) fn material() -> Material {
    Material::prepare(&cache(), &mut |_| {}).expect("`make test` brings the footage")
}

fn cache() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(".cache/sim")
}

fn scenario(cameras: &[&str]) -> Scenario {
    let ids: Vec<CameraId> = cameras.iter().map(|id| id.parse().expect("an id")).collect();
    Scenario::quiet(&ids)
}

/// Cameras at which nobody comes by himself.
pub(crate) struct Street {
    runtime: Runtime,
    village: Village,
}

impl Street {
    pub(crate) fn open(cameras: &[&str]) -> Self {
        Self::with(scenario(cameras), material())
    }

    /// The same, with the small pictures of a fleet's cameras.
    pub(crate) fn fleet(cameras: &[&str]) -> Self {
        let mut scenario = scenario(cameras);
        for camera in &mut scenario.cameras {
            camera.format = Format::Fleet;
            camera.coding = Some("h264-vbr512max1024-gop2s".parse().expect("a coding"));
        }
        let studio = Studio { cache: cache(), footage: None };
        let material = Material::prepare_for(&scenario, &studio, &mut |_| {}).expect("footage is there");
        Self::with(scenario, material)
    }

    fn with(scenario: Scenario, material: Material) -> Self {
        let runtime = Runtime::new().expect("a runtime");
        let listen = "127.0.0.1:0".parse().expect("an address");
        let village = Village::start(listen, Arc::new(material), scenario, Clock::start());
        let village = runtime.block_on(village).expect("it opens");
        Self { runtime, village }
    }

    /// Ids and addresses of cameras.
    pub(crate) fn cameras<'a>(&self, ids: &[&'a str]) -> Vec<(&'a str, String)> {
        let url = |id: &&'a str| (*id, self.village.url(&id.parse().expect("an id"), StreamRole::Main));
        ids.iter().map(url).collect()
    }

    /// Pulls a camera's plug.
    pub(crate) fn unplug(&self, camera: &str) {
        let camera = camera.parse().expect("an id");
        self.runtime.block_on(self.village.stop_camera(&camera)).expect("there is such a camera");
    }

    /// Plugs it in again.
    pub(crate) fn plug_in(&self, camera: &str) {
        let camera = camera.parse().expect("an id");
        self.runtime.block_on(self.village.resume_camera(&camera)).expect("there is such a camera");
    }

    /// Somebody comes, as soon as nobody else is there.
    pub(crate) fn call(&self, camera: &str, visit: usize) {
        let camera = camera.parse().expect("an id");
        let shown = self.runtime.block_on(self.village.show_visit(&camera, visit));
        assert!(shown.expect("there is such a camera"), "there is such a visit");
    }
}
