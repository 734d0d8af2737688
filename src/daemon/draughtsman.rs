//! The draughtsman: what somebody draws on a camera comes into the file of the configuration, and into its lane.
//!
//! Owns the order "file, then lane", that one draws after the other, and that it is written down who did. How a text is changed is `zones`'; judging by it,
//! the lane's. A kill in between loses nothing: the next start reads the file.

use std::{path::PathBuf, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};
use serde_json::json;
use similar::{ChangeTag, TextDiff};
use tokio::{
    sync::{Mutex, Semaphore, mpsc},
    task::spawn_blocking,
    time::timeout,
};

use crate::{
    config::{Camera, Config, Problem, Problems, Source},
    console::{
        Journal,
        zones::{Draft, Moment, NotDrawn, OfRule, Saved, Shadow, Trial, ZoneRoom, ZonesPage},
    },
    evidence::{Act, Action, Actor, EvidenceError, Purpose},
    id::{CameraId, RuleId},
    shadow::{self, Log, Outcome, Tally, Tried},
    time::{Clock, Wall},
    zones::{Cameras, Drawing, NotEdited, NotWritten, Sheet, Trouble, edit, keep},
};

/// Looks over which a draft is tried, at most: some fifty megabytes.
const LOOKS_MAX: usize = 1_000_000;
/// Moments that are told, at most.
const MOMENTS_MAX: usize = 200;
/// Lines of the file that are shown around each change.
const CONTEXT_LINES: usize = 3;
/// How long a trial waits for the one before it.
const TURN_WITHIN: Duration = Duration::from_secs(20);

/// Where cameras are drawn on.
pub(super) struct Draughtsman {
    config: Arc<Config>,
    drawn: Arc<Cameras>,
    /// Who counts alerts of rules.
    office: mpsc::Sender<Arc<Camera>>,
    journal: Journal,
    clock: Clock,
    /// There is one file: one draws after the other.
    turn: Mutex<()>,
    /// A trial takes a core for a moment: lanes need the others.
    trial: Arc<Semaphore>,
}

/// A draft, written into the text that it was drawn on.
struct Plan {
    sheet: Sheet,
    text: String,
    /// The running camera as it would be drawn.
    camera: Arc<Camera>,
}

impl Draughtsman {
    pub(super) fn new(
        config: Arc<Config>,
        drawn: Arc<Cameras>,
        office: mpsc::Sender<Arc<Camera>>,
        journal: Journal,
        clock: Clock,
    ) -> Self {
        let (turn, trial) = (Mutex::new(()), Arc::new(Semaphore::new(1)));
        Self { config, drawn, office, journal, clock, turn, trial }
    }

    fn running(&self, camera: &CameraId) -> Result<Arc<Camera>, NotDrawn> {
        self.drawn.get(camera).ok_or_else(|| NotDrawn::Unknown(camera.clone()))
    }

    fn source(&self) -> Result<&Source, NotDrawn> {
        let nowhere = || NotDrawn::Locked("the configuration was not read from a file".to_owned());
        self.config.source.as_ref().ok_or_else(nowhere)
    }

    fn history(&self) -> PathBuf {
        self.config.paths.data.join("config-history")
    }

    /// What is drawn on a camera. Blocks.
    fn read(&self, id: CameraId) -> Result<ZonesPage, NotDrawn> {
        let running = self.running(&id)?;
        let as_it_runs = |base: String, why: String| ZonesPage {
            base,
            writable: false,
            why: Some(why),
            camera: id.clone(),
            drawing: Drawing::of(&running, None),
            hours: Vec::new(),
        };
        let source = match self.source() {
            Ok(source) => source,
            Err(why) => return Ok(as_it_runs(String::new(), why.to_string())),
        };
        let sheet = match Sheet::read(&source.path) {
            Ok(sheet) => sheet,
            Err(problems) => return Ok(as_it_runs(source.sha256.clone(), broken(&problems))),
        };
        let Some(camera) = declared(&sheet.config, &id) else {
            return Ok(as_it_runs(sheet.base, absent(&id, source)));
        };
        let why = sheet.locked();
        Ok(ZonesPage {
            drawing: Drawing::of(camera, Some(&sheet.file)),
            hours: sheet.hours(),
            base: sheet.base,
            writable: why.is_none(),
            why,
            camera: id,
        })
    }

