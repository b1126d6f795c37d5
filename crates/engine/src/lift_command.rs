//! Commands to lifts and loudspeakers, as rows of the book: each is journaled before it leaves, leaves once or not at all, and ends.
//!
//! ```text
//!   pending ──► started ──► taken by the broker ──► confirmed by the lift
//!      │            │                │
//!      └► failed    └► unknown       └► timed out
//! ```

use crate::alarm::Entry;
use crate::book::Book;
use crate::timers::{Timer, Timers};
use crate::world::World;
use serde::{Deserialize, Serialize};
use wanglou_model::{
    AlarmId, ChannelNews, CommandState, DeviceId, Ended, Fact, LiftAction, LiftCommand, OfficerId, PlaceId,
    Reason, Span, Timestamp,
};

/// A command is not sent later than this after it was decided on.
const EXPIRES_AFTER: Span = Span::secs(5);
/// The lift must have done it within this time.
const CONFIRMED_WITHIN: Span = Span::secs(10);
/// How many commands are remembered; the oldest that has ended is forgotten first, else the oldest.
const COMMANDS_MAX: usize = 512;

/// A command and where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandRow {
    /// What was asked for.
    pub command: LiftCommand,
    /// When.
    pub at: Timestamp,
    /// Where it stands.
    pub state: CommandState,
}

/// Whom a command is for, and what it follows from.
pub(crate) struct Order<'a> {
    pub(crate) lift: &'a PlaceId,
    pub(crate) device: &'a DeviceId,
    pub(crate) action: LiftAction,
    pub(crate) alarm: Option<&'a AlarmId>,
    pub(crate) by: Option<&'a OfficerId>,
    /// What tells this occasion from others of the same action: a second command for it is none.
    pub(crate) occasion: &'a str,
    pub(crate) reason: Reason,
}

/// The fact that gives a command, unless it was given for this occasion before.
pub(crate) fn give(world: &World, order: Order) -> Option<Fact> {
    let parts = [world.setup.site.id.as_str(), order.lift.as_str(), order.action.name(), order.occasion];
    let command = format!("cm_{}", &blake3::hash(parts.join("|").as_bytes()).to_hex()[..20]);
    if world.book.commands.contains_key(&command) {
        return None;
    }
    Some(Fact::Commanded(Box::new(LiftCommand {
        command,
        device: order.device.clone(),
        lift: order.lift.clone(),
        action: order.action,
        alarm: order.alarm.cloned(),
        by: order.by.cloned(),
        reason: order.reason,
        expires_at: world.at + EXPIRES_AFTER,
    })))
}

/// What the sender says of a command.
pub(crate) fn news(book: &Book, news: &ChannelNews) -> Option<Fact> {
    let row = book.commands.get(&news.effect).filter(|row| !row.state.is_end())?;
    let state = match (news.ended, row.command.action) {
        (None, _) => CommandState::Started,
        // Nobody answers to a voice: that the broker has it is all that can be known.
        (Some(Ended::Done), LiftAction::Voice) => CommandState::Confirmed,
        (Some(Ended::Done), LiftAction::Hold | LiftAction::Release) => CommandState::Taken,
        (Some(Ended::Failed), _) => CommandState::Failed,
        (Some(Ended::Unknown), _) => CommandState::Unknown,
    };
    Some(Fact::CommandNews { command: news.effect.clone(), state, detail: news.detail.clone() })
}

/// Its time is over.
pub(crate) fn overdue(book: &Book, id: &str) -> Option<Fact> {
    let row = book.commands.get(id).filter(|row| !row.state.is_end())?;
    let (state, detail) = if row.state == CommandState::Pending {
        (CommandState::Failed, "was not sent in time")
    } else {
        let late = match row.command.action {
            LiftAction::Hold => "the lift does not report that it is held",
            LiftAction::Release => "the lift does not report that it is let go",
            LiftAction::Voice => "the broker did not say in time that it has it",
        };
        (CommandState::TimedOut, late)
    };
    Some(Fact::CommandNews { command: id.to_owned(), state, detail: detail.to_owned() })
}

/// The lift shows what these commands asked for.
pub(crate) fn confirmed(world: &World, lift: &PlaceId, held: bool) -> Vec<Fact> {
    let done = |row: &&CommandRow| {
        let wanted = match row.command.action {
            LiftAction::Hold => held,
            LiftAction::Release => !held,
            LiftAction::Voice => false,
        };
        row.command.lift == *lift && !row.state.is_end() && wanted
    };
    let rows = world.book.commands.values().filter(done);
    let fact = |row: &CommandRow| Fact::CommandNews {
        command: row.command.command.clone(),
        state: CommandState::Confirmed,
        detail: String::new(),
    };
    rows.map(fact).collect()
}

