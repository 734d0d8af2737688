//! How a bench is measured and told: medians over samples, allocations counted.

// Counting allocations takes a global allocator, and that is an unsafe trait. It hands everything on to the system's.
#![allow(unsafe_code)]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicU64, Ordering::Relaxed},
    time::{Duration, Instant},
};

use serde_json::{Map, Value, json};

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

/// The system's allocator, counting.
pub(crate) struct Counting;

unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        unsafe { System.dealloc(at, layout) }
    }

    unsafe fn realloc(&self, at: *mut u8, layout: Layout, len: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Relaxed);
        unsafe { System.realloc(at, layout, len) }
    }
}

/// Allocations of the whole process so far.
pub(crate) fn allocations() -> u64 {
    ALLOCATIONS.load(Relaxed)
}

/// Takes samples and prints what they come to.
pub(crate) struct Bencher {
    quick: bool,
}

impl Bencher {
    /// Takes few samples where `QUICK` is set.
    pub(crate) fn new() -> Self {
        Self { quick: std::env::var_os("QUICK").is_some_and(|value| !value.is_empty() && value != "0") }
    }

    /// `full`, or `quick` where few samples are taken.
    pub(crate) fn of<T>(&self, full: T, quick: T) -> T {
        if self.quick { quick } else { full }
    }

    /// Measures `work` in `samples` samples of `times` calls each (a tenth as many samples where few are taken), and prints the
    /// microseconds and the allocations of one call. The first sample is not counted: it warms up.
    pub(crate) fn measure(&self, name: &str, samples: usize, times: usize, mut work: impl FnMut()) {
        let samples = self.of(samples, samples.div_ceil(10));
        let mut taken = Vec::with_capacity(samples);
        let mut allocated = 0;
        for sample in 0..=samples {
            let (before, start) = (allocations(), Instant::now());
            for _ in 0..times {
                work();
            }
            let (took, made) = (start.elapsed(), allocations() - before);
            if sample > 0 {
                taken.push(took / times as u32);
                allocated += made;
            }
        }
        let each = allocated as f64 / (samples * times) as f64;
        self.tell(name, taken, samples * times, json!({ "allocations": round(each) }));
    }

    /// Prints what was measured elsewhere; `more` is an object whose members are added.
    pub(crate) fn tell(&self, name: &str, mut taken: Vec<Duration>, n: usize, more: Value) {
        taken.sort_unstable();
        let at = |share: f64| taken[((taken.len() - 1) as f64 * share).round() as usize].as_secs_f64() * 1e6;
        let mut line = Map::new();
        line.insert("bench".into(), name.into());
        line.insert("unit".into(), "us".into());
        line.insert("median".into(), round(at(0.5)).into());
        line.insert("p95".into(), round(at(0.95)).into());
        line.insert("n".into(), n.into());
        if let Value::Object(more) = more {
            line.extend(more);
        }
        println!("{}", Value::Object(line));
    }
}

/// Three digits behind the point are enough for anything that a bench measures.
pub(crate) fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}
