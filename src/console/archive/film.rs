//! Films over HTTP: whole, or any range of their bytes.
//!
//! Owns the headers. A viewer that is slow holds a quarter of a megabyte, and nothing else.

use std::{io, ops::Range, sync::Arc};

use axum::{
    body::Body,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use futures::{Stream, stream};

use crate::archive::Film;

/// Read from the disk at once, bytes.
const STEP: u64 = 256 * 1024;

/// Answers with a film, or the range of it that is asked for. Several ranges at once are answered with the whole, as RFC 9110 allows.
pub(super) fn respond(film: Film, name: &str, asked: &HeaderMap) -> Response {
    let len = film.cut.total_len;
    let range = asked.get(header::RANGE).and_then(|range| range.to_str().ok());
    let (status, bytes) = match range.map(|range| part(range, len)) {
        None | Some(Part::Whole) => (StatusCode::OK, 0..len),
        Some(Part::Of(range)) => (StatusCode::PARTIAL_CONTENT, range),
        Some(Part::Nothing) => {
            let there = [(header::CONTENT_RANGE, format!("bytes */{len}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, there).into_response();
        }
    };
    let mut response = Response::new(Body::from_stream(stream_of(Arc::new(film), bytes.clone())));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    let mut put = |name, value: &str| {
        // Names are ids and digits.
        headers.insert(name, HeaderValue::from_str(value).unwrap_or(HeaderValue::from_static("")));
    };
    put(header::CONTENT_TYPE, "video/mp4");
    put(header::ACCEPT_RANGES, "bytes");
    put(header::CACHE_CONTROL, "private, no-store");
    put(header::CONTENT_LENGTH, &(bytes.end - bytes.start).to_string());
    put(header::CONTENT_DISPOSITION, &format!("inline; filename=\"{name}.mp4\""));
    if status == StatusCode::PARTIAL_CONTENT {
        put(header::CONTENT_RANGE, &format!("bytes {}-{}/{len}", bytes.start, bytes.end - 1));
    }
    response
}

#[derive(Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Of(Range<u64>),
    Nothing,
}

fn part(range: &str, len: u64) -> Part {
    // What is no range at all is to be passed over, says the RFC.
    let Ok(parsed) = http_range_header::parse_range_header(range) else { return Part::Whole };
    match parsed.validate(len).as_deref() {
        Ok([one]) => Part::Of(*one.start()..*one.end() + 1),
        Ok(_) => Part::Whole,
        Err(_) => Part::Nothing,
    }
}

fn stream_of(film: Arc<Film>, bytes: Range<u64>) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold(bytes, move |left| {
        let film = Arc::clone(&film);
        async move {
            if left.is_empty() {
                return Ok(None);
            }
            let part = left.start..left.end.min(left.start + STEP);
            let next = part.end..left.end;
            let read = tokio::task::spawn_blocking(move || film.read(part)).await;
            Ok(Some((Bytes::from(read.map_err(io::Error::other)??), next)))
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_browsers_write_them() {
        let table = [
            ("bytes=0-", Part::Of(0..100)),
            ("bytes=10-19", Part::Of(10..20)),
            ("bytes=90-200", Part::Of(90..100)),
            ("bytes=-5", Part::Of(95..100)),
            ("bytes=100-", Part::Nothing),
            ("bytes=0-1,5-6", Part::Whole),
            ("pages=1", Part::Whole),
        ];
        for (text, expected) in table {
            assert_eq!(part(text, 100), expected, "{text}");
        }
    }
}