impl Book {
    pub(crate) fn commanded(&mut self, at: Timestamp, command: &LiftCommand, timers: &mut Timers) {
        if self.commands.len() >= COMMANDS_MAX {
            let oldest = self.commands.iter().min_by_key(|(_, row)| (!row.state.is_end(), row.at));
            if let Some(id) = oldest.map(|(id, _)| id.clone()) {
                timers.disarm(&Timer::Command(id.as_str().into()));
                self.commands.remove(&id);
            }
        }
        let row = CommandRow { command: command.clone(), at, state: CommandState::Pending };
        self.commands.insert(command.command.clone(), row);
        timers.arm(Timer::Command(command.command.as_str().into()), at + CONFIRMED_WITHIN);
        let line = Entry::new(at, "command").over(command.action.name()).because(command.reason.clone());
        let line = match &command.by {
            Some(by) => line.by(by),
            None => line,
        };
        self.line(command.alarm.as_ref(), line);
    }

    pub(crate) fn command_news(
        &mut self,
        at: Timestamp,
        id: &str,
        state: CommandState,
        detail: &str,
        timers: &mut Timers,
    ) {
        let Some(row) = self.commands.get_mut(id) else { return };
        row.state = state;
        if state.is_end() {
            timers.disarm(&Timer::Command(id.into()));
        }
        let (alarm, action) = (row.command.alarm.clone(), row.command.action.name());
        let (zh, en) = words(row.command.action, state);
        let en = if detail.is_empty() { en.to_owned() } else { format!("{en}: {detail}") };
        let line = Entry::new(at, "command").over(action).because(Reason::new(state.name(), zh, en));
        self.line(alarm.as_ref(), line);
    }

    fn line(&mut self, alarm: Option<&AlarmId>, line: Entry) {
        if let Some(alarm) = alarm.and_then(|id| self.alarms.get_mut(id)) {
            alarm.write(line);
            self.dirty.insert(alarm.id.clone());
        }
    }
}

fn words(action: LiftAction, state: CommandState) -> (&'static str, &'static str) {
    let voice = action == LiftAction::Voice;
    match state {
        CommandState::Confirmed if voice => ("语音指令已送达", "the broker has the words"),
        CommandState::TimedOut if voice => ("语音指令未确认送达", "nobody knows whether it was said"),
        CommandState::Pending => ("待发送", "to be sent"),
        CommandState::Started => ("发送中", "being sent"),
        CommandState::Taken => ("已送达消息服务器", "the broker has it"),
        CommandState::Confirmed => ("电梯已执行", "the lift did it"),
        CommandState::Failed => ("未发出", "did not leave"),
        CommandState::TimedOut => ("电梯未按时执行，请到现场", "not done in time: go there"),
        CommandState::Unknown => ("是否发出不明，不再重发", "may have left; not sent again"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn command(n: usize) -> LiftCommand {
        LiftCommand {
            command: format!("cm_{n}"),
            device: DeviceId::parse("car").expect("an id"),
            lift: PlaceId::parse("1/1/lift-A").expect("an id"),
            action: LiftAction::Release,
            alarm: None,
            by: None,
            reason: Reason::new("r", "", ""),
            expires_at: Timestamp(0),
        }
    }

    #[test]
    fn at_the_limit_what_has_ended_is_forgotten_first_and_then_the_oldest() {
        let (mut book, mut timers) = (Book::default(), Timers::default());
        for n in 0..COMMANDS_MAX {
            book.commanded(Timestamp(n as i64), &command(n), &mut timers);
        }
        book.command_news(Timestamp(600), "cm_7", CommandState::Confirmed, "", &mut timers);
        book.commanded(Timestamp(601), &command(900), &mut timers);
        assert!(!book.commands.contains_key("cm_7") && book.commands.contains_key("cm_0"));
        book.commanded(Timestamp(602), &command(901), &mut timers);
        assert!(!book.commands.contains_key("cm_0"), "none has ended: the oldest goes");
        assert_eq!((book.commands.len(), timers.len()), (COMMANDS_MAX, COMMANDS_MAX));
    }

    #[test]
    fn what_was_late_is_said_of_each_by_what_it_is() {
        let said = |action| {
            let (mut book, mut timers) = (Book::default(), Timers::default());
            let asked = LiftCommand { action, ..command(1) };
            book.commanded(Timestamp(0), &asked, &mut timers);
            book.command_news(Timestamp(1), "cm_1", CommandState::Started, "", &mut timers);
            let Some(Fact::CommandNews { detail, .. }) = overdue(&book, "cm_1") else { return String::new() };
            detail
        };
        assert_eq!(said(LiftAction::Hold), "the lift does not report that it is held");
        assert_eq!(said(LiftAction::Release), "the lift does not report that it is let go");
        let voice = said(LiftAction::Voice);
        assert!(voice.contains("broker") && !voice.contains("lift"), "a loudspeaker is no lift: {voice}");
    }
}
