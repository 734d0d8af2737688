//! What a process asks of its machine.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Raises the limit of open files to the most that this user may have: each camera takes a socket and some descriptors of its decoder.
pub fn raise_file_limit() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    if let Err(error) = setrlimit(Resource::Nofile, limit) {
        tracing::warn!(%error, "the limit of open files cannot be raised: a large fleet may not connect");
    }
}