    /// Writes a draft into the text, and reads that. Blocks.
    fn plan(&self, id: &CameraId, draft: &Draft) -> Result<Plan, NotDrawn> {
        let (running, source) = (self.running(id)?, self.source()?);
        let sheet = Sheet::read(&source.path).map_err(|problems| NotDrawn::Locked(broken(&problems)))?;
        if sheet.base != draft.base {
            return Err(NotDrawn::Stale);
        }
        let camera = declared(&sheet.config, id).ok_or_else(|| NotDrawn::Locked(absent(id, source)))?;
        let text = edit(&sheet.text, camera, &draft.drawing).map_err(|error| match error {
            NotEdited::Absent(why) => NotDrawn::Locked(format!("{}: {why}", source.path.display())),
            NotEdited::Troubles(troubles) => NotDrawn::Problems(troubles),
        })?;
        let config = sheet.parse(&text).map_err(|problems| NotDrawn::Problems(troubles(&problems)))?;
        let after = declared(&config, id).expect("an edit takes no camera away");
        let camera = Arc::new(Camera {
            zones: after.zones.clone(),
            lines: after.lines.clone(),
            masks: after.masks.clone(),
            rules: after.rules.clone(),
            ..Camera::clone(&running)
        });
        Ok(Plan { sheet, text, camera })
    }

    /// What a plan would have raised. Blocks.
    fn shadow(&self, camera: &Arc<Camera>, since: Duration) -> Result<Shadow, NotDrawn> {
        let to = self.clock.now().wall;
        let from = Wall::from_unix_us(to.unix_us().saturating_sub(since.as_micros() as i64));
        let volumes: Vec<_> = self.config.volumes.iter().map(|volume| volume.path.as_path()).collect();
        let mut log = Log::default();
        let records = log.read(&volumes, &camera.id, from, LOOKS_MAX);
        let records =
            records.map_err(|error| NotDrawn::Failed(format!("what passed cannot be read: {error}")))?;
        let tried = shadow::replay(camera, records, from);
        let mut tallies = Tally::of(&tried);
        for rule in &camera.rules {
            tallies.entry(rule.id.clone()).or_default();
        }
        Ok(Shadow {
            from: from.to_string(),
            to: to.to_string(),
            read: log.passages,
            would_raise: tallies.values().map(Tally::would_raise).sum(),
            raised: tallies.values().map(Tally::raised_then).sum(),
            by_rule: tallies.into_iter().map(of_rule).collect(),
            moments: tried.iter().rev().take(MOMENTS_MAX).map(moment).collect(),
            truncated: tried.len() > MOMENTS_MAX || log.left_out > 0,
        })
    }

    fn try_draft(&self, id: &CameraId, draft: &Draft, since: Duration) -> Result<Trial, NotDrawn> {
        let plan = match self.plan(id, draft) {
            Ok(plan) => plan,
            Err(NotDrawn::Problems(problems)) => return Ok(Trial { problems, diff: None, shadow: None }),
            Err(why) => return Err(why),
        };
        let diff = TextDiff::from_lines(&plan.sheet.text, &plan.text);
        let diff = diff.unified_diff().context_radius(CONTEXT_LINES).to_string();
        let shadow = self.shadow(&plan.camera, since)?;
        Ok(Trial { problems: Vec::new(), diff: Some(diff), shadow: Some(shadow) })
    }

    /// Puts a plan onto the disk: the new text beside the file, the old one into the history, a line into the audit log, and then the new one in the
    /// file's place. Says what the file is then. Blocks.
    fn put(&self, plan: &Plan, by: Actor) -> Result<String, NotDrawn> {
        let Plan { sheet, text, camera } = plan;
        if *text == sheet.text {
            return Ok(sheet.base.clone());
        }
        if let Some(why) = sheet.locked() {
            return Err(NotDrawn::Locked(why));
        }
        let base = Source::new(PathBuf::new(), text).sha256;
        let not_written = |error: NotWritten| match error {
            NotWritten::Stale => NotDrawn::Stale,
            NotWritten::Disk { .. } => {
                NotDrawn::Locked(format!("the configuration cannot be written: {error}"))
            }
        };
        let now = self.clock.now().wall;
        let written = sheet.write(text).map_err(not_written)?;
        keep(&self.history(), now, &sheet.text, &sheet.base).map_err(not_written)?;
        let (added, removed) = counts(&sheet.text, text);
        let act = Act {
            actor: by,
            purpose: Purpose::of_record("zones and rules of a camera", None).expect("it is there, and short"),
            action: Action::Configured,
            what: json!({
                "camera": camera.id,
                "base": sheet.base,
                "now": base,
                "lines_added": added,
                "lines_removed": removed,
            }),
            results: Vec::new(),
        };
        let written_down: Result<_, EvidenceError> =
            self.journal.opener()().and_then(|mut evidence| Ok(evidence.record(now, &act)?));
        written_down.map_err(|error| {
            tracing::error!(%error, "the audit log cannot be written: nothing is changed");
            NotDrawn::Locked(format!("what is changed has to be written down first: {error}"))
        })?;
        written.put().map_err(not_written)?;
        tracing::info!(camera = %camera.id, %base, added, removed, "the configuration was changed");
        Ok(base)
    }

