//! Where things lie, for the map.

use super::{super::shape::Section, *};

/// A place on earth.
const LOCATION: Section = Section::plain(
    "location",
    "A place: WGS-84, as a telephone or a navigator tells it.",
    "位置，采用 WGS-84 坐标（手机定位或导航仪所示；国内地图坐标需先转换）。",
    &[
        key("lat", Real(-90.0, 90.0), Required, "Degrees north; south is negative.", "纬度，北纬为正。"),
        key("lon", Real(-180.0, 180.0), Required, "Degrees east; west is negative.", "经度，东经为正。"),
    ],
);

pub(super) const LOCATION_KEY: Key = key(
    "location",
    Table(&LOCATION),
    Optional("it is not on the map"),
    "Where it lies, for the map.",
    "地图上的位置。",
);

pub(super) const CAMERA_LOCATION_KEY: Key = key(
    "location",
    Table(&LOCATION),
    Optional("at its entry point"),
    "Where it stands, for the map.",
    "地图上的位置。",
);

pub(super) const HEADING_KEY: Key = key(
    "heading_deg",
    Real(0.0, 360.0),
    Optional("the map does not show where it looks"),
    "Where it looks, for the map: degrees from north, clockwise.",
    "镜头朝向（供地图使用）：自正北起顺时针的度数。",
);

pub(super) const OUTLINE_KEY: Key = key(
    "outline",
    List { of: &Place, min: 3, max: 256 },
    Optional("the map shows it as a point"),
    "Its corners in order around it, each [latitude, longitude], for the map.",
    "边界顶点，按顺序排列，各为 [纬度, 经度]，供地图使用。",
);

pub(super) const ROAD_KEY: Key = key(
    "road",
    Map { of: &ROAD, max: 1024 },
    EMPTY,
    "Roads, paths and rivers, for the map.",
    "道路、小径与河流，供地图使用。",
);

const ROAD: Section = Section::plain(
    "road.ID",
    "A road, path or river on the map.",
    "地图上的道路、小径或河流。",
    &[
        NAME,
        NAME_ZH,
        key(
            "kind",
            Choice(&["road", "path", "river"]),
            Default("\"road\""),
            "What it is.",
            "类别：road 道路、path 小径、river 河流。",
        ),
        key(
            "path",
            List { of: &Place, min: 2, max: 1024 },
            Required,
            "Its points from one end to the other, each [latitude, longitude].",
            "从一端到另一端的各点 [纬度, 经度]。",
        ),
    ],
);
