//! Places on earth.

use toml::de::{DeArray, DeValue};

use super::{Wrong, number, number_text, type_name, wrong};
use crate::config::{Place, problem::shown};

/// How a place is written.
const LIKE: &str = "write it like [30.41, 103.51]";

pub(super) fn check_place(place: &DeArray<'_>) -> Result<Place, Wrong> {
    let [lat, lon] = &**place else {
        return wrong(
            format!("has a place with {} numbers", place.len()),
            "a place is [latitude, longitude]",
            LIKE,
        );
    };
    let lat = degrees(lat.get_ref(), "latitude", 90.0)?;
    Ok(Place { lat, lon: degrees(lon.get_ref(), "longitude", 180.0)? })
}

fn degrees(value: &DeValue<'_>, what: &'static str, max: f64) -> Result<f64, Wrong> {
    match number(value) {
        Some(number) if (-max..=max).contains(&number) => Ok(number),
        Some(_) => wrong(
            format!("has the {what} {}", shown(number_text(value)).trim_matches('"')),
            format!("it lies between -{max} and {max}"),
            "the latitude comes first, then the longitude, both in degrees",
        ),
        None => wrong(format!("has {} as its {what}", type_name(value)), "degrees are a number", LIKE),
    }
}
