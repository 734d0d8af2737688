//! The cameras as they are drawn now: which zones, lines, masks and rules are in force.
//!
//! Owns the one truth about it, and the way of a change into the lane that judges by it. Everybody else asks here, and keeps no camera of his own for its
//! masks or rules.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use tokio::{sync::watch, time::timeout};

use crate::{config::Camera, id::CameraId};

/// A lane takes on what is drawn between two events: it is stuck where that takes so long.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);

/// Every camera of the station as it is drawn now.
#[derive(Debug)]
pub struct Cameras(BTreeMap<CameraId, Place>);

#[derive(Debug)]
struct Place {
    drawn: watch::Sender<Arc<Camera>>,
    /// What the lane judges by.
    taken: watch::Receiver<Arc<Camera>>,
}

/// A lane's end: it hears that its camera was drawn anew, and says that it has taken that on.
#[derive(Debug)]
pub struct Seat {
    drawn: watch::Receiver<Arc<Camera>>,
    taken: watch::Sender<Arc<Camera>>,
}

/// Why a lane does not judge by what is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotTaken {
    /// It has ended.
    #[error("the station is stopping; what is saved is in force after the next start")]
    Stopped,
    /// It does not answer.
    #[error(
        "the camera's lane does not answer; what is saved is in force as soon as it does, and after the next start"
    )]
    Stuck,
    /// There is none.
    #[error("this camera does not run")]
    Unknown,
}

impl Cameras {
    /// As configured, with a seat for each lane, in their order.
    pub fn new(cameras: &[Arc<Camera>]) -> (Self, Vec<Seat>) {
        let (mut places, mut seats) = (BTreeMap::new(), Vec::with_capacity(cameras.len()));
        for camera in cameras {
            let (drawn, hears) = watch::channel(Arc::clone(camera));
            let (says, taken) = watch::channel(Arc::clone(camera));
            seats.push(Seat { drawn: hears, taken: says });
            places.insert(camera.id.clone(), Place { drawn, taken });
        }
        (Self(places), seats)
    }

    /// A camera as it is drawn now.
    pub fn get(&self, camera: &CameraId) -> Option<Arc<Camera>> {
        self.0.get(camera).map(|place| Arc::clone(&place.drawn.borrow()))
    }

    /// Draws a camera anew, and waits until its lane judges by that. Where it does not, the camera is drawn all the same.
    pub async fn draw(&self, camera: Arc<Camera>) -> Result<(), NotTaken> {
        let place = self.0.get(&camera.id).ok_or(NotTaken::Unknown)?;
        let mut taken = place.taken.clone();
        place.drawn.send_replace(Arc::clone(&camera));
        match timeout(TAKEN_WITHIN, taken.wait_for(|taken| Arc::ptr_eq(taken, &camera))).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(_)) => Err(NotTaken::Stopped),
            Err(_) => Err(NotTaken::Stuck),
        }
    }
}

impl Seat {
    /// The camera as it is drawn now, for a lane that begins.
    pub fn look(&mut self) -> Arc<Camera> {
        Arc::clone(&self.drawn.borrow_and_update())
    }

    /// The camera, once it is drawn anew; never, where nobody can draw it any more. Cancel safe.
    pub async fn redrawn(&mut self) -> Arc<Camera> {
        match self.drawn.changed().await {
            Ok(()) => self.look(),
            Err(_) => std::future::pending().await,
        }
    }

    /// The lane judges by this camera.
    pub fn take_on(&self, camera: Arc<Camera>) {
        self.taken.send_replace(camera);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    #[tokio::test]
    async fn a_camera_is_drawn_once_its_lane_has_taken_it_on() {
        let first = Arc::new(testing::camera());
        let (cameras, mut seats) = Cameras::new(std::slice::from_ref(&first));
        let mut seat = seats.remove(0);
        assert!(Arc::ptr_eq(&seat.look(), &first));
        let second = Arc::new(testing::camera());
        let lane = async {
            let drawn = seat.redrawn().await;
            assert!(Arc::ptr_eq(&cameras.get(&first.id).expect("it is there"), &drawn));
            seat.take_on(drawn);
        };
        let (drawn, ()) = tokio::join!(cameras.draw(Arc::clone(&second)), lane);
        assert_eq!(drawn, Ok(()));
        drop(seat);
        assert_eq!(cameras.draw(Arc::clone(&first)).await, Err(NotTaken::Stopped));
        assert!(
            Arc::ptr_eq(&cameras.get(&first.id).expect("it is there"), &first),
            "it is drawn all the same"
        );
    }

    #[tokio::test]
    async fn a_camera_that_does_not_run_cannot_be_drawn() {
        let (none, seats) = Cameras::new(&[]);
        assert!(seats.is_empty());
        assert_eq!(none.draw(Arc::new(testing::camera())).await, Err(NotTaken::Unknown));
    }
}
