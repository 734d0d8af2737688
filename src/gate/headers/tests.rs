//! Headers against streams of x264 and x265, and against any bytes.

use std::sync::LazyLock;

use gstreamer as gst;
use gstreamer::prelude::*;
use gstreamer_app::AppSink;
use proptest::prelude::*;

use super::*;

/// Access units of a moving test picture, by an encoder's description.
fn encoded(encoder: &str) -> Vec<Vec<u8>> {
    gst::init().unwrap();
    let description = format!(
        "videotestsrc num-buffers=24 pattern=ball ! video/x-raw,format=I420,width=192,height=96,framerate=10/1 \
         ! {encoder} ! appsink name=to sync=false"
    );
    let pipeline = gst::parse::launch(&description).unwrap().downcast::<gst::Pipeline>().unwrap();
    let sink = pipeline.by_name("to").unwrap().dynamic_cast::<AppSink>().unwrap();
    pipeline.set_state(gst::State::Playing).unwrap();
    let mut units = Vec::new();
    while let Ok(sample) = sink.pull_sample() {
        units.push(sample.buffer().unwrap().map_readable().unwrap().to_vec());
    }
    pipeline.set_state(gst::State::Null).unwrap();
    assert_eq!(units.len(), 24, "{encoder}");
    units
}

fn x264(options: &str) -> Vec<Vec<u8>> {
    encoded(&format!(
        "x264enc threads=1 byte-stream=true {options} ! video/x-h264,stream-format=byte-stream,alignment=au"
    ))
}

fn x265(options: &str) -> Vec<Vec<u8>> {
    encoded(&format!(
        "x265enc option-string={options}:pools=1:frame-threads=1:log-level=0 \
         ! video/x-h265,stream-format=byte-stream,alignment=au"
    ))
}

fn read_all(codec: Codec, units: &[Vec<u8>]) -> Vec<UnitFacts> {
    let mut headers = Headers::new();
    units.iter().map(|unit| headers.read(codec, unit)).collect()
}

/// One stream of each codec with much in its headers: B frames that are referred to, weights, several references and slices.
static RICH: LazyLock<[(Codec, Vec<Vec<u8>>); 2]> = LazyLock::new(|| {
    [
        (
            Codec::H264,
            x264(
                "pass=quant quantizer=30 bframes=3 b-adapt=false b-pyramid=true ref=4 weightb=true option-string=b-pyramid=normal:weightp=2:slices=2:keyint=12:scenecut=0",
            ),
        ),
        (
            Codec::H265,
            x265(
                "qp=30:bframes=3:b-adapt=0:b-pyramid=1:weightp=1:weightb=1:ref=4:keyint=12:scenecut=0:repeat-headers=1",
            ),
        ),
    ]
});

#[test]
fn a_constant_qp_is_read_from_each_slice() {
    // Constant QP: x264 and x265 take 3 less for key frames (a factor of 1.4) and 2 more for B frames (1.3).
    for (codec, units) in RICH.iter() {
        let facts = read_all(*codec, units);
        for (number, unit) in facts.iter().enumerate() {
            let qp = unit.qp.map_or(-1, i32::from);
            let expected = match unit.kind {
                PictureKind::Key => 27..=27,
                PictureKind::Predicted => 30..=30,
                PictureKind::Bidirectional => 31..=32,
            };
            assert!(expected.contains(&qp), "{codec:?} {number}: {unit:?}");
        }
        let of = |kind| facts.iter().filter(|unit| unit.kind == kind).count();
        assert!(of(PictureKind::Key) >= 1, "{codec:?}");
        assert!(of(PictureKind::Bidirectional) >= 12, "{codec:?}");
        let unreferred = facts.iter().filter(|unit| !unit.is_reference).count();
        assert!((6..18).contains(&unreferred), "{codec:?}: of B frames, some are referred to: {unreferred}");
    }
    assert!(read_all(Codec::H264, &RICH[0].1).iter().all(|unit| unit.slices == 2));
}

