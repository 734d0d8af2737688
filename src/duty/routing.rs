//! Which posts are told: the first route that fits, and of its tiers the first that has somebody.
//!
//! Owns routes and the presence of posts. Whether anybody is told at all was decided before.

use std::collections::BTreeSet;

use super::{PassedOver, Presence, Subject, Telling};
use crate::{
    config::{Attendance, Post, Route},
    id::PostId,
    time::Wall,
};

/// The table of routes, and who is there.
#[derive(Debug)]
pub(super) struct Routing {
    posts: Vec<Post>,
    routes: Vec<Route>,
    /// What no route fits: all posts in one tier; no tier where there are none.
    everybody: Vec<Vec<PostId>>,
    /// Posts that said that they are there.
    online: BTreeSet<PostId>,
}

impl Routing {
    pub(super) fn new(posts: &[Post], routes: &[Route]) -> Self {
        let all: Vec<PostId> = posts.iter().map(|post| post.id.clone()).collect();
        Self {
            posts: posts.to_vec(),
            routes: routes.to_vec(),
            everybody: if all.is_empty() { Vec::new() } else { vec![all] },
            online: BTreeSet::new(),
        }
    }

    pub(super) fn presence(&mut self, post: PostId, presence: Presence) {
        match presence {
            Presence::Online if self.post(&post).is_some_and(|post| post.presence == Attendance::Mqtt) => {
                self.online.insert(post);
            }
            Presence::Online => {}
            Presence::Offline => {
                self.online.remove(&post);
            }
        }
    }

    pub(super) fn tell(&self, now: Wall, what: &Subject, from: u32) -> Option<Telling> {
        let route = self.routes.iter().find(|route| fits(route, what));
        let tiers = route.map_or(&self.everybody, |route| &route.tell);
        let last = tiers.len().checked_sub(1)?;
        let mut passed_over: Vec<(PostId, PassedOver)> = Vec::new();
        for (number, tier) in tiers.iter().enumerate().skip(from as usize) {
            let (mut told, mut absent) = (Vec::new(), Vec::new());
            for post in tier {
                match self.absence(now, post) {
                    None => told.push(post.clone()),
                    Some(why) => absent.push((post.clone(), why)),
                }
            }
            if told.is_empty() && number == last {
                told.clone_from(tier);
            }
            let news =
                absent.into_iter().filter(|(post, _)| passed_over.iter().all(|(known, _)| known != post));
            let news: Vec<_> = news.collect();
            passed_over.extend(news);
            if !told.is_empty() {
                passed_over.retain(|(post, _)| !told.contains(post));
                return Some(Telling { tier: number as u32, posts: told, passed_over });
            }
        }
        None
    }

    /// Why a post cannot be told now; `None`: it can.
    fn absence(&self, now: Wall, post: &PostId) -> Option<PassedOver> {
        let post = self.post(post).expect("the configuration was checked: posts of a route exist");
        if post.hours.as_ref().is_some_and(|hours| !hours.contains(now)) {
            Some(PassedOver::OffDuty)
        } else if post.presence == Attendance::Mqtt && !self.online.contains(&post.id) {
            Some(PassedOver::Silent)
        } else {
            None
        }
    }

    fn post(&self, id: &PostId) -> Option<&Post> {
        self.posts.iter().find(|post| post.id == *id)
    }
}

fn fits(route: &Route, what: &Subject) -> bool {
    fn any<T: PartialEq>(list: &[T], it: Option<&T>) -> bool {
        list.is_empty() || it.is_some_and(|it| list.contains(it))
    }
    any(&route.levels, Some(&what.level))
        && any(&route.villages, Some(&what.village))
        && any(&route.entry_points, what.entry_point.as_ref())
        && any(&route.cameras, Some(&what.camera))
        && any(&route.kinds, Some(&what.kind))
        && any(&route.severities, Some(&what.severity))
        && route.hours.as_ref().is_none_or(|hours| hours.contains(what.raised_at))
}
