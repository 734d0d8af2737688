//! The parameters of a question, read one by one.
//!
//! Owns how values are spelt in an address and the words for what is wrong with one. What they mean together is for whoever asks for them.

use std::{fmt::Display, str::FromStr, time::Duration};

use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::time::Wall;

/// Values of one parameter, at most.
const VALUES_MAX: usize = 1000;

/// What is wrong with a question.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum BadQuestion {
    #[error(
        "{name}={text} is no time: write it as 2026-03-09T18:04:05Z or 2026-03-10T02:04:05%2B08:00 (a + in an address means a space)"
    )]
    Time { name: &'static str, text: String },
    #[error("{name}={text}: {why}")]
    Value { name: &'static str, text: String, why: String },
    #[error("{name}={text} is no number from {from} to {to}")]
    Number { name: &'static str, text: String, from: String, to: String },
    #[error("{name}={text} is none of {}", words.join(", "))]
    Word { name: &'static str, text: String, words: Vec<&'static str> },
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("more than {VALUES_MAX} values of {0}")]
    TooMany(&'static str),
    #[error("from lies behind to: there is nothing in between")]
    Order,
    #[error("{0} is written twice")]
    Twice(&'static str),
    #[error("{name} cannot be asked for here: use {}", known.join(", "))]
    Unknown { name: String, known: Vec<&'static str> },
}

/// The parameters, and which of them were asked for.
pub(super) struct Parameters<'p> {
    pairs: &'p [(String, String)],
    known: Vec<&'static str>,
}

impl<'p> Parameters<'p> {
    pub(super) fn new(pairs: &'p [(String, String)]) -> Self {
        Self { pairs, known: Vec::new() }
    }

    /// The one value of a parameter.
    pub(super) fn text(&mut self, name: &'static str) -> Result<Option<&'p str>, BadQuestion> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(written, _)| written == name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => Err(BadQuestion::Twice(name)),
            (one, _) => Ok(one.map(|(_, value)| value.as_str())),
        }
    }

    pub(super) fn time(&mut self, name: &'static str) -> Result<Option<Wall>, BadQuestion> {
        let Some(text) = self.text(name)? else { return Ok(None) };
        let read: Result<Timestamp, _> = text.parse();
        let at = read.map_err(|_| BadQuestion::Time { name, text: text.to_owned() })?;
        Ok(Some(Wall::from_unix_us(at.as_microsecond())))
    }

    /// A time, or a day of `zone`: its midnight.
    pub(super) fn moment(
        &mut self,
        name: &'static str,
        zone: &TimeZone,
    ) -> Result<Option<Wall>, BadQuestion> {
        self.day_or_time(name, zone, Ok)
    }

    /// A time, or a day of `zone`: the midnight that ends it.
    pub(super) fn moment_after(
        &mut self,
        name: &'static str,
        zone: &TimeZone,
    ) -> Result<Option<Wall>, BadQuestion> {
        self.day_or_time(name, zone, Date::tomorrow)
    }

    fn day_or_time(
        &mut self,
        name: &'static str,
        zone: &TimeZone,
        midnight: impl Fn(Date) -> Result<Date, jiff::Error>,
    ) -> Result<Option<Wall>, BadQuestion> {
        let Some(day) = self.text(name)?.and_then(|text| Date::strptime("%Y-%m-%d", text).ok()) else {
            self.known.pop();
            return self.time(name);
        };
        let at = midnight(day).and_then(|day| zone.to_timestamp(day.at(0, 0, 0, 0)));
        let at =
            at.map_err(|why| BadQuestion::Value { name, text: day.to_string(), why: why.to_string() })?;
        Ok(Some(Wall::from_unix_us(at.as_microsecond())))
    }

    /// A time that has to be there.
    pub(super) fn time_needed(&mut self, name: &'static str) -> Result<Wall, BadQuestion> {
        self.time(name)?.ok_or(BadQuestion::Missing(name))
    }

    /// A value that reads itself.
    pub(super) fn value<T>(&mut self, name: &'static str) -> Result<Option<T>, BadQuestion>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.text(name)?.map(|text| parsed(name, text)).transpose()
    }

    /// Values that read themselves, in one parameter separated by commas, or in several of the same name.
    pub(super) fn values<T>(&mut self, name: &'static str) -> Result<Vec<T>, BadQuestion>
    where
        T: FromStr,
        T::Err: Display,
    {
        self.split(name)?.into_iter().map(|text| parsed(name, text)).collect()
    }

    /// Words of a list, as [`Self::values`].
    pub(super) fn words<T: Copy>(
        &mut self,
        name: &'static str,
        all: &[T],
        word: impl Fn(T) -> &'static str,
    ) -> Result<Vec<T>, BadQuestion> {
        let read = |text: &str| {
            let known = all.iter().copied().find(|&one| word(one) == text);
            known.ok_or_else(|| BadQuestion::Word {
                name,
                text: text.to_owned(),
                words: all.iter().map(|&one| word(one)).collect(),
            })
        };
        self.split(name)?.into_iter().map(read).collect()
    }

    /// A number within bounds, both inclusive.
    pub(super) fn number<T>(&mut self, name: &'static str, from: T, to: T) -> Result<Option<T>, BadQuestion>
    where
        T: FromStr + PartialOrd + Display,
    {
        let Some(text) = self.text(name)? else { return Ok(None) };
        match text.parse().ok().filter(|number| (&from..=&to).contains(&number)) {
            Some(number) => Ok(Some(number)),
            None => Err(BadQuestion::Number {
                name,
                text: text.to_owned(),
                from: from.to_string(),
                to: to.to_string(),
            }),
        }
    }

    /// Seconds, up to a day.
    pub(super) fn seconds(&mut self, name: &'static str) -> Result<Option<Duration>, BadQuestion> {
        Ok(self.number(name, 0.0, 86_400.0)?.map(Duration::from_secs_f64))
    }

    /// Refuses what was not asked for: a filter that nobody reads would show too much.
    pub(super) fn finish(self) -> Result<(), BadQuestion> {
        match self.pairs.iter().find(|(name, _)| !self.known.contains(&name.as_str())) {
            Some((name, _)) => Err(BadQuestion::Unknown { name: name.clone(), known: self.known }),
            None => Ok(()),
        }
    }

    fn split(&mut self, name: &'static str) -> Result<Vec<&'p str>, BadQuestion> {
        self.known.push(name);
        let values = self.pairs.iter().filter(|(written, _)| written == name);
        let values: Vec<&str> = values.flat_map(|(_, value)| value.split(',')).map(str::trim).collect();
        if values.len() > VALUES_MAX { Err(BadQuestion::TooMany(name)) } else { Ok(values) }
    }
}

fn parsed<T>(name: &'static str, text: &str) -> Result<T, BadQuestion>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse().map_err(|why: T::Err| BadQuestion::Value {
        name,
        text: text.to_owned(),
        why: why.to_string(),
    })
}

/// `from` before `to`, where both are there.
pub(super) fn in_order(from: Option<Wall>, to: Option<Wall>) -> Result<(), BadQuestion> {
    match (from, to) {
        (Some(from), Some(to)) if from > to => Err(BadQuestion::Order),
        _ => Ok(()),
    }
}
