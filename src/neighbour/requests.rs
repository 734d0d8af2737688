//! Requests to see a clip of another station: asked here, and received here.
//!
//! Owns what is on record of them ([`Space::ClipRequest`]), the letters about them, and the secrets that are good for one clip. Whether somebody may see a clip is decided by a person; what is
//! written down of it in the audit log, and the films, are the console's.
//!
//! | key | value |
//! |---|---|
//! | `a/{request id, 16 bytes}` | [`Request`] that was asked here, JSON |
//! | `r/{neighbour}/{request id, 16 bytes}` | [`Request`] that was received from it, JSON |
//! | `g/{SHA-256 of the secret}` | [`Grant`], JSON |
//!
//! A secret lies here as its hash alone: what is looked up is the hash of what somebody shows, so that how long it takes says nothing about any secret.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use serde::{Deserialize, Serialize};

use super::{Letter, Post, Secret, Unsent};
use crate::{
    id::{CameraId, Mint, RequestId, StationId},
    mqtt::payload::{ByData, ClipAnswerData, ClipAnswerResult, ClipRequestData, Letterhead},
    store::{Desk, Pair, Refused, Space, Write},
    time::{Clock, Wall},
};

/// A grant is good for so long.
pub const GRANTED_FOR: Duration = Duration::from_secs(24 * 3600);
/// A request waits for a neighbour's broker for so long at most.
const ASKED_FOR: Duration = Duration::from_secs(24 * 3600);
/// Requests of one neighbour that wait for an answer, at most; further ones are refused.
const OPEN_MAX: usize = 64;
/// Requests of one neighbour that are on record, and requests that are listed, at most.
const LISTED_MAX: usize = 1000;
/// Entries that one sweep looks at.
const SWEPT_MAX: usize = 512;

/// Whose request it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Somebody here has asked the neighbour.
    Asked,
    /// Somebody there has asked us.
    Received,
}

/// A request, and what was answered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// Whose.
    pub way: Way,
    /// The other station.
    pub neighbour: StationId,
    /// What is wanted.
    #[serde(flatten)]
    pub wanted: ClipRequestData,
    /// When it was asked, or received.
    pub asked_at: Wall,
    /// What was answered; where it was answered here, without the address, which holds the secret.
    pub answer: Option<ClipAnswerData>,
}

/// What a secret is good for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Grant {
    /// What was asked, and by whom.
    pub request: ClipRequestData,
    /// Of which station.
    pub neighbour: StationId,
    /// Which film.
    pub camera: CameraId,
    /// Its begin.
    pub from: Wall,
    /// Its end.
    pub to: Wall,
    /// Until when.
    pub until: Wall,
}

/// What somebody has decided about a request.
#[derive(Debug)]
pub struct Decision {
    /// Who.
    pub by: ByData,
    /// Why, for a person.
    pub why: Option<String>,
    /// What follows.
    pub verdict: Verdict,
}

/// What follows from a decision.
pub enum Verdict {
    /// It may be seen.
    Granted {
        /// What is good for it, and below which address the neighbour finds it; `None`: neighbours reach no page of this station.
        at: Option<(Secret, String)>,
        /// The film.
        camera: CameraId,
        /// Its begin.
        from: Wall,
        /// Its end.
        to: Wall,
        /// Its SHA-256, hex.
        sha256: String,
    },
    /// It may not.
    Refused,
}

/// Without the secret.
impl std::fmt::Debug for Verdict {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(if matches!(self, Self::Refused) { "Refused" } else { "Granted" })
    }
}

/// Requests on record, and the way to neighbours for them.
#[derive(Debug)]
pub struct Requests {
    desk: Desk,
    post: Post,
    letterhead: Letterhead,
    clock: Clock,
    /// Guards the mint for the moment of minting.
    mint: Mutex<Mint>,
    /// Of two that answer the same request one is second.
    answering: tokio::sync::Mutex<()>,
}

impl Requests {
    /// For a station.
    pub fn new(desk: Desk, post: Post, letterhead: Letterhead, clock: Clock) -> Arc<Self> {
        let mint = Mutex::new(Mint::from_os());
        Arc::new(Self { desk, post, letterhead, clock, mint, answering: tokio::sync::Mutex::default() })
    }

    /// A new request's id.
    pub fn id(&self) -> RequestId {
        self.mint().request(self.clock.now().wall)
    }

