//! Deciding: reads everything, changes nothing but through facts. Recovery never comes here.

use crate::observing::Sighted;
use crate::rules::{self, Cause};
use crate::{
    Alarm, Engine, Follower, Freshness, Timer, Trigger, command, custody, lift_command, raising, register,
};
use std::sync::Arc;
use wanglou_model::{
    AlarmId, Answer, CallAnswer, Command, Delivered, Fact, Input, Observation, OfficerId, Op, PathState,
    PhoneState, PlaceId, Purpose, Reading, Reason, Receipt, StopsAt, Timestamp,
};

impl Engine {
    pub(crate) fn decide(
        &mut self,
        at: Timestamp,
        trigger: &Trigger,
        said: Option<(&Sighted, &Observation)>,
        input: Option<&Input>,
        facts: &mut Vec<Fact>,
    ) {
        match trigger {
            Trigger::Said { rule, subject } => {
                let Some((sighted, observation)) = said else { return };
                let setup = Arc::clone(&self.setup);
                let Some(known) = setup.registered(observation) else { return };
                let sighting = sighted.with(known, observation);
                self.tune(*rule, subject);
                let proposals = self.rules[*rule].decide(&self.world(), subject, Cause::Said(&sighting));
                self.propose(at, *rule, proposals, facts);
            }
            Trigger::Due { rule, subject, slot } => {
                self.tune(*rule, subject);
                let proposals = self.rules[*rule].decide(&self.world(), subject, Cause::Due { slot: *slot });
                self.propose(at, *rule, proposals, facts);
            }
            Trigger::Resumed { rule, subject } => {
                self.tune(*rule, subject);
                let proposals = self.rules[*rule].decide(&self.world(), subject, Cause::Resumed);
                self.propose(at, *rule, proposals, facts);
            }
            Trigger::Health { device, ok, reason } => {
                self.note(
                    at,
                    Fact::Health { device: Some(device.clone()), ok: *ok, reason: reason.clone() },
                    facts,
                );
            }
            Trigger::Timer(timer) => self.decide_timer(at, timer, facts),
            Trigger::Input => {
                if let Some(input) = input {
                    self.decide_input(at, input, facts);
                }
            }
        }
    }

    fn decide_timer(&mut self, at: Timestamp, timer: &Timer, facts: &mut Vec<Fact>) {
        match timer {
            Timer::Ladder(id) => {
                let next = self.book.alarms.get(id).and_then(|alarm| alarm.next_rung);
                if let Some(next) = next
                    && !self.goes_with_fire(at, id, facts)
                {
                    self.climb(at, id, next.rung, facts);
                }
            }
            Timer::OnScene(id) => {
                let overdue = self.book.alarms.get(id).map(command::overdue).unwrap_or_default();
                for fact in overdue {
                    self.conclude(at, fact, facts);
                }
            }
            Timer::Channel(id) => self.run_channels(at, id, facts),
            Timer::Alarm { alarm: id, slot } => {
                let Some(alarm) = self.book.alarms.get(id).filter(|alarm| alarm.is_open()) else { return };
                let kind = alarm.kind.as_str();
                let own = self.rules.iter().position(|rule| rule.name() == kind);
                let beside = || self.rules.iter().position(|rule| rule.words_of(kind).is_some());
                let Some(rule) = own.or_else(beside) else { return };
                let proposals = self.rules[rule].alarm_due(&self.world(), alarm, *slot);
                self.propose(at, rule, proposals, facts);
            }
            Timer::Forget(id) => self.note(at, Fact::Forgotten { alarm: id.clone() }, facts),
            // A count that was held back is published with everything else at the end of the step.
            Timer::Count(_) => {}
            Timer::Shelf(id) => self.off_the_shelf(at, id, facts),
            Timer::Offline(officer) => self.call_backup_of(at, officer, facts),
            Timer::Flood(officer) => self.ebb(at, officer, facts),
            Timer::Command(id) => {
                if let Some(fact) = lift_command::overdue(&self.book, id) {
                    self.note(at, fact, facts);
                }
            }
            Timer::PhonesReturn => self.move_on_without_phones(at, None, facts),
            Timer::Rule { .. } | Timer::Silence(_) => {}
        }
    }

