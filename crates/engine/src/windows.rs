//! Windows: times in which nobody is called about a device, a zone or a kind of alarm, because somebody works there or
//! knows why. What is P1, and the stages of people living alone, calls all the same.

use crate::Engine;
use crate::command::{self, Outcomes, invalid};
use crate::register::{MANAGES, done, is_one_of, is_zone, within};
use crate::world::World;
use wanglou_model::{
    AlarmId, AlarmKind, Answer, Aside, Command, DeviceId, Entered, Fact, Ladder, OfficerId, Owner, PlaceId,
    Priority, Reopening, Span, StopsAt, Timestamp, Window,
};

/// More windows than this, those of the last day among them, are refused.
pub(crate) const WINDOWS_MAX: usize = 256;
/// The longest that a single device may be out of service.
const DEVICE_MAX: Span = Span::hours(7 * 24);
/// The longest for a zone or a kind: more people are blind by it.
const WIDE_MAX: Span = Span::hours(24);
/// The longest that anything may be shelved.
pub(crate) const SHELF_MAX: Span = Span::hours(8);
/// A window that ended so long ago is forgotten.
pub(crate) const WINDOWS_STAY: Span = Span::hours(24);

/// May nobody be silenced about this? Life, and stages that only their end stops.
pub(crate) fn never_aside(priority: Priority, ladder: &Ladder) -> bool {
    priority == Priority::P1 || ladder.stops_at == StopsAt::Closure
}

/// A window as it was asked for.
pub(crate) struct Asked<'a> {
    pub(crate) how: Aside,
    pub(crate) device: &'a Option<DeviceId>,
    pub(crate) zone: &'a Option<PlaceId>,
    pub(crate) kind: &'a Option<AlarmKind>,
    pub(crate) from: Option<Timestamp>,
    pub(crate) until: Timestamp,
    pub(crate) reason: &'a str,
}

/// Decides on a new window.
pub(crate) fn open(world: &World, command: &Command, asked: &Asked) -> Outcomes {
    let (site, by) = (&world.setup.site, &command.officer);
    let now = world.senses.wall(world.at);
    let begin = asked.from.unwrap_or(now).max(now);
    let longest = match asked.how {
        Aside::Shelved => SHELF_MAX,
        Aside::ByDesign | Aside::OutOfService if asked.device.is_some() => DEVICE_MAX,
        Aside::ByDesign | Aside::OutOfService => WIDE_MAX,
    };
    let whole_compound = asked.device.is_none() && asked.zone.is_none();
    match () {
        () if !is_one_of(world, by, if whole_compound { &MANAGES } else { crate::register::STAFF }) => {
            Outcomes::refused(Answer::Forbidden)
        }
        () if asked.how == Aside::ByDesign => invalid(
            "not_by_hand",
            "联动抑制由系统决定，不能手动登记",
            "suppression by design is the program's: choose \"shelved\" or \"out_of_service\"",
        ),
        () if whole_compound && asked.kind.is_none() => invalid(
            "window_of_what",
            "请填设备、区域或告警类型",
            "a window is for a device, a zone or a kind of alarm",
        ),
        () if asked.device.as_ref().is_some_and(|device| !site.devices.contains_key(device)) => {
            invalid("unknown_device", "没有这个设备", "there is no such device")
        }
        () if asked.zone.as_ref().is_some_and(|zone| !is_zone(world, zone)) => {
            invalid("unknown_zone", "没有这个区域", "there is no such place or zone")
        }
        () if asked.reason.trim().is_empty() => {
            invalid("needs_a_reason", "请写明原因", "say why nobody is to be called")
        }
        () if asked.until <= begin => {
            invalid("until_is_over", "结束时间已过", "\"until\" must be later than now and than \"from\"")
        }
        () if asked.until - begin > longest => invalid(
            "window_too_long",
            "时间过长：搁置最长 8 小时，单个设备停用最长 7 天，区域或类型最长 24 小时",
            "too long: shelved for 8 hours at most, one device out of service for 7 days, a zone or a kind for 24 hours",
        ),
        () if held(world, now) >= WINDOWS_MAX => invalid(
            "too_many_windows",
            "登记过多（含一天内结束的）",
            "too many windows are open, or ended within the last day",
        ),
        () => done(vec![entered(Entered::Window(Window {
            window: command.cid.to_string(),
            how: asked.how,
            device: asked.device.clone(),
            zone: asked.zone.clone(),
            kind: asked.kind.clone(),
            from: begin,
            until: asked.until,
            reason: asked.reason.to_owned(),
            by: by.clone(),
        }))]),
    }
}