#[test]
fn profiles_and_picture_structures_are_read_through() {
    let cases = [
        ("baseline", Codec::H264, x264("pass=quant quantizer=30 tune=zerolatency cabac=false dct8x8=false")),
        (
            "interlaced, all scaling lists",
            Codec::H264,
            x264(
                "pass=quant quantizer=30 interlaced=true bframes=0 weightb=false option-string=cqm=jvt:weightp=0:scenecut=0",
            ),
        ),
        (
            "intra refresh",
            Codec::H264,
            x264("pass=quant quantizer=30 tune=zerolatency intra-refresh=true option-string=keyint=8"),
        ),
        ("scaling lists, low delay", Codec::H265, x265("qp=30:bframes=0:scaling-list=default:scenecut=0")),
        (
            "open groups, temporal layers",
            Codec::H265,
            x265("qp=30:open-gop=1:keyint=8:min-keyint=8:bframes=3:b-adapt=0:temporal-layers=1"),
        ),
    ];
    for (what, codec, units) in cases {
        let facts = read_all(codec, &units);
        for (number, unit) in facts.iter().enumerate() {
            assert!(unit.qp.is_some_and(|qp| (27..=32).contains(&qp)), "{what} {number}: {unit:?}");
        }
        assert_eq!(facts[0].kind, PictureKind::Key, "{what}");
        assert!(facts.iter().all(|unit| unit.slices >= 1 && unit.bytes > 0), "{what}");
    }
}

#[test]
fn filler_and_what_is_no_slice_are_counted_apart() {
    let nal = |first: &[u8], len: usize| [&[0, 0, 0, 1], first, &vec![0xff; len][..]].concat();
    let h264 = [nal(&[0x09], 1), nal(&[0x06], 30), nal(&[0x41], 99), nal(&[0x41], 49), nal(&[0x0c], 400)];
    let facts = Headers::new().read(Codec::H264, &h264.concat());
    assert_eq!((facts.bytes, facts.filler, facts.slices), (150, 401, 2));
    assert_eq!(facts.qp, None, "no parameter set came");
    let h265 = [nal(&[0x46, 1], 1), nal(&[0x02, 1], 98), nal(&[0x4c, 1], 400)];
    let facts = Headers::new().read(Codec::H265, &h265.concat());
    assert_eq!((facts.bytes, facts.filler, facts.slices), (100, 402, 1));
    let picture = Headers::new().read(Codec::Mjpeg, &[0xff, 0xd8, 0xff]);
    assert_eq!((picture.bytes, picture.kind, picture.slices), (3, PictureKind::Key, 1));
    assert_eq!(Headers::new().read(Codec::H264, &[]).slices, 0);
}

#[test]
fn repeated_parameter_sets_take_no_room() {
    let mut headers = Headers::new();
    for unit in RICH[0].1.iter().cycle().take(200) {
        headers.read(Codec::H264, unit);
    }
    assert_eq!((headers.h264_sps.sets.len(), headers.h264_pps.sets.len()), (1, 1));
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    proptest::collection::vec(prop_oneof![Just(0u8), Just(1u8), Just(0x67), Just(0x42), any::<u8>()], 0..300)
}

proptest! {
    #[test]
    fn any_bytes_give_facts(units in proptest::collection::vec(any_bytes(), 1..4)) {
        for codec in [Codec::H264, Codec::H265, Codec::Mjpeg] {
            let mut headers = Headers::new();
            for unit in &units {
                let facts = headers.read(codec, unit);
                prop_assert!(facts.bytes as usize + facts.filler as usize <= unit.len());
                prop_assert!(facts.qp.is_none_or(|qp| qp <= 51));
            }
        }
    }

    #[test]
    fn damaged_streams_give_facts(
        damage in proptest::collection::vec((0..24usize, 0..200usize, any::<u8>()), 1..40),
        cut in 0..400usize,
    ) {
        for (codec, units) in RICH.iter() {
            let mut units = units.clone();
            for (unit, at, value) in &damage {
                if let Some(byte) = units[*unit].get_mut(*at) {
                    *byte = *value;
                }
            }
            let kept = units[0].len().min(cut);
            units[0].truncate(kept);
            let facts = read_all(*codec, &units);
            prop_assert!(facts.iter().all(|unit| unit.qp.is_none_or(|qp| qp <= 51)));
        }
    }
}
