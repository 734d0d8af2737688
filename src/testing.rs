//! What tests of several modules need.

use std::time::Duration;

use crate::config::{AttentionPolicy, Camera, Name, RecordPolicy, StreamRole, Transport, ViewPolicy};

/// A camera that is neither analysed nor recorded.
pub(crate) fn camera() -> Camera {
    Camera {
        id: "gate".parse().expect("an id"),
        name: Name { zh: "村口".to_owned(), en: "gate".to_owned() },
        entry_point: "gate".parse().expect("an id"),
        maintenance: false,
        main: "rtsp://127.0.0.1/main".parse().expect("a URL"),
        sub: None,
        credentials: None,
        transport: Transport::Tcp,
        analyse: StreamRole::Main,
        attention: AttentionPolicy::Off,
        look_every: Duration::from_secs(10),
        record: RecordPolicy::off(),
        detect_fps: 5.0,
        view: ViewPolicy::Auto,
        masks: Vec::new(),
        zones: Default::default(),
        lines: Default::default(),
        rules: Vec::new(),
    }
}

/// A small file system in memory, where we may mount one.
pub(crate) struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// Mounts one; `None`, and a word why, where it may not be.
    pub(crate) fn mount(size: &str) -> Option<Self> {
        let dir = tempfile::tempdir().expect("a directory");
        let mount = ["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"];
        let mounted = std::process::Command::new("mount").args(mount).arg(dir.path()).output();
        if mounted.is_ok_and(|out| out.status.success()) {
            return Some(Self(dir));
        }
        eprintln!("skipped: a small disk cannot be mounted here (it needs root)");
        None
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &std::path::Path {
        self.0.path()
    }

    /// Takes all of its room.
    pub(crate) fn fill(&self) {
        let mut ballast = std::fs::File::create(self.0.path().join("ballast")).expect("writable");
        while std::io::Write::write_all(&mut ballast, &[0; 4096]).is_ok() {}
    }

    /// Gives it back.
    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.0.path().join("ballast")).expect("removable");
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(self.0.path()).status();
    }
}