    /// Asks a neighbour. Returns once that is promised.
    ///
    /// # Errors
    /// Nothing is promised.
    pub async fn ask(&self, neighbour: StationId, wanted: ClipRequestData) -> Result<Request, Unsent> {
        let now = self.clock.now().wall;
        let id = wanted.request_id;
        let event = self.mint().event(now);
        let (kind, schema) = ("cunkou.clip.request.v1", "clip-request:1.0");
        let envelope = self.letterhead.envelope(event, now, kind, id, schema, &wanted);
        let letter = Letter::new(format!("clip-request/{id}"), &envelope, now.after(ASKED_FOR));
        let request = Request { way: Way::Asked, neighbour, wanted, asked_at: now, answer: None };
        self.post.send(&request.neighbour, vec![letter], vec![request.put()]).await?;
        Ok(request)
    }

    /// A neighbour asks; `is_shared`: it was told of the alert. Returns once that is kept; one that was received before changes nothing.
    ///
    /// # Errors
    /// Nothing is kept.
    pub async fn receive(
        &self,
        from: &StationId,
        wanted: ClipRequestData,
        is_shared: bool,
    ) -> Result<(), Unsent> {
        let _alone = self.answering.lock().await;
        if self.received(from, wanted.request_id).await?.is_some() {
            return Ok(());
        }
        let (begin, end) = received_from(from);
        let known = self.desk.range(begin, end, LISTED_MAX).await?;
        let open = known.iter().filter_map(read).filter(|it| it.answer.is_none()).count();
        let refused = match (is_shared, open >= OPEN_MAX || known.len() >= LISTED_MAX) {
            (false, _) => Some("no such alert was shared with your station"),
            (true, true) => Some("too many of your requests wait for an answer"),
            (true, false) => None,
        };
        let asked_at = self.clock.now().wall;
        let neighbour = from.clone();
        let request = Request { way: Way::Received, neighbour, wanted, asked_at, answer: None };
        match refused {
            None => self.desk.promise(vec![request.put()], Vec::new()).await.map(drop)?,
            Some(why) => {
                let answer = refusal(request.wanted.request_id, None, Some(why.to_owned()));
                // Not on record: who floods us fills nothing.
                self.post.send(from, vec![self.answer_letter(asked_at, &answer)], Vec::new()).await?;
            }
        }
        Ok(())
    }

    /// A neighbour has answered. Whether it was asked.
    ///
    /// # Errors
    /// Nothing is kept.
    pub async fn answered(&self, from: &StationId, answer: ClipAnswerData) -> Result<bool, Refused> {
        let key = asked(answer.request_id);
        let found = self.desk.range(key.clone(), behind(&key), 1).await?;
        let Some(mut request) = found.first().and_then(read).filter(|it| it.neighbour == *from) else {
            return Ok(false);
        };
        if request.answer.is_none() {
            // What is no address of a page is not passed on to anybody who would follow it.
            let is_web = |url: &String| url.starts_with("https://") || url.starts_with("http://");
            request.answer = Some(ClipAnswerData { url: answer.url.filter(is_web), ..answer });
            self.desk.promise(vec![request.put()], Vec::new()).await?;
        }
        Ok(true)
    }

