//! The lifecycle's table checked as a model, and the engine held against it: whatever sensors and people do, nothing is
//! left without an armed deadline, what is set aside has an owner and an end, and every alarm can be ended.

mod story;

use proptest::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use story::*;
use wanglou_engine::RuleSettings;
use wanglou_engine::lifecycle::{Move, Phase, TABLE, drawing, row_of};
use wanglou_model::*;

const MOVES: [Move; 15] = [
    Move::Raise,
    Move::Reopen,
    Move::Again,
    Move::Clear,
    Move::Accept,
    Move::Undo,
    Move::Transfer,
    Move::SetAside(Aside::Shelved),
    Move::SetAside(Aside::ByDesign),
    Move::SetAside(Aside::OutOfService),
    Move::SetOut,
    Move::Arrive,
    Move::Resolve,
    Move::Close,
    Move::Forget,
];

/// Where each phase leads to in one move.
fn edges() -> BTreeMap<Phase, BTreeSet<Phase>> {
    let to = |from: Phase| {
        let rows = MOVES.iter().filter_map(move |by| row_of(from, *by));
        rows.map(|row| row.to.unwrap_or(from)).collect()
    };
    Phase::ALL.iter().map(|from| (*from, to(*from))).collect()
}

fn reachable(from: Phase) -> BTreeSet<Phase> {
    let edges = edges();
    let mut known = BTreeSet::from([from]);
    let mut next = vec![from];
    while let Some(phase) = next.pop() {
        next.extend(edges[&phase].iter().filter(|to| known.insert(**to)));
    }
    known
}

#[test]
fn no_phase_has_two_rows_for_one_move() {
    for phase in Phase::ALL {
        for by in MOVES {
            let rows = TABLE.iter().filter(|row| row.by == by && row.from.contains(&phase)).count();
            assert!(rows <= 1, "{phase:?} by {by:?}: {rows}");
        }
    }
}

#[test]
fn every_phase_is_reached_and_from_every_one_there_is_a_way_to_closed() {
    let all: BTreeSet<Phase> = Phase::ALL.into_iter().collect();
    assert_eq!(reachable(Phase::Nothing), all);
    for phase in Phase::ALL.into_iter().filter(|phase| *phase != Phase::Nothing) {
        assert!(reachable(phase).contains(&Phase::Closed), "{phase:?}");
    }
}

#[test]
fn every_phase_of_an_alarm_has_a_deadline() {
    for phase in Phase::ALL {
        assert_eq!(phase.deadline().is_none(), phase == Phase::Nothing, "{phase:?}");
    }
}

#[test]
fn the_drawing_in_the_docs_is_the_table() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/lifecycle.md");
    let docs = std::fs::read_to_string(path).expect("docs/lifecycle.md");
    let shown = docs.split("<!-- table -->\n").nth(1).expect("between two marks");
    assert_eq!(shown, drawing(), "put this into docs/lifecycle.md:\n{}", drawing());
}

/// What may happen next.
#[derive(Debug, Clone)]
enum Deed {
    Tilt(u8, f64),
    Water(u8, f64),
    Wait(i32),
    Act(u8, u8, Op),
    Phone(u8, PhoneState),
}

const WHO: [&str; 5] = ["wu", "zhao", "li", "qian", "sun"];

fn op() -> impl Strategy<Value = Op> {
    let to = (0..WHO.len()).prop_map(|n| officer(WHO[n]));
    prop_oneof![
        3 => Just(Op::Accept { eta_s: None }),
        3 => Just(Op::Undo),
        1 => Just(Op::Decline { reason: "busy".into() }),
        1 => Just(Op::EnRoute),
        1 => Just(Op::Arrive),
        1 => Just(Op::Guard { photos: vec![] }),
        2 => to.prop_map(|to| Op::Transfer { to, reason: String::new() }),
        3 => (1_i32..9_000).prop_map(|s| Op::Shelve { until: at(s), reason: "the crew is here".into() }),
        1 => Just(Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] }),
        1 => Just(Op::FalseAlarm { note: String::new() }),
    ]
}

fn deed() -> impl Strategy<Value = Deed> {
    let wait = prop_oneof![Just(1), Just(31), Just(200), Just(700), Just(8_000)];
    prop_oneof![
        4 => (0_u8..3, prop_oneof![Just(0.0), Just(20.0), Just(70.0)]).prop_map(|(n, t)| Deed::Tilt(n, t)),
        1 => (0_u8..3, prop_oneof![Just(-5.0), Just(200.0), Just(900.0)]).prop_map(|(n, mm)| Deed::Water(n, mm)),
        4 => wait.prop_map(Deed::Wait),
        6 => (0_u8..5, any::<u8>(), op()).prop_map(|(who, which, op)| Deed::Act(who, which, op)),
        1 => (0_u8..5, prop_oneof![Just(PhoneState::Online), Just(PhoneState::Offline)])
            .prop_map(|(who, state)| Deed::Phone(who, state)),
    ]
}

