//! The Kalman filter of one box: constant velocity, real time steps.
//!
//! Owns where a box is, how fast it goes, and how sure we are of both. It knows nothing of detections, classes or births.
//!
//! The state is centre, width and height, and the velocity of each. As in SORT's successors every matrix of that model is
//! block-diagonal (no noise couples two of the four), so that four filters of two states are the same filter exactly,
//! at a fraction of the arithmetic. Noise grows with the height of the box (ByteTrack, Zhang et al. 2022), and with
//! the time that passed rather than with frames, since frames are skipped. Velocities decay while nothing is seen,
//! so that who is lost behind a car is expected behind the car and not a street further.

use crate::geometry::UnitBox;

/// A box in heights of the picture: x too, so that a step to the side is as long as one upwards.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Shape {
    pub(super) cx: f32,
    pub(super) cy: f32,
    pub(super) w: f32,
    pub(super) h: f32,
}

impl Shape {
    /// From shares of a picture that is `aspect` times as wide as high.
    pub(super) fn from_unit(bbox: &UnitBox, aspect: f32) -> Self {
        Self {
            cx: (bbox.l + bbox.r) * 0.5 * aspect,
            cy: (bbox.t + bbox.b) * 0.5,
            w: bbox.w() * aspect,
            h: bbox.h(),
        }
    }

    /// In shares of a picture that is `aspect` times as wide as high, cut to it.
    pub(super) fn to_unit(self, aspect: f32) -> UnitBox {
        let (w, h) = (self.w.max(0.0) * 0.5, self.h.max(0.0) * 0.5);
        UnitBox::new((self.cx - w) / aspect, self.cy - h, (self.cx + w) / aspect, self.cy + h).clamped()
    }

    /// Edge of the square of the same area.
    pub(super) fn size(&self) -> f32 {
        (self.w.max(0.0) * self.h.max(0.0)).sqrt()
    }

    /// Left, top, right, bottom.
    pub(super) fn edges(&self) -> [f32; 4] {
        let (w, h) = (self.w * 0.5, self.h * 0.5);
        [self.cx - w, self.cy - h, self.cx + w, self.cy + h]
    }

    /// Between the centres, in heights of the picture.
    pub(super) fn distance(&self, other: &Self) -> f32 {
        (self.cx - other.cx).hypot(self.cy - other.cy)
    }

    /// Intersection over union, 0..=1.
    pub(super) fn iou(&self, other: &Self) -> f32 {
        let (a, b) = (self.edges(), other.edges());
        let w = (a[2].min(b[2]) - a[0].max(b[0])).max(0.0);
        let h = (a[3].min(b[3]) - a[1].max(b[1])).max(0.0);
        let all = self.w * self.h + other.w * other.h - w * h;
        if all > 0.0 { w * h / all } else { 0.0 }
    }

    /// A share of the way to `other`.
    pub(super) fn towards(&self, other: &Self, share: f32) -> Self {
        let mix = |a: f32, b: f32| a + (b - a) * share;
        Self {
            cx: mix(self.cx, other.cx),
            cy: mix(self.cy, other.cy),
            w: mix(self.w, other.w),
            h: mix(self.h, other.h),
        }
    }

    fn array(self) -> [f32; 4] {
        [self.cx, self.cy, self.w, self.h]
    }
}

/// Standard deviation of one measurement, as a share of the box's height (ByteTrack's 1/20).
const MEASURED: f32 = 0.05;
/// How much velocity wanders: heights a second, per square root of a second. ByteTrack's 1/160 a frame at 30 frames a second is 1.0.
const WANDER: f32 = 1.0;
/// The same for width and height, which change slowly.
const WANDER_SIZE: f32 = 0.25;
/// Velocity falls to 1/e in this time unless measured again, seconds.
const DECAY_S: f32 = 3.0;
/// The same for width and height.
const DECAY_SIZE_S: f32 = 0.5;
/// No uncertainty grows past this many heights: beyond it nothing is known anyway.
const UNSURE_MAX: f32 = 4.0;

/// One coordinate: value, velocity and their covariance.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Axis {
    x: f32,
    v: f32,
    xx: f32,
    xv: f32,
    vv: f32,
}

impl Axis {
    fn new(x: f32, sd: f32, speed_sd: f32) -> Self {
        Self { x, v: 0.0, xx: sd * sd, xv: 0.0, vv: speed_sd * speed_sd }
    }

