//! Sessions that may still live on a camera after we left them.
//!
//! Some cameras allow few sessions, or send an old session's packets into a new connection (old live555), so a new
//! session waits for the TEARDOWN of the one before. Whoever reconnects is a new [`super::super::Source`] and knows nothing of the
//! one before: this is where they meet.

use std::{
    collections::BTreeMap,
    panic::AssertUnwindSafe,
    sync::{Arc, Mutex, PoisonError, Weak},
    time::Duration,
};

use futures::FutureExt;
use retina::client::SessionGroup;

use crate::id::CameraId;

/// Guards who meets whom: the group of each camera that has a session, or one being torn down, in this process.
/// Held for a lookup only.
static GROUPS: Mutex<BTreeMap<CameraId, Weak<SessionGroup>>> = Mutex::new(BTreeMap::new());

/// The sessions of one camera, both of its streams.
pub(in crate::camera) struct Sessions(Arc<SessionGroup>);

impl Sessions {
    /// Those of a camera.
    pub(in crate::camera) fn of(camera: &CameraId) -> Self {
        let mut groups = GROUPS.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(group) = groups.get(camera).and_then(Weak::upgrade) {
            return Self(group);
        }
        groups.retain(|_, group| group.strong_count() > 0);
        let group = Arc::new(SessionGroup::default().named(camera.to_string()));
        groups.insert(camera.clone(), Arc::downgrade(&group));
        Self(group)
    }

    /// Waits until the camera has answered a TEARDOWN of each session that was dropped, at most for `limit`.
    pub(in crate::camera) async fn settled(&self, limit: Duration) {
        // retina panics here when its own teardown task did (a camera that gave its session no name).
        let teardown = AssertUnwindSafe(self.0.await_teardown()).catch_unwind();
        match tokio::time::timeout(limit, teardown).await {
            Ok(Ok(Ok(())) | Err(_)) => {}
            Ok(Ok(Err(error))) => {
                tracing::debug!(camera = ?self.0.name(), %error, "a session was not torn down")
            }
            Err(_) => tracing::debug!(camera = ?self.0.name(), ?limit, "no answer to teardown"),
        }
    }

    pub(super) fn group(&self) -> Arc<SessionGroup> {
        Arc::clone(&self.0)
    }
}

impl Clone for Sessions {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}