    fn decide_input(&mut self, at: Timestamp, input: &Input, facts: &mut Vec<Fact>) {
        match input {
            Input::Command(command) => self.decide_command(at, command, facts),
            Input::Receipt(receipt) => self.decide_receipt(at, receipt, facts),
            Input::Phone(news) => {
                if news.state == PhoneState::Offline {
                    self.move_on_without_phones(at, Some(&news.officer), facts);
                }
            }
            Input::Push(news) => {
                if !news.on {
                    self.move_on_without_phones(at, Some(&news.officer), facts);
                }
            }
            Input::Channel(news) => {
                let known = self.book.effects.contains_key(&news.effect);
                let fact = match news.ended {
                    None => Fact::EffectStarted { effect: news.effect.clone() },
                    Some(ended) => {
                        Fact::EffectEnded { effect: news.effect.clone(), ended, detail: news.detail.clone() }
                    }
                };
                if known {
                    self.note(at, fact, facts);
                } else if let Some(fact) = lift_command::news(&self.book, news) {
                    self.note(at, fact, facts);
                }
            }
            Input::Call(news) => self.answered(at, &news.home, news.answer, facts),
            Input::Note(note) => self.take_note(at, note, facts),
            Input::Evidence(news) => {
                for fact in custody::news(&self.world(), news) {
                    self.note(at, fact, facts);
                }
            }
            Input::Path(news) => {
                let ok = news.state == PathState::Up;
                let reason = match news.state {
                    PathState::Up => Reason::new("path_up", "消息通道正常", "the path is up"),
                    PathState::Draining => {
                        Reason::new("path_draining", "正在接收积压消息", "the backlog is coming in")
                    }
                    PathState::Quiet => Reason::new("path_quiet", "消息通道无任何消息", "the path is quiet"),
                    PathState::Down => Reason::new("path_down", "与消息服务器断开", "the path is down"),
                };
                self.note(at, Fact::Health { device: None, ok, reason }, facts);
            }
            Input::Clock { trusted, why } => {
                let code = if *trusted { "clock_trusted" } else { "clock_untrusted" };
                let reason = Reason::new(code, why.clone(), why.clone());
                self.note(at, Fact::Health { device: None, ok: *trusted, reason }, facts);
            }
            Input::Config { .. } => self.rescope(at, facts),
            Input::Canary(canary) if canary.is_new_after(self.book.canary) => {
                self.note(at, Fact::Canary(*canary), facts);
            }
            Input::Tick
            | Input::Blind { .. }
            | Input::ClockStep { .. }
            | Input::Canary(_)
            | Input::CanaryReceipt(_)
            | Input::Start { .. } => {}
        }
    }

    fn answered(&mut self, at: Timestamp, home: &PlaceId, answer: CallAnswer, facts: &mut Vec<Fact>) {
        for rule in 0..self.rules.len() {
            let proposals = self.rules[rule].answered(&self.world(), home, answer);
            self.propose(at, rule, proposals, facts);
        }
    }

