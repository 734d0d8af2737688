//! Tracks → alerts: zones, lines, dwell, hours, cooldown.
//!
//! Owns the judgement whether something is worth an alert, for one camera, and when that is over. Pure: it is told the time.
//! What happens to an alert then belongs to `alert` and `store`.

use crate::alert::{Alert, Change};

/// What the rules of one camera say after a frame.
#[derive(Debug, Clone)]
pub struct Verdict {
    /// Begins, goes on with news, ends.
    pub change: Change,
    /// The alert as of now.
    pub alert: Alert,
}
