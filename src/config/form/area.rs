//! Points and polygons in the picture.

use toml::de::{DeArray, DeValue};

use super::{Wrong, number, number_text, type_name, wrong};
use crate::{
    config::{problem::shown, shape::CORNERS_MAX},
    geometry::{NotAPolygon, Polygon, UnitPoint},
};

pub(super) fn check_point(point: &DeArray<'_>) -> Result<UnitPoint, Wrong> {
    const SHARES: &str = "coordinates are shares of the picture, from 0 to 1";
    const DIVIDE: &str = "divide pixels by the width and height of the picture";
    let [x, y] = &**point else {
        return wrong(
            format!("has a point with {} numbers", point.len()),
            "a point is [x, y]",
            "write it like [0.5, 0.8]",
        );
    };
    let mut coordinates = [0.0; 2];
    for (coordinate, value) in coordinates.iter_mut().zip([x.get_ref(), y.get_ref()]) {
        match number(value) {
            Some(number) if (0.0..=1.0).contains(&number) => *coordinate = number as f32,
            Some(_) => {
                return wrong(
                    format!("has the coordinate {}", shown(number_text(value)).trim_matches('"')),
                    SHARES,
                    DIVIDE,
                );
            }
            None => {
                return wrong(
                    format!("has {} as a coordinate", type_name(value)),
                    SHARES,
                    "write it like [0.5, 0.8]",
                );
            }
        }
    }
    Ok(UnitPoint::new(coordinates[0], coordinates[1]))
}

pub(super) fn check_polygon(corners: &DeArray<'_>) -> Result<Polygon, Wrong> {
    if corners.len() > CORNERS_MAX {
        return wrong(
            format!("has {} corners", corners.len()),
            format!("{CORNERS_MAX} are the most"),
            "leave out corners that hardly change it",
        );
    }
    let mut points = Vec::with_capacity(corners.len());
    for (i, corner) in corners.iter().enumerate() {
        let point = match corner.get_ref() {
            DeValue::Array(point) => check_point(point),
            other => wrong(
                format!("is {}", type_name(other)),
                "a corner is a point [x, y]",
                "write it like [0.5, 0.8]",
            ),
        };
        points.push(
            point.map_err(|wrong| Wrong { what: format!("corner {} {}", i + 1, wrong.what), ..wrong })?,
        );
    }
    // People close the ring; the last corner then says nothing new.
    if points.len() > 3 && points.first() == points.last() {
        points.pop();
    }
    let count = points.len();
    match Polygon::new(points) {
        Ok(polygon) => Ok(polygon),
        Err(NotAPolygon::Corners(_)) => wrong(
            format!("has {}", if count == 1 { "1 corner".into() } else { format!("{count} corners") }),
            "an area has at least three",
            "add corners, in order around the area",
        ),
        Err(NotAPolygon::Flat) => wrong("covers nothing", "its corners lie on one line", "move a corner"),
        Err(NotAPolygon::Outside(i)) => wrong(
            format!("has corner {i} outside of the picture"),
            "coordinates are shares of the picture, from 0 to 1",
            "divide pixels by the width and height of the picture",
        ),
        Err(NotAPolygon::Crossing(i, j)) => wrong(
            "crosses itself",
            format!("its edge {i} crosses its edge {j}"),
            "list the corners in order around the area",
        ),
    }
}
