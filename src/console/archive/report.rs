//! Reports over HTTP: counted anew for whoever asks.
//!
//! Owns the question. What is counted, and the page, are the report's ([`crate::report`]). A report shows nobody, and needs no purpose.

use std::{sync::Arc, time::Duration};

use axum::{
    extract::{Query, State},
    http::header,
    response::{Html, IntoResponse, Response},
};
use jiff::civil::Date;
use tokio::time::timeout;

use super::{Answer, Pairs, Refusal, Rooms, fresh};
use crate::{
    console::parameters::{BadQuestion, Parameters},
    report::{Period, Report, Span, Tally},
};
use axum::http::StatusCode;

/// How long counting may take: a month of a busy station is some hundred thousand records.
const COUNTED_WITHIN: Duration = Duration::from_secs(60);

pub(super) async fn data(State(rooms): State<Arc<Rooms>>, Query(pairs): Pairs) -> Answer<Response> {
    Ok(fresh(rooms.report(&pairs).await?))
}

pub(super) async fn page(State(rooms): State<Arc<Rooms>>, Query(pairs): Pairs) -> Answer<Response> {
    let report = rooms.report(&pairs).await?;
    Ok(([(header::CACHE_CONTROL, "no-store")], Html(crate::report::page(&report))).into_response())
}

impl Rooms {
    async fn report(&self, pairs: &[(String, String)]) -> Answer<Report> {
        let now = self.clock.now().wall;
        let mut parameters = Parameters::new(pairs);
        let spans = parameters.words("span", &Span::ALL, Span::as_str)?;
        let date: Option<Date> = parameters.value("date")?;
        parameters.finish()?;
        let [span] = spans[..] else { return Err(BadQuestion::Missing("span").into()) };
        let zone = self.time_zone();
        let period = match date {
            Some(date) => Period::holding(span, date, zone),
            None => Period::last_whole(span, now, zone),
        };
        let mut tally = Tally::new(&self.config.station, period, now);
        let (from, to) = tally.reach();
        let mut add = |alert| tally.add(&alert);
        match timeout(COUNTED_WITHIN, self.alerts.each(from, to, &mut add)).await {
            Ok(read) => read?,
            Err(_) => {
                return Err(Refusal(StatusCode::SERVICE_UNAVAILABLE, "the store takes too long".to_owned()));
            }
        }
        Ok(tally.finish())
    }
}
