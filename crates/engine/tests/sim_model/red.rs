//! Red controls: the engine, or what stands between it and its bytes, is broken on purpose, and the simulation says so.
//! The engine has no switch for this: it gets other thresholds than the model, other messages, or another past.

use crate::seed::Play;
use crate::world::Sabotage;
use wanglou_engine::RuleSettings;

/// Seeds until it must have been noticed.
const NOTICED_WITHIN: u64 = 80;

fn notice(what: &str, rules: RuleSettings, sabotage: Sabotage, says: &str) {
    for seed in 1..=NOTICED_WITHIN {
        let play = Play { rules: rules.clone(), sabotage, ..Play::new(seed) };
        if let Err(fault) = play.twice() {
            assert!(fault.contains(says), "{what}: noticed otherwise: {fault}");
            return;
        }
    }
    panic!("{what}: not noticed in {NOTICED_WITHIN} seeds");
}

fn with(change: impl FnOnce(&mut RuleSettings)) -> RuleSettings {
    let mut rules = RuleSettings::default();
    change(&mut rules);
    rules
}

#[test]
fn a_cover_that_counts_as_open_from_20_degrees_only_is_noticed() {
    notice("15 → 20°", with(|rules| rules.manhole.open_deg = 20.0), Sabotage::No, "open alarms differ");
}

#[test]
fn a_cover_that_is_believed_a_second_early_is_noticed() {
    notice("30 → 29 s", with(|rules| rules.manhole.settle_s = 29), Sabotage::No, "open alarms differ");
}

#[test]
fn calls_for_help_that_merge_for_too_long_are_noticed() {
    notice("60 → 90 s", with(|rules| rules.sos.merge_s = 90), Sabotage::No, "open alarms differ");
}

#[test]
fn a_rung_that_fires_early_is_noticed() {
    let early = serde_json::json!({
        "priority": "P2",
        "rung": [
            { "after_s": 0, "tell": ["guard", "grid_worker"] },
            { "after_s": 179, "tell": ["backup"] },
            { "after_s": 360, "tell": ["control_room", "manager"] },
            { "after_s": 540, "tell": ["officer"] }
        ]
    });
    let ladder = serde_json::from_value(early).expect("a ladder");
    notice("180 → 179 s", with(|rules| rules.ladder = vec![ladder]), Sabotage::No, "differ");
}

#[test]
fn a_deadline_that_recovery_forgets_is_noticed_even_if_nobody_compares_bytes() {
    notice("a forgotten deadline", RuleSettings::default(), Sabotage::ForgetsADeadline, "");
}

#[test]
fn an_acceptance_that_recovery_forgets_is_noticed_even_if_nobody_compares_bytes() {
    notice("a forgotten acceptance", RuleSettings::default(), Sabotage::ForgetsAcceptance, "");
}

#[test]
fn a_person_who_is_told_twice_is_noticed() {
    notice("told twice", RuleSettings::default(), Sabotage::TellsTwice, "");
}

#[test]
fn an_effect_that_is_sent_twice_is_noticed() {
    notice("sent twice", RuleSettings::default(), Sabotage::SendsTwice, "is queued twice");
}

#[test]
fn redeliveries_that_count_are_noticed() {
    notice("doubles believed", RuleSettings::default(), Sabotage::BelievesDoubles, "differ");
}

#[test]
fn an_event_that_is_counted_twice_is_noticed() {
    notice("counted twice", RuleSettings::default(), Sabotage::CountsTwice, "counted 2 times");
}