    /// All that are on record, newest first.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn list(&self) -> Result<Vec<Request>, Refused> {
        let mut requests = Vec::new();
        for (from, to) in [(b"a/", b"a0"), (b"r/", b"r0")] {
            let (from, to) = (Space::ClipRequest.key(from), Space::ClipRequest.key(to));
            requests.extend(self.desk.range(from, to, LISTED_MAX).await?.iter().filter_map(read));
        }
        requests.sort_by_key(|request| std::cmp::Reverse(request.wanted.request_id));
        Ok(requests)
    }

    /// One that was received from a neighbour, by its id.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn one(&self, id: RequestId) -> Result<Option<Request>, Refused> {
        let is_it = |it: &Request| it.way == Way::Received && it.wanted.request_id == id;
        Ok(self.list().await?.into_iter().find(is_it))
    }

    /// Answers a request. Returns once the answer is promised; `None`: it was answered before.
    ///
    /// # Errors
    /// Nothing is promised.
    pub async fn answer(
        &self,
        from: &StationId,
        id: RequestId,
        decision: Decision,
    ) -> Result<Option<Request>, Unsent> {
        let _alone = self.answering.lock().await;
        let Some(mut request) = self.received(from, id).await?.filter(|it| it.answer.is_none()) else {
            return Ok(None);
        };
        let now = self.clock.now().wall;
        let until = now.after(GRANTED_FOR);
        let Decision { by, why, verdict } = decision;
        let mut writes = Vec::new();
        let answer = match verdict {
            Verdict::Refused => refusal(id, Some(by), why),
            Verdict::Granted { at, camera, from, to, sha256 } => {
                let url = at.map(|(secret, address)| {
                    let (neighbour, wanted) = (request.neighbour.clone(), request.wanted.clone());
                    let grant = Grant { request: wanted, neighbour, camera, from, to, until };
                    let value = serde_json::to_vec(&grant).expect("a grant is a plain struct of texts");
                    writes.push(Write::Put(granted(&secret), value));
                    format!("{}/api/v1/shared/{}/video.mp4", address.trim_end_matches('/'), secret.spell())
                });
                ClipAnswerData {
                    request_id: id,
                    result: ClipAnswerResult::Granted,
                    by: Some(by),
                    why,
                    url,
                    sha256: Some(sha256),
                    until: Some(until.to_string()),
                }
            }
        };
        let letter = self.answer_letter(now, &answer);
        request.answer = Some(ClipAnswerData { url: None, ..answer });
        writes.push(request.put());
        self.post.send(from, vec![letter], writes).await?;
        Ok(Some(request))
    }

    /// What a secret is good for, now.
    ///
    /// # Errors
    /// It cannot be read.
    pub async fn grant(&self, secret: &Secret) -> Result<Option<Grant>, Refused> {
        let key = granted(secret);
        let found = self.desk.range(key.clone(), behind(&key), 1).await?;
        let grant: Option<Grant> = found.first().and_then(|(_, value)| serde_json::from_slice(value).ok());
        Ok(grant.filter(|grant| grant.until > self.clock.now().wall))
    }

    /// Removals of requests that are older than `kept`, and of secrets that are good for nothing any more.
    ///
    /// # Errors
    /// They cannot be read.
    pub async fn over(&self, kept: Duration) -> Result<Vec<Write>, Refused> {
        let now = self.clock.now().wall;
        let mut writes = Vec::new();
        for (from, to) in [(b"a/", b"a0"), (b"g/", b"g0"), (b"r/", b"r0")] {
            let (from, to) = (Space::ClipRequest.key(from), Space::ClipRequest.key(to));
            for pair in self.desk.range(from, to, SWEPT_MAX).await? {
                let until = match serde_json::from_slice::<Grant>(&pair.1) {
                    Ok(grant) => Some(grant.until),
                    Err(_) => read(&pair).map(|request| request.asked_at.after(kept)),
                };
                if until.is_some_and(|until| until <= now) {
                    writes.push(Write::Delete(pair.0));
                }
            }
        }
        Ok(writes)
    }

    async fn received(&self, from: &StationId, id: RequestId) -> Result<Option<Request>, Refused> {
        let key = received(from, id);
        let found = self.desk.range(key.clone(), behind(&key), 1).await?;
        Ok(found.first().and_then(read))
    }

    fn answer_letter(&self, now: Wall, answer: &ClipAnswerData) -> Letter {
        let (id, event) = (answer.request_id, self.mint().event(now));
        let (kind, schema) = ("cunkou.clip.answer.v1", "clip-answer:1.0");
        let envelope = self.letterhead.envelope(event, now, kind, id, schema, answer);
        Letter::new(format!("clip-answer/{id}"), &envelope, now.after(GRANTED_FOR))
    }

    fn mint(&self) -> std::sync::MutexGuard<'_, Mint> {
        self.mint.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Request {
    fn put(&self) -> Write {
        let value = serde_json::to_vec(self).expect("a request is a plain struct of texts");
        let key = match self.way {
            Way::Asked => asked(self.wanted.request_id),
            Way::Received => received(&self.neighbour, self.wanted.request_id),
        };
        Write::Put(key, value)
    }
}

fn refusal(request_id: RequestId, by: Option<ByData>, why: Option<String>) -> ClipAnswerData {
    let result = ClipAnswerResult::Refused;
    ClipAnswerData { request_id, result, by, why, url: None, sha256: None, until: None }
}

/// `None` where it was not written by this program.
fn read((_, value): &Pair) -> Option<Request> {
    serde_json::from_slice(value).ok()
}

fn asked(id: RequestId) -> Vec<u8> {
    Space::ClipRequest.key(&[b"a/", &id.0.to_bytes()[..]].concat())
}

fn received(from: &StationId, id: RequestId) -> Vec<u8> {
    Space::ClipRequest.key(&[b"r/", from.as_str().as_bytes(), b"/", &id.0.to_bytes()].concat())
}

fn received_from(from: &StationId) -> (Vec<u8>, Vec<u8>) {
    let key = |last| Space::ClipRequest.key(&[b"r/", from.as_str().as_bytes(), last].concat());
    (key(b"/"), key(b"0"))
}

fn granted(secret: &Secret) -> Vec<u8> {
    Space::ClipRequest.key(&[&b"g/"[..], &secret.hash()].concat())
}

/// The first key after `key`.
fn behind(key: &[u8]) -> Vec<u8> {
    key.iter().copied().chain([0]).collect()
}

#[cfg(test)]
#[path = "requests_tests.rs"]
mod tests;