/// Decides on the end of a window before its time.
pub(crate) fn end(world: &World, by: &OfficerId, window: &str) -> Outcomes {
    let now = world.senses.wall(world.at);
    let known =
        world.senses.register.windows.iter().find(|known| known.window == window && known.until > now);
    match known {
        None => invalid("unknown_window", "没有这条登记，或已结束", "there is no such window now"),
        Some(known) if known.by != *by && !is_one_of(world, by, &MANAGES) => {
            Outcomes::refused(Answer::Forbidden)
        }
        Some(_) => done(vec![entered(Entered::WindowEnded { window: window.to_owned(), by: by.clone() })]),
    }
}

pub(crate) fn entered(entry: Entered) -> Fact {
    Fact::Entered(Box::new(entry))
}

fn held(world: &World, now: Timestamp) -> usize {
    world.senses.register.windows.iter().filter(|window| window.until + WINDOWS_STAY > now).count()
}

impl World<'_> {
    /// The window, if any, that an alarm of this kind falls into: said by this device, or at this place.
    pub(crate) fn window_over(
        &self,
        kind: &AlarmKind,
        device: Option<&DeviceId>,
        place: &PlaceId,
    ) -> Option<&Window> {
        let now = self.senses.wall(self.at);
        let registered = device.and_then(|id| self.setup.site.devices.get(id));
        let at = registered.map_or(place, |device| &device.place);
        let over = |window: &&Window| {
            let of_kind = window.kind.as_ref().is_none_or(|of| of == kind);
            let of_device = window.device.as_ref().is_none_or(|of| Some(of) == device);
            let of_zone = window.zone.as_ref().is_none_or(|zone| within(self.setup, at, zone));
            let now_open = window.from <= now && now < window.until;
            now_open && of_kind && of_device && of_zone
        };
        // The one that lasts longest: the alarm comes back when none is left.
        self.senses.register.windows.iter().filter(over).max_by_key(|window| window.until)
    }

    /// Setting an alarm aside because of a window.
    pub(crate) fn set_aside(&self, alarm: &AlarmId, window: &Window) -> Fact {
        Fact::Shelved {
            alarm: alarm.clone(),
            by: Owner::Officer(window.by.clone()),
            until: self.senses.from_wall(window.until).max(self.at),
            reason: window.reason.clone(),
            how: window.how,
        }
    }
}

impl Engine {
    /// A window ended early: what it kept quiet calls now, unless another one still covers it.
    pub(crate) fn after_window(&mut self, at: Timestamp, facts: &mut Vec<Fact>) {
        let uncovered = |alarm: &&crate::Alarm| {
            let by_window = alarm.shelved.as_ref().is_some_and(|shelf| shelf.how == Aside::OutOfService);
            let world = self.world();
            by_window && world.window_over(&alarm.kind, alarm.devices.first(), &alarm.place).is_none()
        };
        let back: Vec<AlarmId> =
            self.book().open_alarms().filter(uncovered).map(|alarm| alarm.id.clone()).collect();
        for id in back {
            let Some(alarm) = self.book().alarms.get(&id) else { continue };
            let reopened = command::reopened(alarm, Reopening::ShelfEnded, 0);
            self.conclude(at, reopened, facts);
        }
    }
}
