//! A walk into the night: somebody who may not find back has left the home, and has not come back in time.

use super::{Home, Look, News};
use crate::rules::living_alone::settings::secs;
use serde::{Deserialize, Serialize};
use wanglou_model::{Span, Timestamp};

/// Motion so soon after the door is that of the person who goes.
const STILL_GOING: Span = Span::mins(1);
/// The door again so soon is the same exit: a contact that bounces, or something forgotten.
const SAME_EXIT: Span = Span::secs(30);

/// An exit that nobody has come back from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Exit {
    /// When the door opened.
    at: Timestamp,
    /// When it opened last.
    last: Timestamp,
    /// Somebody was told.
    told: bool,
}

impl Home {
    /// The door opened. At night it is an exit, the next time a return.
    pub(super) fn passes_door(&mut self, look: &Look, when: Timestamp) {
        if !look.sensors.night_exit {
            self.exit = None;
            return;
        }
        match &mut self.exit {
            Some(exit) if when - exit.last <= SAME_EXIT => exit.last = exit.last.max(when),
            Some(_) => self.comes_back(),
            None => {
                let local = look.setup.calendar.local(look.senses.wall(when));
                let night = local.is_between(look.settings.exit_from, look.settings.exit_until);
                if night && !self.is_away(look) {
                    self.exit = Some(Exit { at: when, last: when, told: false });
                }
            }
        }
    }

    /// Somebody moves inside.
    pub(super) fn moves_inside(&mut self, when: Timestamp) {
        if self.exit.is_some_and(|exit| when - exit.last > STILL_GOING) {
            self.comes_back();
        }
    }

    fn comes_back(&mut self) {
        if self.exit.take().is_some_and(|exit| exit.told) {
            self.news.push(News::Returned);
        }
    }

    /// When somebody is told, if nobody comes back before.
    pub(super) fn exit_due(&self, look: &Look) -> Option<Timestamp> {
        let exit = self.exit.filter(|exit| !exit.told)?;
        Some(look.senses.after(look.doors, exit.at, secs(look.settings.exit_return_s)))
    }

    pub(super) fn review_exit(&mut self, look: &Look) {
        if self.exit_due(look).is_some_and(|due| due <= look.at()) {
            self.exit.iter_mut().for_each(|exit| exit.told = true);
            self.news.push(News::Wandered);
        }
    }
}
