//! Bulletins: a group outside, such as the residents' chat, is told of an alarm by a text that was written beforehand.
//! It names the building at most. What happens in somebody's home is no news for a group.

use crate::alarm::Alarm;
use crate::book::{Book, EffectRow};
use crate::channels::effect_id;
use crate::command::{Outcomes, invalid, oversees};
use crate::world::World;
use std::collections::BTreeMap;
use wanglou_model::{Channel, Ended, Fact, OfficerId, Recipient, Span};

/// A bulletin is not sent later than this after it was asked for.
const EXPIRES_AFTER: Span = Span::mins(30);

/// Once for each alarm and text, by whoever oversees; asked for again, it is the one that went out or is on its way. One
/// that failed, or of which nobody knows whether it left, can be sent again.
pub(crate) fn decide(world: &World, alarm: &Alarm, by: &OfficerId, name: &str) -> Outcomes {
    if !oversees(world, by) {
        return Outcomes::refused(wanglou_model::Answer::Forbidden);
    }
    let told = mark(name);
    match () {
        () if !world.setup.bulletins.contains(name) => {
            let known: Vec<&str> = world.setup.bulletins.iter().map(String::as_str).collect();
            let en = format!("there is no bulletin {name:?}; there are: {}", known.join(", "));
            invalid("unknown_bulletin", &format!("没有名为 {name} 的通知模板"), &en)
        }
        () if alarm.test => invalid("test", "演练不群发", "a drill is told to no group"),
        () if world.setup.site.is_of_a_home(&alarm.place) => {
            let (zh, en) = ("住户家中的告警不群发", "what happens in a home is told to no group");
            invalid("of_a_home", zh, en)
        }
        () if alarm.is_confidential() => {
            invalid("confidential", "保密告警不群发", "what is told in confidence is told to no group")
        }
        () if alarm.details.contains_key(&told) => Outcomes::done(alarm, Vec::new()),
        () => Outcomes::done(
            alarm,
            vec![
                Fact::Noted {
                    alarm: alarm.id.clone(),
                    by: by.clone(),
                    text: format!("群发通知 bulletin: {name}"),
                },
                Fact::Detailed { alarm: alarm.id.clone(), details: BTreeMap::from([(told, true.into())]) },
                Fact::EffectQueued {
                    effect: effect_id(&alarm.id, name, Channel::Webhook, world.at, u8::MAX),
                    alarm: alarm.id.clone(),
                    to: Recipient::Group(name.to_owned()),
                    channel: Channel::Webhook,
                    expires_at: world.at + EXPIRES_AFTER,
                },
            ],
        ),
    }
}

/// The detail of an alarm that says that a bulletin was sent, or is to be.
fn mark(name: &str) -> String {
    format!("bulletin:{name}")
}

impl Book {
    /// A bulletin has ended. What is not known to have gone out may be asked for again.
    pub(crate) fn bulletin_ended(&mut self, row: &EffectRow, ended: Ended) {
        let Recipient::Group(name) = &row.to else { return };
        let went = match ended {
            Ended::Done => true,
            Ended::Failed | Ended::Unknown => false,
        };
        if let Some(alarm) = self.alarms.get_mut(&row.alarm).filter(|_| !went) {
            alarm.details.remove(&mark(name));
        }
    }
}