    async fn draw(self: Arc<Self>, id: CameraId, draft: Draft, by: Actor) -> Result<Saved, NotDrawn> {
        let _turn = self.turn.lock().await;
        let worker = Arc::clone(&self);
        let put = move || {
            let plan = worker.plan(&id, &draft)?;
            let base = worker.put(&plan, by)?;
            Ok((base, plan.camera))
        };
        let (base, camera) = blocking(put).await?;
        // Who counts a rule's alerts knows it before any comes; where the office has closed, none will.
        let _ = self.office.send(Arc::clone(&camera)).await;
        let applied = self.drawn.draw(Arc::clone(&camera)).await;
        if let Err(why) = applied {
            tracing::error!(camera = %camera.id, %why, "what was drawn is saved, and not in force");
        }
        Ok(Saved { base, applied: applied.is_ok(), why: applied.err().map(|why| why.to_string()) })
    }
}

impl ZoneRoom for Draughtsman {
    fn show(self: Arc<Self>, camera: CameraId) -> BoxFuture<'static, Result<ZonesPage, NotDrawn>> {
        blocking(move || self.read(camera)).boxed()
    }

    fn try_out(
        self: Arc<Self>,
        camera: CameraId,
        draft: Draft,
        since: Duration,
    ) -> BoxFuture<'static, Result<Trial, NotDrawn>> {
        async move {
            let turn = timeout(TURN_WITHIN, Arc::clone(&self.trial).acquire_owned()).await;
            let turn = turn.map_err(|_| NotDrawn::Busy)?.expect("it is never closed");
            // The turn is over with the work, also where nobody waits for it any more.
            let work = move || {
                let _turn = turn;
                self.try_draft(&camera, &draft, since)
            };
            blocking(work).await
        }
        .boxed()
    }

    fn save(
        self: Arc<Self>,
        camera: CameraId,
        draft: Draft,
        by: Actor,
    ) -> BoxFuture<'static, Result<Saved, NotDrawn>> {
        // What is in the file comes into force, also where who asked has gone.
        let drawing = tokio::spawn(self.draw(camera, draft, by));
        async move { drawing.await.unwrap_or_else(|panic| Err(NotDrawn::Failed(panic.to_string()))) }.boxed()
    }
}

fn of_rule((rule, tally): (RuleId, Tally)) -> OfRule {
    let Tally { both, only_then, only_now } = tally;
    OfRule { rule, both, only_then, only_now }
}

fn moment(tried: &Tried) -> Moment {
    Moment {
        at: tried.at.to_string(),
        rule: tried.rule.clone(),
        kind: tried.kind,
        class: tried.class,
        direction: tried.direction,
        alert: tried.alert,
        outcome: match tried.outcome {
            Outcome::Both => "both",
            Outcome::OnlyThen => "only-then",
            Outcome::OnlyNow => "only-now",
        },
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, NotDrawn> + Send + 'static,
) -> Result<T, NotDrawn> {
    spawn_blocking(work).await.unwrap_or_else(|panic| Err(NotDrawn::Failed(panic.to_string())))
}

fn declared<'c>(config: &'c Config, id: &CameraId) -> Option<&'c Camera> {
    config.cameras.iter().find(|camera| camera.id == *id).map(|camera| &**camera)
}

fn absent(id: &CameraId, source: &Source) -> String {
    format!("camera {id} is not declared in {}: what is drawn on it cannot be saved", source.path.display())
}

fn broken(problems: &Problems) -> String {
    let first = problems.0.first().map(Problem::to_string).unwrap_or_default();
    format!("the file cannot be read as it is now, and the daemon would not start with it: {first}")
}

fn troubles(problems: &Problems) -> Vec<Trouble> {
    let trouble = |problem: &Problem| Trouble {
        key: problem.key().to_owned(),
        what: format!("{}, {}", problem.what, problem.why),
        mend: problem.mend.clone(),
    };
    problems.0.iter().map(trouble).collect()
}

/// Lines that come, and lines that go.
fn counts(before: &str, after: &str) -> (usize, usize) {
    let diff = TextDiff::from_lines(before, after);
    let count = |tag| diff.iter_all_changes().filter(|change| change.tag() == tag).count();
    (count(ChangeTag::Insert), count(ChangeTag::Delete))
}
