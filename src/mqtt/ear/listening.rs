//! Subscriptions that the broker refused: what the operator is told, and when they are tried again.

use std::time::Duration;

use super::{FILTERS, Filter};
use crate::time::Mono;

/// How often what was refused is tried again, and told again.
pub const TRY_EVERY: Duration = Duration::from_secs(60);

/// Which of the subscriptions hold.
#[derive(Debug, Default)]
pub struct Listening {
    refused: Vec<Filter>,
    try_at: Option<Mono>,
}

/// What the operator is told of subscriptions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Word {
    /// Some are refused.
    Refused {
        /// What is not heard.
        what: String,
        /// The filters below the station's root.
        filters: String,
        /// In the broker's words.
        why: String,
    },
    /// All that was refused is granted now.
    Granted,
}

impl Listening {
    /// The broker's answer to a subscription to `asked`, in its order; `None` where it was granted, else why not. An answer that is too short grants nothing.
    pub fn answered(&mut self, now: Mono, asked: &[Filter], answers: &[Option<String>]) -> Option<Word> {
        let had = !self.refused.is_empty();
        let missing = Some("it does not say".to_owned());
        let answers = answers.iter().chain(std::iter::repeat(&missing));
        let refused: Vec<(Filter, &String)> =
            asked.iter().zip(answers).filter_map(|(filter, why)| Some((*filter, why.as_ref()?))).collect();
        self.refused = refused.iter().map(|(filter, _)| *filter).collect();
        self.try_at = (!refused.is_empty()).then(|| now + TRY_EVERY);
        let Some((_, why)) = refused.first() else { return had.then_some(Word::Granted) };
        let join =
            |word: fn(&Filter) -> &'static str| self.refused.iter().map(word).collect::<Vec<_>>().join(", ");
        Some(Word::Refused {
            what: join(|filter| filter.what),
            filters: join(|filter| filter.below),
            why: (*why).clone(),
        })
    }

    /// How many are refused.
    pub fn refused(&self) -> usize {
        self.refused.len()
    }

    /// When to try again.
    pub fn try_at(&self) -> Option<Mono> {
        self.try_at
    }

    /// What to ask for at this time; not again before it is answered or the connection is another one.
    pub fn try_again(&mut self, now: Mono) -> Vec<Filter> {
        match self.try_at {
            Some(at) if at <= now => {
                self.try_at = None;
                self.refused.clone()
            }
            _ => Vec::new(),
        }
    }

    /// A connection ended: the next one asks for everything.
    pub fn interrupted(&mut self) {
        self.try_at = None;
    }

    /// What a connection asks for first.
    pub fn first() -> Vec<Filter> {
        FILTERS.to_vec()
    }
}

impl Word {
    /// Tells the operator.
    pub fn log(&self) {
        match self {
            Self::Refused { what, filters, why } => tracing::error!(
                %why,
                %filters,
                "the broker does not let us listen: {what} are not heard. Let the daemon's account read these topics below the station's root \
                 (docs/ref/mqtt.md, The broker)"
            ),
            Self::Granted => tracing::info!("the broker lets us listen to everything now"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NO: Option<&str> = Some("not authorised");

    fn answers(all: [Option<&str>; 5]) -> Vec<Option<String>> {
        all.into_iter().map(|why| why.map(str::to_owned)).collect()
    }

    #[test]
    fn what_is_refused_is_told_and_tried_again_alone() {
        let mut listening = Listening::default();
        let asked = Listening::first();
        let word = listening.answered(Mono::ZERO, &asked, &answers([NO, None, None, None, NO]));
        let Some(Word::Refused { what, filters, why }) = word else { panic!("refused") };
        assert_eq!(what, "commands, neighbouring stations");
        assert_eq!(filters, "command/alert/+/+, in/#");
        assert_eq!(why, "not authorised");
        assert_eq!(listening.refused(), 2);
        assert_eq!(listening.try_at(), Some(Mono::ZERO + TRY_EVERY));
        assert!(listening.try_again(Mono::ZERO).is_empty());
        let later = Mono::ZERO + TRY_EVERY;
        let asked = listening.try_again(later);
        assert_eq!(
            asked.iter().map(|filter| filter.below).collect::<Vec<_>>(),
            ["command/alert/+/+", "in/#"]
        );
        assert!(listening.try_again(later).is_empty(), "once, until it is answered");
        assert_eq!(listening.answered(later, &asked, &[None, None]), Some(Word::Granted));
        assert_eq!((listening.refused(), listening.try_at()), (0, None));
    }

    #[test]
    fn what_is_granted_at_once_is_no_news() {
        let mut listening = Listening::default();
        assert_eq!(listening.answered(Mono::ZERO, &FILTERS, &answers([None; 5])), None);
    }

    #[test]
    fn an_answer_that_says_too_little_grants_nothing() {
        let mut listening = Listening::default();
        assert!(listening.answered(Mono::ZERO, &FILTERS, &[None]).is_some());
        assert_eq!(listening.refused(), 4);
    }
}
