//! Named threads that work off [`Slots`].

use std::{
    hash::Hash,
    io,
    panic::{self, AssertUnwindSafe},
    sync::Arc,
    thread,
};

use super::Slots;

/// Named OS threads, each with a worker of its own, that serve one set of slots until it is closed.
#[derive(Debug)]
pub struct Pool<K: Ord + Hash + Clone, J> {
    slots: Arc<Slots<K, J>>,
    threads: Vec<thread::JoinHandle<()>>,
}

impl<K, J> Pool<K, J>
where
    K: Ord + Hash + Clone + Send + 'static,
    J: Send + 'static,
{
    /// Starts one thread a worker, called `name-0`, `name-1`, … (15 bytes at most show in `top`).
    pub fn start<W>(name: &str, workers: impl IntoIterator<Item = W>) -> io::Result<Self>
    where
        W: FnMut(&K, J) + Send + 'static,
    {
        let slots: Arc<Slots<K, J>> = Arc::new(Slots::new());
        let mut pool = Self { slots: Arc::clone(&slots), threads: Vec::new() };
        for (index, mut work) in workers.into_iter().enumerate() {
            let slots = Arc::clone(&slots);
            let thread = thread::Builder::new().name(format!("{name}-{index}")).spawn(move || {
                while let Some(mut taken) = slots.take() {
                    let job = taken.item();
                    // A worker keeps nothing from one job to the next that a panic could leave half-done but buffers, which
                    // the next job fills anew.
                    if panic::catch_unwind(AssertUnwindSafe(|| work(taken.key(), job))).is_err() {
                        tracing::error!(
                            "a job of a pool panicked, and is lost: this is a bug; the pool goes on"
                        );
                    }
                }
            })?;
            pool.threads.push(thread);
        }
        Ok(pool)
    }

    /// Where its work is put.
    pub fn slots(&self) -> &Arc<Slots<K, J>> {
        &self.slots
    }

    /// Lets each worker finish the job at hand, drops what waits, and joins the threads.
    pub fn stop(mut self) {
        self.slots.close();
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a worker thread panicked; its jobs were lost");
            }
        }
    }
}

impl<K: Ord + Hash + Clone, J> Drop for Pool<K, J> {
    fn drop(&mut self) {
        // Not joined here: a drop in the middle of an error must not wait. `stop` is the orderly way.
        self.slots.close();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;
    use crate::time::Mono;

    #[test]
    fn a_job_that_panics_costs_that_job_alone() {
        let (tx, rx) = mpsc::channel();
        let worker = move |_: &u8, job: u32| {
            assert_ne!(job, 1, "as the test wants it");
            tx.send(job).expect("the test listens");
        };
        let pool = Pool::start("test", [worker]).expect("a thread starts");
        pool.slots().put(1, Mono::ZERO, 1);
        pool.slots().put(2, Mono::ZERO, 2);
        assert_eq!(rx.recv(), Ok(2));
        pool.slots().put(1, Mono::ZERO, 3);
        assert_eq!(rx.recv(), Ok(3), "the key is served again");
        pool.stop();
    }

    #[test]
    fn jobs_are_worked_off_by_named_threads() {
        let (tx, rx) = mpsc::channel();
        let workers = (0..2).map(|_| {
            let tx = tx.clone();
            move |key: &u8, job: u32| {
                let name = thread::current().name().unwrap_or_default().to_owned();
                tx.send((*key, job, name)).expect("the test listens");
            }
        });
        let pool = Pool::start("test", workers).expect("threads start");
        pool.slots().put(1, Mono::ZERO, 10);
        let (key, job, name) = rx.recv().expect("worked off");
        assert_eq!((key, job), (1, 10));
        assert!(name.starts_with("test-"), "{name}");
        pool.stop();
    }
}
