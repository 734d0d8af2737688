//! What a configuration file may contain: the language in which `keys` declares it.
//!
//! Owns the words of that language. What is declared lies in [`super::keys`]; it is read by [`super::tree`], and
//! written out by [`super::schema`] and [`super::reference`]. Nothing here knows a single key.

/// A table of the file, with all of the keys that it may have.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name in the schema and the reference: `camera`, `camera.ID.zone.ID`.
    pub(super) name: &'static str,
    /// What it is, in English.
    pub(super) en: &'static str,
    /// What it is, in Chinese.
    pub(super) zh: &'static str,
    /// Its keys, in the order of the reference.
    pub(super) keys: &'static [Key],
    /// Keys that depend on the value of another.
    pub(super) variants: Option<Variants>,
    /// Keys of which exactly one is written; empty where there is no such thing.
    pub(super) exactly_one: &'static [&'static str],
    /// Keys that are written together or not at all.
    pub(super) together: &'static [&'static str],
}

impl Section {
    /// A section whose keys are independent of each other.
    pub(super) const fn plain(
        name: &'static str,
        en: &'static str,
        zh: &'static str,
        keys: &'static [Key],
    ) -> Self {
        Self { name, en, zh, keys, variants: None, exactly_one: &[], together: &[] }
    }

    /// The declaration of a key.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

/// Keys that mean something only where another key has a certain value.
#[derive(Debug)]
pub(super) struct Variants {
    /// The key that decides; its form is a [`Form::Choice`].
    pub(super) by: &'static str,
    /// One for each value of that key.
    pub(super) of: &'static [Variant],
}

impl Variants {
    /// Whether a key depends on the one that decides.
    pub(super) fn govern(&self, name: &str) -> bool {
        self.of.iter().any(|variant| variant.allows(name))
    }
}

/// What one value of the deciding key asks for and allows.
#[derive(Debug)]
pub(super) struct Variant {
    /// The value.
    pub(super) value: &'static str,
    /// Keys that must be written then.
    pub(super) needs: &'static [&'static str],
    /// Keys that may be written then.
    pub(super) may: &'static [&'static str],
}

impl Variant {
    /// Whether a key means something here.
    pub(super) fn allows(&self, name: &str) -> bool {
        self.needs.contains(&name) || self.may.contains(&name)
    }
}

/// A key of a section.
#[derive(Debug)]
pub(super) struct Key {
    /// As written.
    pub(super) name: &'static str,
    /// What its value looks like.
    pub(super) form: Form,
    /// What happens where it is absent.
    pub(super) need: Need,
    /// What it means, in English.
    pub(super) en: &'static str,
    /// What it means, in Chinese.
    pub(super) zh: &'static str,
}

/// A key.
pub(super) const fn key(
    name: &'static str,
    form: Form,
    need: Need,
    en: &'static str,
    zh: &'static str,
) -> Key {
    Key { name, form, need, en, zh }
}

/// What happens where a key is absent.
#[derive(Debug)]
pub(super) enum Need {
    /// It must be there.
    Required,
    /// It may be absent; the text says what that means.
    Optional(&'static str),
    /// It has this value then, written as TOML, and read as if it had been in the file.
    Default(&'static str),
}

/// What a value looks like.
#[derive(Debug)]
pub(super) enum Form {
    /// A text for people.
    Text,
    /// A text that may be a secret or belong to one: never repeated in an error.
    Hidden,
    /// The id of the thing itself.
    Id,
    /// The id of another thing, one that the file declares as `[NOUN.ID]`.
    Reference(&'static str),
    /// One of these words.
    Choice(&'static [&'static str]),
    /// `true` or `false`.
    Flag,
    /// A whole number within these bounds, both inclusive.
    Whole(i64, i64),
    /// A number within these bounds, both inclusive.
    Real(f64, f64),
    /// A file or folder; relative ones start at the folder of the configuration file.
    Path,
    /// The RTSP URL of a stream, without credentials.
    Stream,
    /// The address of a web server, `https://host`, without user, query or fragment.
    Web,
    /// A host name or an IP address.
    Host,
    /// An IP address and a TCP port to listen on.
    Listen,
    /// An IANA time zone.
    Zone,
    /// A day, `2027-12-31`.
    Date,
    /// When something begins, `00:00` to `23:59`.
    Begin,
    /// When something ends, `00:00` to `24:00`.
    End,
    /// Days of the week: `"daily"`, or a list.
    Days,
    /// A point, `[x, y]`, in shares of the picture.
    Point,
    /// The corners of a polygon, in order around it.
    Polygon,
    /// A place on earth, `[latitude, longitude]` in degrees.
    Place,
    /// A list of some length.
    List {
        /// What its items look like.
        of: &'static Form,
        /// Fewest items.
        min: usize,
        /// Most items.
        max: usize,
    },
    /// A table.
    Table(&'static Section),
    /// Tables by id: `[NOUN.ID]`.
    Map {
        /// What each table looks like.
        of: &'static Section,
        /// Most of them.
        max: usize,
    },
}

/// The days of the week as written.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// Corners of a polygon at most.
pub(super) const CORNERS_MAX: usize = 64;

/// Length of a text at most, in characters.
pub(super) const TEXT_LEN_MAX: usize = 200;

impl Form {
    /// What is expected, as the end of "expected is …" and "write …".
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Text | Self::Hidden => "a text in quotes".into(),
            Self::Id => "an id in quotes (1 to 48 of a-z, 0-9 and -)".into(),
            Self::Reference(noun) => format!("the id of a [{noun}.ID] in quotes"),
            Self::Choice(words) => format!("one of {}", quoted(words)),
            Self::Flag => "true or false".into(),
            Self::Whole(min, max) => format!("a whole number from {min} to {max}"),
            Self::Real(min, max) => format!("a number from {min} to {max}"),
            Self::Path => "a path in quotes".into(),
            Self::Stream => "a URL in quotes, like \"rtsp://192.168.1.64:554/stream1\"".into(),
            Self::Web => "an address in quotes, like \"https://station.example\"".into(),
            Self::Host => "a host name or an IP address in quotes".into(),
            Self::Listen => "an IP address and a port in quotes, like \"127.0.0.1:8080\"".into(),
            Self::Zone => "an IANA time zone in quotes, like \"Asia/Shanghai\"".into(),
            Self::Date => "a day in quotes, like \"2027-12-31\"".into(),
            Self::Begin => "a time of day in quotes, \"00:00\" to \"23:59\"".into(),
            Self::End => "a time of day in quotes, \"00:00\" to \"24:00\"".into(),
            Self::Days => format!("\"daily\", or a list of {}", quoted(&DAYS)),
            Self::Point => "a point [x, y], both from 0 to 1".into(),
            Self::Polygon => "a list of at least three points [x, y], all from 0 to 1".into(),
            Self::Place => "a place [latitude, longitude] in degrees, like [30.41, 103.51]".into(),
            Self::List { of, min, max } => format!("a list of {min} to {max} items, each {}", of.expected()),
            Self::Table(_) => "a table".into(),
            Self::Map { of, .. } => format!("tables by id, like [{}.ID]", last_name(of.name)),
        }
    }
}

/// The noun of `camera.ID.zone.ID` is `zone`.
pub(super) fn last_name(section: &str) -> &str {
    section.trim_end_matches(".ID").rsplit('.').next().unwrap_or(section)
}

/// `"a", "b", "c"`.
pub(super) fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}
