//! What people want done with alerts, and what they are answered.

use std::collections::VecDeque;

use super::{Clerk, Draft, Record, drafting::Change};
use crate::{
    alert::life::{Command, NotDone, Obeyed, Verb},
    id::{AlertId, CommandId},
    mqtt::payload::{AnswerData, AnswerResult},
    time::Wall,
};

/// Commands without an effect whose answers are kept in mind; of more, the newest.
const ANSWERED_MAX: usize = 256;

/// What is on record of an alert and of those that joined it.
#[derive(Debug)]
pub struct Folder {
    /// The alert's.
    pub record: Record,
    /// Theirs; empty unless it leads ([`Record::leads`]).
    pub members: Vec<Record>,
}

/// Answers to commands that had no effect and are therefore on no record: a repeat is answered as the first one was, until a restart.
#[derive(Debug, Default)]
pub(super) struct Answered(VecDeque<(AlertId, CommandId, Result<(), NotDone>)>);

impl Answered {
    fn to(&self, command: &Command) -> Option<Result<(), NotDone>> {
        let mut answered = self.0.iter();
        let known = answered.find(|(alert, id, _)| *alert == command.alert && *id == command.id);
        known.map(|(_, _, answer)| answer.clone())
    }

    fn keep(&mut self, command: &Command, answer: Result<(), NotDone>) {
        if self.0.len() == ANSWERED_MAX {
            self.0.pop_front();
        }
        self.0.push_back((command.alert, command.id, answer));
    }
}

impl Clerk {
    /// Drafts what a command leads to, and what is answered once that is promised. `folder` is what is on record of its alert, if there is one.
    pub fn obey(&mut self, now: Wall, mut command: Command, folder: Option<Folder>) -> (AnswerData, Draft) {
        let mut draft = Draft::default();
        if command.actor.station.as_ref() == Some(&self.station) {
            command.actor.station = None;
        }
        let Some(Folder { record, members }) = folder else {
            let not_done = NotDone::Invalid(format!("there is no alert {}", command.alert));
            return (AnswerData::refused(command.id, &not_done), draft);
        };
        let record = self.catch_up(now, record, &mut draft);
        if let Some(answer) = self.answered.to(&command) {
            return (answered(&command, answer, &record, record.rev), draft);
        }
        let answer = match self.apply(now, &record, &command, &mut draft) {
            Ok((Obeyed::Changed(_), after)) => {
                self.spread(now, &command, members, &mut draft);
                answered(&command, Ok(()), &after, after.rev)
            }
            Ok((Obeyed::Repeated { rev }, _)) => answered(&command, Ok(()), &record, rev),
            Ok((Obeyed::Idle, _)) => {
                self.answered.keep(&command, Ok(()));
                answered(&command, Ok(()), &record, record.rev)
            }
            Err(not_done) => {
                self.answered.keep(&command, Err(not_done.clone()));
                answered(&command, Err(not_done), &record, record.rev)
            }
        };
        (answer, draft)
    }

    /// What is done with the alert that leads is done with all that are open.
    fn spread(&mut self, now: Wall, command: &Command, members: Vec<Record>, draft: &mut Draft) {
        if matches!(command.verb, Verb::Escalate | Verb::Annotate) {
            return;
        }
        // A remark is kept once, where it was made; how an alert was closed, with each.
        let is_end = matches!(command.verb, Verb::Resolve | Verb::Dismiss);
        for member in members {
            let member = self.catch_up(now, member, draft);
            if !member.life.state().is_closed() {
                // One that somebody else answers for itself goes its own way.
                let note = command.note.clone().filter(|_| is_end);
                let command = Command { if_rev: None, note, ..command.clone() };
                let _ = self.apply(now, &member, &command, draft);
            }
        }
    }

    fn apply(
        &mut self,
        now: Wall,
        record: &Record,
        command: &Command,
        draft: &mut Draft,
    ) -> Result<(Obeyed, Record), NotDone> {
        let mut after = record.clone();
        let subject = record.subject(&self.duty);
        let obeyed =
            after.life.obey(now, record.rev, command, &|tier| self.duty.tell(now, &subject, tier))?;
        if let Obeyed::Changed(changed) = &obeyed {
            after = self.put(now, Change::of_life(record, changed.clone()), after, draft);
        }
        Ok((obeyed, after))
    }
}

/// Who is of a station that was not told of the alert is not told of it now.
fn answered(command: &Command, answer: Result<(), NotDone>, record: &Record, rev: u64) -> AnswerData {
    let station = command.actor.station.as_ref();
    let is_shown = station.is_none_or(|station| record.life.is_shared(station));
    let mut data = match &answer {
        Ok(()) => {
            AnswerData { command: command.id, result: AnswerResult::Ok, why: None, rev: None, alert: None }
        }
        Err(not_done) => AnswerData::refused(command.id, not_done),
    };
    if is_shown {
        data.rev = Some(rev);
        data.alert = Some(record.data.clone());
    }
    data
}