    /// What a resident answered, by the word of a registered telephone service: from any other device it would be a way
    /// to hush alarms. Said late or again it is an answer to an earlier call, which nobody can tell from this one.
    pub(crate) fn take_answer(
        &mut self,
        at: Timestamp,
        sighted: &Sighted,
        said: &Observation,
        facts: &mut Vec<Fact>,
    ) {
        let Reading::CallResult { to, answer } = &said.reading else { return };
        let device = self.setup.site.devices.get(&sighted.id);
        let trusted = device.is_some_and(|device| device.purpose == Purpose::Telephone);
        if !trusted || sighted.duplicate || sighted.freshness != Freshness::Fresh {
            return;
        }
        match PlaceId::parse(to).ok().filter(|home| self.setup.site.homes.contains_key(home)) {
            Some(home) => self.answered(at, &home, *answer, facts),
            None => {
                let (zh, en) = ("电话结果中的住户不在登记表中", "a call's answer names no registered home");
                let reason = Reason::new("unknown_home", zh, en);
                self.note(at, Fact::Health { device: Some(sighted.id.clone()), ok: false, reason }, facts);
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a few variants matter here; a new one does where it says so"
    )]
    fn decide_command(&mut self, at: Timestamp, command: &Command, facts: &mut Vec<Fact>) {
        if self.book.answers.contains_key(&command.cid) {
            return;
        }
        let answer = match &command.op {
            Op::TestAlarm { place, priority, own } => {
                self.test_alarm(at, command, place, *priority, *own, facts)
            }
            Op::Report(report) => self.report(at, command, report, facts),
            Op::Create { incident, place, text, photos } => {
                let made = rules::Made { id: command.cid.as_str(), incident, place, text, photos };
                self.create(at, &command.officer, &made, facts)
            }
            Op::Away { .. }
            | Op::Consent { .. }
            | Op::Permit { .. }
            | Op::Maintain { .. }
            | Op::EndMaintenance { .. }
            | Op::SignOn
            | Op::SignOff
            | Op::Handover { .. }
            | Op::Position { .. } => {
                let outcome = register::decide(&self.world(), command);
                for fact in outcome.facts {
                    self.conclude(at, fact, facts);
                }
                outcome.answer
            }
            _ => {
                let outcome = command::decide(&self.world(), &self.rules, command);
                for fact in outcome.facts {
                    self.conclude(at, fact, facts);
                }
                if let Some(id) = &command.alarm {
                    self.run_channels(at, id, facts);
                }
                outcome.answer
            }
        };
        let fact = Fact::Answered { cid: command.cid.clone(), officer: command.officer.clone(), answer };
        self.note(at, fact, facts);
    }

    fn test_alarm(
        &mut self,
        at: Timestamp,
        command: &Command,
        place: &PlaceId,
        priority: u8,
        own: bool,
        facts: &mut Vec<Fact>,
    ) -> Answer {
        let known = self.setup.site.officers.get(&command.officer);
        if !known.is_some_and(|officer| own || officer.admin) {
            return Answer::Forbidden;
        }
        // One drill of their own at a time: asked for again, it is the one that runs.
        let running = raising::drill_of(&self.book, &command.officer).filter(|_| own);
        if let Some(alarm) = running {
            return Answer::Ok { alarm: alarm.id.clone() };
        }
        if !self.setup.site.places.contains_key(place) {
            let (zh, en) = (format!("没有地点 {place}"), format!("there is no place {place}"));
            return Answer::Invalid { reason: Reason::new("unknown_place", zh, en) };
        }
        let raised = raising::test_alarm(&self.world(), command, place, priority, own);
        let alarm = raised.alarm.clone();
        self.conclude(at, Fact::Raised(Box::new(raised)), facts);
        Answer::Ok { alarm }
    }

    fn decide_receipt(&mut self, at: Timestamp, receipt: &Receipt, facts: &mut Vec<Fact>) {
        let follower =
            self.book.alarms.get(&receipt.alarm).and_then(|alarm| alarm.followers.get(&receipt.officer));
        let news = follower.is_some_and(|follower| match receipt.delivered {
            Delivered::Stored => !follower.stored.contains(&receipt.phone),
            Delivered::Presented => !follower.presented,
        });
        if news {
            let fact = Fact::Delivered {
                alarm: receipt.alarm.clone(),
                officer: receipt.officer.clone(),
                phone: receipt.phone.clone(),
                rev: receipt.rev,
                delivered: receipt.delivered,
            };
            self.note(at, fact, facts);
        }
    }

    /// Whoever a rung told cannot be reached any more, and nobody has stored the alarm: the ladder moves on. Where one person's
    /// phone went, only their channels are looked at: ten thousand go at once when a network fails.
    fn move_on_without_phones(&mut self, at: Timestamp, of: Option<&OfficerId>, facts: &mut Vec<Fact>) {
        let world = self.world();
        let stuck = |alarm: &&Alarm| {
            let called: Vec<_> =
                alarm.followers.iter().filter(|(_, follower)| follower.rung.is_some()).collect();
            let lost = |(id, follower): &(&OfficerId, &Follower)| {
                let known = world.setup.site.officers.get(*id);
                follower.stored.is_empty() && !known.is_some_and(|officer| world.is_reachable(id, officer))
            };
            let moves = alarm.next_rung.is_some_and(|next| Some(next.rung) != alarm.rung);
            alarm.is_unaccepted()
                && alarm.ladder.stops_at == StopsAt::Acceptance
                && moves
                && called.iter().all(lost)
        };
        let due: Vec<(AlarmId, usize)> = self
            .book
            .open_alarms()
            .filter(stuck)
            .filter_map(|alarm| alarm.next_rung.map(|next| (alarm.id.clone(), next.rung)))
            .collect();
        let unaccepted: Vec<AlarmId> = self
            .book
            .open_alarms()
            .filter(|alarm| alarm.is_unaccepted())
            .map(|alarm| alarm.id.clone())
            .collect();
        for (id, rung) in due {
            self.climb(at, &id, rung, facts);
        }
        for id in unaccepted {
            match of {
                Some(officer) => self.run_channels_to(at, &id, officer, facts),
                None => self.run_channels(at, &id, facts),
            }
        }
    }
}
