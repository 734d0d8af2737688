//! The film of an alert, for whoever answers it.
//!
//! Owns how long an alert is its own purpose: while it is open, and a day after. Then its film is a recording like any other, for a purpose and a case.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    super::{answer::no_alert, parameters::Parameters},
    Answer, Pairs, Refusal, Rooms, Visitor, in_time,
    video::Scene,
    warrant::Warrant,
};
use crate::{account::Permission, evidence::Purpose, id::AlertId, mqtt::payload::AlertData, time::Wall};

/// So long after its end an alert is still its own purpose.
const AT_HAND: Duration = Duration::from_secs(24 * 3600);

pub(super) async fn video(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(alert): Path<AlertId>,
    Query(pairs): Pairs,
    asked: HeaderMap,
) -> Answer<Response> {
    let (warrant, scene) = rooms.of_alert(alert, &visitor, &pairs).await?;
    rooms.film(&warrant, &scene, vec![alert.to_string()], &asked).await
}

pub(super) async fn playback(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(alert): Path<AlertId>,
    Query(pairs): Pairs,
) -> Answer<Response> {
    let (warrant, scene) = rooms.of_alert(alert, &visitor, &pairs).await?;
    rooms.playback(&warrant, &scene, vec![alert.to_string()]).await
}

impl Rooms {
    /// What an alert shows, and what for it may be looked at.
    async fn of_alert(
        &self,
        id: AlertId,
        visitor: &Visitor,
        pairs: &[(String, String)],
    ) -> Answer<(Warrant, Scene)> {
        let found = in_time(self.alerts.alert(id)).await?;
        // A neighbour's camera may have the id of one of ours.
        let own = found.filter(|alert| alert.home.is_none() && visitor.may_see_alert(alert));
        let alert = own.ok_or_else(|| no_alert(id))?;
        let (from, to) = alert.span().ok_or_else(|| no_alert(id))?;
        let scene = self.around(alert.camera.id.clone(), from, to);
        let mut parameters = Parameters::new(pairs);
        if is_at_hand(&alert, self.clock.now().wall) {
            let text = |name, parameters: &mut Parameters<'_>| {
                Ok::<_, Refusal>(parameters.text(name)?.unwrap_or_default().to_owned())
            };
            let (who, unit) = (text("who", &mut parameters)?, text("unit", &mut parameters)?);
            parameters.finish()?;
            let purpose = Purpose::new("处置告警 · answering an alert", &id.to_string())?;
            return Ok((Warrant { actor: visitor.actor(&who, &unit)?, purpose }, scene));
        }
        if !visitor.may(Permission::Playback) {
            let words = "此告警已结束超过 24 小时，查看录像须有回放权限、用途和案件编号 · this alert ended more than 24 h ago: its recording needs the permission `playback`, a purpose and a case";
            let path = format!("/api/v1/alerts/{id}");
            self.access.write_refusal(visitor, "GET", &path, Permission::Playback).await;
            return Err(Refusal(StatusCode::FORBIDDEN, words.to_owned()));
        }
        let warrant = Warrant::read(&mut parameters, visitor)?;
        parameters.finish()?;
        Ok((warrant, scene))
    }
}

/// Whether an alert is still being answered: it is open, goes on, or ended less than a day ago.
fn is_at_hand(alert: &AlertData, now: Wall) -> bool {
    let at =
        |text: &str| text.parse::<jiff::Timestamp>().ok().map(|at| Wall::from_unix_us(at.as_microsecond()));
    let ended = alert.ended_at.as_deref().map(|text| at(text).unwrap_or(alert.alert_id.raised_at()));
    let closed = alert.life.closed.as_ref().and_then(|closed| at(&closed.at));
    match (alert.state.is_closed(), ended) {
        (false, _) | (_, None) => true,
        (true, Some(ended)) => closed.map_or(ended, |closed| closed.max(ended)).after(AT_HAND) > now,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::{console::board, id::Mint};

    #[test]
    fn an_alert_is_at_hand_while_it_is_open_and_a_day_after() {
        let now: Wall = Wall::from_unix_ms(1_773_079_445_123);
        let before = |hours: u64| Wall::from_unix_ms(now.unix_ms() - 3_600_000 * hours as i64).to_string();
        for (state, ended, closed, expected) in [
            ("raised", Some(90), None, true),
            ("claimed", Some(90), None, true),
            ("escalated", None, None, true),
            ("resolved", Some(90), Some(23), true),
            ("resolved", Some(90), Some(25), false),
            ("dismissed", Some(23), Some(90), true),
            ("dismissed", None, Some(90), true),
            ("expired", Some(25), None, false),
            ("expired", Some(23), None, true),
            ("resolved", Some(24), Some(24), false),
        ] {
            let mut alert =
                serde_json::to_value(board::tests::alert(Mint::seeded(1).alert(now))).expect("JSON");
            alert["state"] = json!(state);
            alert["ended_at"] = json!(ended.map(before));
            if let Some(closed) = closed {
                alert["life"]["closed"] = json!({ "at": before(closed) });
            }
            let alert: AlertData = serde_json::from_value(alert).expect("an alert");
            assert_eq!(is_at_hand(&alert, now), expected, "{state} {ended:?} {closed:?}");
        }
    }
}
