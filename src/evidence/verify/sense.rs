//! Whether a manifest agrees with itself, whoever signed it.
//!
//! Pure. A station's own manifests always do; one that does not was made by something else.

use std::collections::BTreeSet;

use super::super::{
    Words,
    manifest::{FORMAT, KEYRING, Manifest, PAGE, Range, Video, video_name},
    moment::Moment,
    seal::Sum,
};

/// One thing in which a manifest contradicts itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sense {
    /// It is not called what it is.
    Format,
    /// It names other files than a pack has, or one twice.
    Names,
    /// A video's length is not that of its parts.
    Bytes {
        /// Which.
        file: String,
    },
    /// A fragment does not begin where the one before ends, or is not numbered so.
    Offset {
        /// In which file.
        file: String,
        /// From 1.
        n: u32,
    },
    /// A fragment is earlier than the one before.
    Order {
        /// In which file.
        file: String,
        /// From 1.
        n: u32,
    },
    /// A video has no fragment.
    Empty {
        /// Which.
        file: String,
    },
    /// The range given is not that of the fragments.
    Given,
    /// The range asked ends before it begins, or nothing of it is given.
    Asked,
    /// A local time is not the UTC time beside it.
    Local,
    /// The root is not that of the fragments.
    Root,
    /// It is the first of its chain and names one before, or the other way round.
    Chain,
    /// It names no audit entry.
    Audit,
}

impl Sense {
    /// In both languages.
    pub fn words(&self) -> Words {
        match self {
            Self::Format => Words::new("格式名称不符", "its format is another"),
            Self::Names => Words::new("文件名不符合规定", "its files have other names than those of a pack"),
            Self::Bytes { file } => Words::new(
                format!("{file} 的长度与各段之和不符"),
                format!("the length of {file} is not that of its parts"),
            ),
            Self::Offset { file, n } => Words::new(
                format!("{file} 第 {n} 段的编号或位置不连续"),
                format!("fragment {n} of {file} does not follow the one before"),
            ),
            Self::Order { file, n } => Words::new(
                format!("{file} 第 {n} 段的时间早于前一段"),
                format!("fragment {n} of {file} is earlier than the one before"),
            ),
            Self::Empty { file } => {
                Words::new(format!("{file} 没有任何片段"), format!("{file} has no fragment"))
            }
            Self::Given => {
                Words::new("提供时段与各段时间不符", "the range given is not that of the fragments")
            }
            Self::Asked => Words::new("申请时段有误", "the range asked for cannot be"),
            Self::Local => {
                Words::new("本地时间与 UTC 时间不符", "a local time is not the UTC time beside it")
            }
            Self::Root => Words::new("默克尔根与各段不符", "the Merkle root is not that of the fragments"),
            Self::Chain => Words::new("编号与前一份的关系有误", "its number and the one before do not agree"),
            Self::Audit => Words::new("没有审计记录", "it names no audit entry"),
        }
    }
}

/// Everything in which `manifest` contradicts itself.
pub(super) fn contradictions(manifest: &Manifest) -> Vec<Sense> {
    let mut found = Vec::new();
    let mut unless = |holds: bool, sense: Sense| {
        if !holds {
            found.push(sense);
        }
    };
    unless(manifest.format == FORMAT, Sense::Format);
    unless(has_good_names(manifest), Sense::Names);
    for video in &manifest.videos {
        parts(video).into_iter().for_each(|sense| unless(false, sense));
    }
    let Range { from, to } = &manifest.given;
    let begin = manifest.fragments().map(|(_, fragment)| fragment.from).min();
    let end = manifest.fragments().map(|(_, fragment)| fragment.to()).max();
    unless(begin == Some(from.utc) && end == Some(to.utc), Sense::Given);
    let asked = &manifest.asked;
    let overlaps = asked.from.utc < to.utc && from.utc < asked.to.utc;
    unless(asked.from.utc < asked.to.utc && overlaps, Sense::Asked);
    let of_segments = manifest.videos.iter().flat_map(|video| [&video.segment.from, &video.segment.to]);
    let mut moments = [from, to, &asked.from, &asked.to, &manifest.created].into_iter().chain(of_segments);
    unless(moments.all(is_same), Sense::Local);
    unless(manifest.merkle == Manifest::tree(&manifest.videos), Sense::Root);
    let chain = &manifest.chain;
    unless(chain.no > 0 && (chain.no == 1) == chain.previous.is_none(), Sense::Chain);
    unless(manifest.audit.seq > 0 && manifest.audit.hash != Sum::NONE, Sense::Audit);
    found
}

fn has_good_names(manifest: &Manifest) -> bool {
    let videos = &manifest.videos;
    let named = |(index, video): (usize, &Video)| video.file == video_name(index, videos.len());
    let others: Vec<&str> = manifest.files.iter().map(|file| file.file.as_str()).collect();
    let known: BTreeSet<&str> = others.iter().copied().collect();
    !videos.is_empty()
        && videos.iter().enumerate().all(named)
        && known.len() == others.len()
        && known == BTreeSet::from([KEYRING, PAGE])
}

/// What is wrong with the parts of a video.
fn parts(video: &Video) -> Vec<Sense> {
    let mut found = Vec::new();
    let file = || video.file.clone();
    let mut end = video.init.len;
    let mut previous = None;
    for (fragment, n) in video.fragments.iter().zip(1..) {
        if fragment.offset != end || fragment.n != n {
            found.push(Sense::Offset { file: file(), n });
        }
        if previous.is_some_and(|previous| fragment.from < previous) {
            found.push(Sense::Order { file: file(), n });
        }
        previous = Some(fragment.from);
        end = end.saturating_add(fragment.len);
    }
    if previous.is_none() {
        found.push(Sense::Empty { file: file() });
    }
    if end != video.bytes {
        found.push(Sense::Bytes { file: file() });
    }
    found
}

/// Whether both times of a moment are the same one.
fn is_same(moment: &Moment) -> bool {
    let local: Result<jiff::Timestamp, _> = moment.local.parse();
    local.is_ok_and(|local| local.as_microsecond() == moment.utc.unix_us())
}