    fn predict(&mut self, dt: f32, decay_s: f32, wander: f32, limit: f32) {
        let kept = (-dt / decay_s).exp();
        let reach = decay_s * (1.0 - kept);
        let q = wander * wander;
        self.x += reach * self.v;
        self.v *= kept;
        let (xx, xv, vv) = (self.xx, self.xv, self.vv);
        self.vv = (kept * kept * vv + q * dt).min(limit * limit);
        self.xx = (xx + 2.0 * reach * xv + reach * reach * vv + q * dt * dt * dt / 3.0).min(limit * limit);
        let most = 0.999 * (self.xx * self.vv).sqrt();
        self.xv = (kept * (xv + reach * vv) + q * dt * dt * 0.5).clamp(-most, most);
    }

    fn measure(&mut self, z: f32, sd: f32) {
        let s = self.xx + sd * sd;
        let (kx, kv) = (self.xx / s, self.xv / s);
        let gap = z - self.x;
        self.x += kx * gap;
        self.v += kv * gap;
        self.vv = (self.vv - kv * self.xv).max(1e-12);
        self.xv *= 1.0 - kx;
        self.xx = (self.xx * (1.0 - kx)).max(1e-12);
    }
}

/// Where one box is, and how fast it goes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Filter {
    axes: [Axis; 4],
}

impl Filter {
    /// From a first measurement; `speed` is the typical speed of such things, in heights of the box a second.
    pub(super) fn new(at: Shape, speed: f32) -> Self {
        let sd = 2.0 * MEASURED * at.h;
        let [cx, cy, w, h] = at.array();
        let (fast, slow) = (speed * at.h, 0.2 * at.h);
        Self {
            axes: [
                Axis::new(cx, sd, fast),
                Axis::new(cy, sd, fast),
                Axis::new(w, sd, slow),
                Axis::new(h, sd, slow),
            ],
        }
    }

    /// `dt` seconds pass.
    pub(super) fn predict(&mut self, dt: f32) {
        let h = self.axes[3].x.max(1e-3);
        let limit = UNSURE_MAX * h;
        for (i, axis) in self.axes.iter_mut().enumerate() {
            match i {
                0 | 1 => axis.predict(dt, DECAY_S, WANDER * h, limit),
                _ => axis.predict(dt, DECAY_SIZE_S, WANDER_SIZE * h, limit),
            }
        }
        for size in &mut self.axes[2..] {
            size.x = size.x.max(1e-3);
        }
    }

    /// It is seen at `shape` with `confidence` (0..=1): the surer, the more it counts (NSA Kalman, Du et al. 2021, softened).
    pub(super) fn measure(&mut self, shape: Shape, confidence: f32) {
        let sd = MEASURED * shape.h.max(1e-3) * (1.5 - confidence.clamp(0.0, 1.0));
        for (axis, z) in self.axes.iter_mut().zip(shape.array()) {
            axis.measure(z, sd);
        }
    }

    /// Seen again after a gap of `dt` seconds: walks from the last measurement to this one in a straight line, so that what
    /// was imagined meanwhile is forgotten (observation-centric re-update, OC-SORT, Cao et al. 2023). `self` is the filter as of
    /// the last measurement, which was at `last`.
    pub(super) fn measure_again(&mut self, last: Shape, shape: Shape, dt: f32, confidence: f32) {
        const STEPS_MAX: f32 = 8.0;
        let steps = (dt / 0.1).ceil().clamp(1.0, STEPS_MAX);
        for step in 1..=steps as u32 {
            self.predict(dt / steps);
            self.measure(last.towards(&shape, step as f32 / steps), confidence);
        }
    }

    /// It stands: whatever velocity there was is over.
    pub(super) fn stop(&mut self) {
        for axis in &mut self.axes {
            axis.v = 0.0;
            axis.xv = 0.0;
        }
    }

    /// Where it is by now.
    pub(super) fn shape(&self) -> Shape {
        Shape { cx: self.axes[0].x, cy: self.axes[1].x, w: self.axes[2].x, h: self.axes[3].x }
    }

    /// Velocity of the centre, in heights of the picture a second.
    pub(super) fn velocity(&self) -> (f32, f32) {
        (self.axes[0].v, self.axes[1].v)
    }

    /// Standard deviation of the centre, in heights of the picture.
    pub(super) fn unsure(&self) -> f32 {
        self.axes[0].xx.max(self.axes[1].xx).sqrt()
    }
}
