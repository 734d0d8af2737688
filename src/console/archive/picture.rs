//! Single pictures over HTTP: what a camera sees, and moments of its recording.
//!
//! Owns the headers, and what is written down. Making them is the gallery's.

use std::sync::Arc;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use super::{
    super::{
        gallery::{NoPicture, Print, Undeveloped, Width},
        parameters::Parameters,
    },
    Answer, Pairs, Refusal, Rooms, Visitor, in_time, seen,
    warrant::Warrant,
};
use crate::{id::CameraId, time::Wall};

/// When a picture was taken.
const PICTURE_AT: HeaderName = HeaderName::from_static("x-picture-at");
/// Who scrubs is written down once for each piece of so long, seconds.
const PIECE_S: i64 = 3600;

pub(super) async fn newest(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
    headers: HeaderMap,
) -> Answer<Response> {
    seen(&visitor, &camera)?;
    let mut parameters = Parameters::new(&pairs);
    let warrant = Warrant::read_live(&mut parameters, &visitor)?;
    let widths = [Width::Small, Width::Middle, Width::Full];
    let width = parameters.words("width", &widths, Width::as_str)?.pop().unwrap_or(Width::Small);
    parameters.finish()?;
    let print = match rooms.live.gallery.newest(&camera, width).await {
        Ok(print) => print,
        Err(NoPicture::Undeveloped(why)) => return undeveloped(why),
        Err(none) => return Err(Refusal(StatusCode::NOT_FOUND, none.to_string())),
    };
    rooms.write_view(&warrant, json!({ "camera": camera, "shown": "picture" }), Vec::new()).await?;
    Ok(respond(&print, &headers))
}

pub(super) async fn moment(
    State(rooms): State<Arc<Rooms>>,
    visitor: Visitor,
    Path(camera): Path<CameraId>,
    Query(pairs): Pairs,
    headers: HeaderMap,
) -> Answer<Response> {
    seen(&visitor, &camera)?;
    let mut parameters = Parameters::new(&pairs);
    let warrant = Warrant::read(&mut parameters, &visitor)?;
    let at = parameters.time_needed("at")?;
    let widths = [Width::Tiny, Width::Small, Width::Middle];
    let width = parameters.words("width", &widths, Width::as_str)?.pop().unwrap_or(Width::Small);
    parameters.finish()?;
    let just_after = Wall::from_unix_us(at.unix_us().saturating_add(1));
    let units = in_time(rooms.archive.catalog().key_units(&camera, at, just_after, 1)).await?;
    let unit = units.into_iter().next().ok_or_else(|| {
        let words = format!("{camera}: the recording at {at} cannot be read");
        Refusal(StatusCode::INTERNAL_SERVER_ERROR, words)
    })?;
    let second = at.unix_ms().div_euclid(1000);
    let piece = second - second.rem_euclid(PIECE_S);
    let ends = |s: i64| Wall::from_unix_ms(s.saturating_mul(1000)).to_string();
    let what =
        json!({ "camera": camera, "from": ends(piece), "to": ends(piece + PIECE_S), "shown": "still" });
    rooms.write_view(&warrant, what, Vec::new()).await?;
    match rooms.live.gallery.moment(&camera, rooms.masks(&camera), unit, width).await {
        Ok(print) => Ok(respond(&print, &headers)),
        Err(why) => undeveloped(why),
    }
}

fn respond(print: &Print, asked: &HeaderMap) -> Response {
    let tag = format!("\"{:x}-{:x}\"", print.taken.unix_us(), print.jpeg.len());
    let known = asked.get(header::IF_NONE_MATCH).and_then(|known| known.to_str().ok());
    let is_known = known.is_some_and(|known| known.split(',').any(|one| one.trim() == tag));
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => ([(header::CONTENT_TYPE, "image/jpeg")], print.jpeg.clone()).into_response(),
    };
    let headers = response.headers_mut();
    let mut put = |name, value: &str| {
        // Tags and times are ASCII.
        headers.insert(name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
    };
    put(header::ETAG, &tag);
    put(PICTURE_AT, &print.taken.to_string());
    // A browser may keep it, and asks each time whether there is a newer one.
    put(header::CACHE_CONTROL, "private, no-cache");
    response
}

fn undeveloped(why: Undeveloped) -> Answer<Response> {
    match why {
        Undeveloped::Busy => {
            let soon = [(header::RETRY_AFTER, "1")];
            Ok((StatusCode::SERVICE_UNAVAILABLE, soon, format!("{why}\n")).into_response())
        }
        Undeveloped::Bad(_) | Undeveloped::Broken(_) => {
            Err(Refusal(StatusCode::INTERNAL_SERVER_ERROR, why.to_string()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_picture_is_not_sent_it_again() {
        let print = Print { taken: Wall::from_unix_ms(1_773_079_445_123), jpeg: vec![1, 2].into() };
        let first = respond(&print, &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[PICTURE_AT], "2026-03-09T18:04:05.123Z");
        let tag = first.headers()[header::ETAG].clone();
        let mut asked = HeaderMap::from_iter([(header::IF_NONE_MATCH, tag.clone())]);
        assert_eq!(respond(&print, &asked).status(), StatusCode::NOT_MODIFIED);
        let two = format!("\"0\", {}", tag.to_str().expect("ASCII"));
        asked.insert(header::IF_NONE_MATCH, two.parse().expect("a value"));
        assert_eq!(respond(&print, &asked).status(), StatusCode::NOT_MODIFIED);
        let newer = Print { taken: Wall::from_unix_ms(1_773_079_445_124), jpeg: vec![1, 2].into() };
        assert_eq!(respond(&newer, &asked).status(), StatusCode::OK);
    }
}