fn compound() -> Site {
    let mut site = empty_site();
    for n in 0..3 {
        add_place(&mut site, &format!("cover/{n}"), PlaceKind::Cover);
        add_device(&mut site, &format!("lid-{n}"), &format!("cover/{n}"), Purpose::Cover, |_| {});
    }
    add_team(&mut site);
    site
}

struct Run {
    story: Story,
    now: i32,
}

impl Run {
    fn say(&mut self, n: u8, reading: Reading) {
        self.story.say(self.now, &format!("lid-{n}"), reading);
    }

    fn act(&mut self, who: &str, alarm: &AlarmId, mut op: Op) {
        if let Op::Shelve { until, .. } = &mut op {
            *until = *until + Span::secs(self.now.into());
        }
        self.story.command(self.now, who, alarm, op);
    }

    fn happens(&mut self, deed: Deed) {
        match deed {
            Deed::Tilt(n, tilt) => {
                self.say(n, Reading::Cover { tilt_deg: Some(tilt), moved: None, open: None });
            }
            Deed::Water(n, mm) => {
                self.say(n, Reading::WaterLevel { mm_below_rim: Some(mm), mm: None, alarm: None });
            }
            Deed::Wait(seconds) => {
                self.now += seconds;
                self.story.pass(self.now);
            }
            Deed::Act(who, which, op) => {
                let alarms: Vec<AlarmId> = self.story.alarms().iter().map(|alarm| alarm.id.clone()).collect();
                if let Some(id) = alarms.get(usize::from(which) % alarms.len().max(1)) {
                    self.act(WHO[usize::from(who)], id, op);
                }
            }
            Deed::Phone(who, state) => {
                let (officer, phone) = (officer(WHO[usize::from(who)]), PhoneId::parse("p").expect("an id"));
                self.story.input(self.now, Input::Phone(PhoneNews { officer, phone, state }));
            }
        }
    }

    fn holds(&self) {
        let engine = &self.story.engine;
        assert_eq!(engine.in_limbo(engine.book().alarms.keys()), None);
        for alarm in engine.book().open_alarms() {
            let Some(shelf) = &alarm.shelved else { continue };
            assert!(matches!(alarm.phase(), Phase::Aside(_)), "{alarm:#?}");
            assert!(alarm.priority != Priority::P1, "{alarm:#?}");
            assert!(shelf.until > at(self.now) && shelf.until <= at(self.now) + Span::hours(8));
            assert!(!shelf.reason.is_empty() && !shelf.by.to_string().is_empty());
        }
    }

    /// The covers are shut and rest, and somebody ends what is there.
    fn heal(&mut self) {
        for n in 0..3 {
            self.say(n, Reading::WaterLevel { mm_below_rim: Some(900.0), mm: None, alarm: None });
            self.say(n, Reading::Cover { tilt_deg: Some(0.0), moved: None, open: None });
        }
        self.now += 700;
        for n in 0..3 {
            self.say(n, Reading::Cover { tilt_deg: Some(0.0), moved: None, open: None });
        }
        let open: Vec<(AlarmId, String)> = self
            .story
            .engine
            .book()
            .open_alarms()
            .map(|alarm| {
                let holder = alarm.accepted.as_ref().map(|acceptance| acceptance.by.to_string());
                (alarm.id.clone(), holder.unwrap_or_else(|| "li".into()))
            })
            .collect();
        for (id, who) in open {
            self.act(&who, &id, Op::Resolve { outcome: Outcome::Real, note: String::new(), photos: vec![] });
        }
        self.now += 3 * 3600;
        self.story.pass(self.now);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_done_nothing_is_left_alone_and_all_of_it_ends(deeds in prop::collection::vec(deed(), 1..60)) {
        let mut run = Run { story: Story::begin(compound(), RuleSettings::default()), now: 0 };
        for deed in deeds {
            run.happens(deed);
            run.holds();
        }
        run.heal();
        let open: Vec<_> = run.story.engine.book().open_alarms().collect();
        prop_assert!(open.is_empty(), "{open:#?}");
        run.story.replays_the_same_under(RuleSettings::default());
        run.story.decides_the_same_again();
    }
}

#[test]
fn an_alarm_that_was_taken_from_the_shelf_and_given_back_calls_again() {
    let mut run = Run { story: Story::begin(compound(), RuleSettings::default()), now: 0 };
    run.happens(Deed::Tilt(0, 20.0));
    run.happens(Deed::Wait(31));
    let id = run.story.only_alarm().id.clone();
    run.act("li", &id, Op::Shelve { until: at(3600), reason: "the crew is here".into() });
    run.act("wu", &id, Op::Accept { eta_s: None });
    run.act("wu", &id, Op::Undo);
    assert!(run.story.only_alarm().next_rung.is_some());
    run.happens(Deed::Wait(1));
    run.holds();
}
