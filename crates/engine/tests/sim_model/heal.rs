//! After the faults everything heals: and then nothing may be left. No open alarm, nothing to send, nothing armed but the
//! watch over devices and homes; a day later memory is empty.

use crate::compound::{people, phone};
use crate::world::{Fault, World};
use wanglou_engine::Timer;
use wanglou_model::*;

/// So long people have, once everything is well.
const OVER_WITHIN: Span = Span::hours(4);
/// Rounds of people who see to what is open come so often.
const ROUND: Span = Span::mins(6);

impl World {
    /// Heals everything, and demands that all of it ends; a day later memory is empty.
    pub(crate) fn heal(&mut self, a_day_later: bool) -> Result<(), Fault> {
        let begun = self.engine.senses().at + Span::mins(1);
        self.everybody_is_back(begun)?;
        self.sensors_are_quiet(begun + Span::secs(1))?;
        let (mut at, mut round) = (begun, 0);
        while !self.alarms(true).is_empty() || round < 3 {
            at = at + ROUND;
            round += 1;
            if at > begun + OVER_WITHIN {
                let left: Vec<String> = self
                    .alarms(true)
                    .iter()
                    .map(|alarm| format!("{} {} {:?}", alarm.kind, alarm.key, alarm.phase()))
                    .collect();
                return Err(Fault(format!("still open four hours after everything healed: {left:?}")));
            }
            self.until(at)?;
            self.signs_of_life(at)?;
            self.somebody_goes(at)?;
        }
        if !a_day_later {
            return Ok(());
        }
        let raised = self.figures.alarms;
        self.a_day_passes(at)?;
        if self.figures.alarms > raised {
            return Err(Fault("an alarm was raised although nothing happened".into()));
        }
        self.nothing_is_left()
    }

    fn everybody_is_back(&mut self, at: Timestamp) -> Result<(), Fault> {
        self.until(at)?;
        self.input(at, Input::Clock { trusted: true, why: String::new() })?;
        for lane in ["alarm", "bulk"] {
            self.input(at, Input::Path(PathNews { lane: lane.into(), state: PathState::Up }))?;
        }
        for officer in people() {
            let phone = phone(&officer, 0);
            self.input(at, Input::Phone(PhoneNews { officer, phone, state: PhoneState::Online }))?;
        }
        Ok(())
    }

    fn sensors_are_quiet(&mut self, at: Timestamp) -> Result<(), Fault> {
        let shut = |open| Reading::Cover { tilt_deg: Some(0.0), moved: Some(false), open };
        let dry = Reading::WaterLevel { mm_below_rim: Some(900.0), mm: None, alarm: Some(false) };
        let smoke = Reading::Smoke { active: false, source: None };
        let gas = Reading::Gas { active: Some(false), lel_pct: None, ch4_ppm: None };
        let all = [
            ("hub", Reading::Availability { online: true, scope: AvailabilityScope::Hub }),
            ("lid-1", shut(None)),
            ("lid-2", shut(None)),
            ("lid-3", shut(Some(false))),
            ("lid-1", dry.clone()),
            ("lid-2", dry),
            ("smoke-1", smoke.clone()),
            ("smoke-2", smoke.clone()),
            ("smoke-3", smoke.clone()),
            ("smoke-101", smoke),
            ("gas-101", gas.clone()),
            ("gas-201", gas),
            ("leak-pumps", Reading::Leak { wet: false }),
            ("leak-101", Reading::Leak { wet: false }),
            ("leak-201", Reading::Leak { wet: false }),
        ];
        for (device, reading) in all {
            self.plainly(at, device, reading)?;
        }
        self.doors_move(at + Span::secs(1))
    }

    /// Somebody goes in and out everywhere.
    fn doors_move(&mut self, at: Timestamp) -> Result<(), Fault> {
        for (n, open) in [true, false, true, false].into_iter().enumerate() {
            let at = at + Span::secs(40 * n as i64);
            self.until(at)?;
            for door in ["door-101", "door-201", "back-201"] {
                self.plainly(at, door, Reading::Contact { open: Some(open), opens: None })?;
            }
        }
        Ok(())
    }

    fn signs_of_life(&mut self, at: Timestamp) -> Result<(), Fault> {
        for device in ["door-101", "door-201", "back-201", "lid-1"] {
            self.plainly(at, device, Reading::Heartbeat {})?;
        }
        Ok(())
    }

    /// Whoever has it, or somebody who may, is there and ends it.
    fn somebody_goes(&mut self, at: Timestamp) -> Result<(), Fault> {
        for alarm in self.alarms(true) {
            let told = alarm.followers.keys().next().cloned();
            let control_room = OfficerId::parse("li").ok();
            let overseer = control_room.filter(|_| alarm.kind.as_str() != "alarm_flood");
            let holder = alarm.accepted.as_ref().map(|held| held.by.clone());
            let Some(officer) = holder.or(overseer).or(told) else { continue };
            for op in
                [Op::Arrive, Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] }]
            {
                let command = self.new_command(officer.clone(), Some(alarm.id.clone()), op);
                self.input(at, Input::Command(command))?;
            }
        }
        Ok(())
    }

    fn a_day_passes(&mut self, from: Timestamp) -> Result<(), Fault> {
        let mut at = from;
        for round in 0..38 {
            at = at + Span::mins(40);
            self.until(at)?;
            self.signs_of_life(at)?;
            if round % 12 == 0 {
                self.doors_move(at + Span::secs(1))?;
            }
        }
        Ok(())
    }

    fn nothing_is_left(&self) -> Result<(), Fault> {
        let book = self.engine.book();
        let rows: usize = book.outboxes.values().map(|outbox| outbox.rows.len()).sum();
        let left = [
            ("alarms", book.alarms.len()),
            ("keys", book.keys.values().map(std::collections::BTreeMap::len).sum()),
            ("outbox rows", rows),
            ("effects", book.effects.len()),
            ("counts that wait", book.dirty.len()),
        ];
        if left.iter().any(|(_, n)| *n > 0) {
            return Err(Fault(format!("a day later memory still holds {left:?}")));
        }
        let standing = |timer: &Timer| match timer {
            Timer::Silence(_) => true,
            Timer::Rule { rule, .. } => matches!((*rule).into(), "living_alone" | "manhole"),
            Timer::Ladder(_)
            | Timer::OnScene(_)
            | Timer::Count(_)
            | Timer::Channel(_)
            | Timer::Alarm { .. }
            | Timer::Forget(_)
            | Timer::Shelf(_)
            | Timer::Command(_)
            | Timer::Offline(_)
            | Timer::Flood(_)
            | Timer::PhonesReturn => false,
        };
        let armed: Vec<(Timestamp, Timer)> = self.engine.world().timers.clone().into();
        match armed.iter().find(|(_, timer)| !standing(timer)) {
            Some((_, timer)) => Err(Fault(format!("a day later {timer:?} is still armed"))),
            None => Ok(()),
        }
    }

    fn plainly(&mut self, at: Timestamp, device: &str, reading: Reading) -> Result<(), Fault> {
        let said = Observation::plain("wanglou", device, reading);
        self.say(at, &crate::deed::Message { said, retain: false, dup: false, by: None })
    }
}
