//! The channel clock: how each person is tried, from when they were told. The socket is first and needs no timer;
//! what is here moves on to the next channel unless a receipt or an acceptance arrives.

use crate::alarm::{Alarm, Follower};
use crate::world::World;
use wanglou_model::{AlarmId, Channel, Fact, OfficerId, Priority, Recipient, Span, Timestamp};

/// An effect is not sent later than this after it was queued.
const EXPIRES_AFTER: Span = Span::mins(5);

/// No step waits longer.
const LAST_STEP: Span = Span::secs(60);

/// One step of the clock.
struct Step {
    after: Span,
    channel: Channel,
}

/// Their places in the list are bits in [`Follower::channel_steps`]: a new one goes to the end.
fn steps(priority: Priority) -> [Step; 4] {
    let (push, card, voice) = match priority {
        Priority::P1 => (Span::secs(5), Span::secs(15), Span::secs(30)),
        Priority::P2 | Priority::P3 | Priority::P4 => (Span::secs(10), Span::secs(30), Span::secs(60)),
    };
    [
        Step { after: card, channel: Channel::Webhook },
        Step { after: voice, channel: Channel::Voice },
        Step { after: push, channel: Channel::Push },
        // As late as the card: it costs money, and reaches those whose phone has no app or no network.
        Step { after: card, channel: Channel::Sms },
    ]
}

/// What is tried at this priority: a fault of a device wakes nobody by telephone, it waits on the lock screen.
fn is_for(priority: Priority, channel: Channel) -> bool {
    match priority {
        Priority::P1 | Priority::P2 => true,
        Priority::P3 => channel == Channel::Push,
        Priority::P4 => false,
    }
}

/// What is due on an alarm's channel clock now.
pub(crate) fn due(world: &World, alarm: &Alarm) -> Vec<Fact> {
    let called = alarm.followers.iter().filter(|(_, follower)| is_called(alarm, follower));
    called.flat_map(|(officer, follower)| due_for(world, alarm, officer, follower)).collect()
}

/// What is due on it for one person alone.
pub(crate) fn due_to(world: &World, alarm: &Alarm, officer: &OfficerId) -> Vec<Fact> {
    let follower = alarm.followers.get(officer).filter(|follower| is_called(alarm, follower));
    follower.map(|follower| due_for(world, alarm, officer, follower)).unwrap_or_default()
}

/// When the clock of an alarm has its next step, if it has one.
pub(crate) fn next(world: &World, alarm: &Alarm) -> Option<Timestamp> {
    alarm.followers.iter().filter_map(|(officer, follower)| next_for(world, alarm, officer, follower)).min()
}

/// When it has its next step for one person.
pub(crate) fn next_to(world: &World, alarm: &Alarm, officer: &OfficerId) -> Option<Timestamp> {
    let (officer, follower) = alarm.followers.get_key_value(officer)?;
    next_for(world, alarm, officer, follower)
}

fn next_for(world: &World, alarm: &Alarm, officer: &OfficerId, follower: &Follower) -> Option<Timestamp> {
    // Who was told longer ago than any step waits has none left.
    let over = follower.since + LAST_STEP <= world.at;
    if over || !is_called(alarm, follower) {
        return None;
    }
    let steps = plan(world, alarm, officer, follower);
    steps.filter(|(step, at, _)| !is_taken(follower, *step) && *at > world.at).map(|(_, at, _)| at).min()
}

fn is_called(alarm: &Alarm, follower: &Follower) -> bool {
    alarm.is_open() && alarm.is_unaccepted() && alarm.shelved.is_none() && follower.ring && !follower.declined
}

fn is_taken(follower: &Follower, step: u8) -> bool {
    follower.channel_steps & (1 << step) != 0
}

/// The steps that exist for this person, with their time. Somebody without a socket is tried at once, and so is a
/// phone that can be pushed to and shows the app to nobody; one that has stored the alarm needs no push.
fn plan<'a>(
    world: &'a World,
    alarm: &Alarm,
    officer: &'a OfficerId,
    follower: &Follower,
) -> impl Iterator<Item = (u8, Timestamp, Channel)> + 'a {
    let offline = world.senses.sockets(officer) == 0;
    let since = follower.since;
    let pushable = unstored(world, officer, follower);
    let on_file = move |channel| match (channel, world.setup.site.officers.get(officer)) {
        (Channel::Webhook, Some(known)) => known.webhook && world.setup.channels.contains(&Channel::Webhook),
        (Channel::Voice | Channel::Sms, Some(known)) => {
            known.telephone && world.setup.channels.contains(&channel)
        }
        (Channel::Push, Some(_)) => pushable.is_some() && world.setup.channels.contains(&Channel::Push),
        (_, None) => false,
    };
    let priority = alarm.priority;
    let timed = move |(index, step): (usize, Step)| {
        let at_once = match step.channel {
            Channel::Webhook | Channel::Sms => offline,
            Channel::Push => pushable == Some(Looked::Away),
            Channel::Voice => false,
        };
        let wait = if at_once { Span::ZERO } else { step.after };
        let exists = is_for(priority, step.channel) && on_file(step.channel);
        exists.then_some((index as u8, since + wait, step.channel))
    };
    steps(priority).into_iter().enumerate().filter_map(timed)
}

/// Whether somebody looks at the app on the phones that can be pushed to and have not stored the alarm.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Looked {
    /// On all of them.
    At,
    /// Not on one of them at least.
    Away,
}

fn unstored(world: &World, officer: &OfficerId, follower: &Follower) -> Option<Looked> {
    let phones = world.senses.push_phones(officer).filter(|(phone, _)| !follower.stored.contains(*phone));
    phones
        .map(|(_, visible)| if visible { Looked::At } else { Looked::Away })
        .max_by_key(|looked| *looked == Looked::Away)
}

fn due_for(world: &World, alarm: &Alarm, officer: &OfficerId, follower: &Follower) -> Vec<Fact> {
    let is_due = |(step, at, channel): &(u8, Timestamp, Channel)| {
        let shown = matches!(channel, Channel::Webhook | Channel::Sms) && follower.presented;
        *at <= world.at && !is_taken(follower, *step) && !shown
    };
    let effect = |(step, _, channel): (u8, Timestamp, Channel)| Fact::EffectQueued {
        effect: effect_id(&alarm.id, officer.as_str(), channel, follower.since, step),
        alarm: alarm.id.clone(),
        to: Recipient::Officer(officer.clone()),
        channel,
        expires_at: world.at + EXPIRES_AFTER,
    };
    plan(world, alarm, officer, follower).filter(is_due).map(effect).collect()
}

/// The id of an effect: the same for the same step, so that a resend after a crash is known to the far end.
pub(crate) fn effect_id(alarm: &AlarmId, to: &str, channel: Channel, since: Timestamp, step: u8) -> String {
    let text = format!("{alarm}|{to}|{}|{}|{step}", channel.name(), since.0);
    format!("ef_{}", &blake3::hash(text.as_bytes()).to_hex()[..20])
}

impl Follower {
    pub(crate) fn take_step(&mut self, channel: Channel) {
        self.channel_steps |= match channel {
            Channel::Webhook => 1,
            Channel::Voice => 2,
            Channel::Push => 4,
            Channel::Sms => 8,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_step_waits_longer_than_the_last() {
        let waits = Priority::ALL.into_iter().flat_map(|priority| steps(priority).map(|step| step.after));
        assert_eq!(waits.max(), Some(LAST_STEP));
    }
}
