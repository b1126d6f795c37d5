//! The tables of docs/floods.md, written when they are asked for: `WANGLOU_FLOODS` names the file.

use crate::rehearsal::Rehearsal;
use crate::{LOADED, floods, seeds, week};
use std::collections::BTreeMap;
use std::fmt::Write;
use wanglou_gateway::backtest::EffectName;
use wanglou_model::{Role, Span};
use wanglou_simulator::Flood;

const DAYS: i64 = 7;

#[test]
fn the_tables_are_written_when_they_are_asked_for() {
    let Some(path) = std::env::var_os("WANGLOU_FLOODS") else { return };
    let seed = seeds()[0];
    let mut text = format!("Seed {seed}. Pushes: in all, and (most in any ten minutes).\n\n");
    let runs: Vec<(Flood, Rehearsal)> =
        Flood::ALL.into_iter().map(|flood| (flood, floods::run(flood, seed, |_| {}))).collect();
    flood_facts(&mut text, &runs);
    flood_people(&mut text, &runs);
    let run = week::run(DAYS, seed);
    week_people(&mut text, &run);
    std::fs::write(&path, &text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    week::holds(&run, DAYS, seed);
}

fn flood_facts(text: &mut String, runs: &[(Flood, Rehearsal)]) {
    text.push_str("| flood | messages | alarms raised | that rang | most pushes of one person in 10 min |\n");
    text.push_str("|---|---|---|---|---|\n");
    for (flood, run) in runs {
        let begin = floods::begin_of(*flood);
        let raised = run.effects.iter();
        let raised: Vec<_> =
            raised.filter(|effect| effect.effect == EffectName::Raise && effect.time >= begin).collect();
        let rang = raised.iter().filter(|effect| {
            let alarm = effect.alarm.as_deref().unwrap_or_default();
            run.pushes.of(alarm).next().is_some()
        });
        let most = run.pushes.by_person(Span::mins(10), |push| push.at >= begin);
        let (person, most) = most
            .iter()
            .map(|(person, (_, most))| (person.as_str(), *most))
            .max_by_key(|(_, most)| *most)
            .unwrap_or(("nobody", 0));
        let name = flood.name().to_uppercase();
        let (messages, all, rang) = (run.messages, raised.len(), rang.count());
        let _ = writeln!(text, "| {name} | {messages} | {all} | {rang} | {most} ({person}) |");
    }
    text.push('\n');
}

fn flood_people(text: &mut String, runs: &[(Flood, Rehearsal)]) {
    let mut people: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
    for (column, (flood, run)) in runs.iter().enumerate() {
        let begin = floods::begin_of(*flood);
        for (person, (all, most)) in run.pushes.by_person(Span::mins(10), |push| push.at >= begin) {
            let row = people
                .entry((role_of(&person), person))
                .or_insert_with(|| vec!["–".to_owned(); runs.len()]);
            row[column] = format!("{all} ({most})");
        }
    }
    text.push_str("| role | person | F1 | F2 | F3 | F4 | F5 | F6 | F7 | F8 |\n|---|---|---|---|---|---|---|---|---|---|\n");
    for ((role, person), row) in people {
        let _ = writeln!(text, "| {role} | {person} | {} |", row.join(" | "));
    }
    text.push('\n');
}

fn week_people(text: &mut String, run: &Rehearsal) {
    let _ = writeln!(text, "Seven days, {} messages: pushes on each day.\n", run.messages);
    text.push_str("| role | person | Mon | Tue | Wed | Thu | Fri | Sat | Sun |\n|---|---|---|---|---|---|---|---|---|\n");
    let roles = [Role::Guard, Role::Officer, Role::GridWorker, Role::ControlRoom, Role::Manager];
    for role in roles {
        for (person, days) in week::per_day(run, role, DAYS) {
            let days: Vec<String> = days.iter().map(ToString::to_string).collect();
            let _ = writeln!(text, "| {} | {person} | {} |", role_of(&person), days.join(" | "));
        }
    }
    let mut kinds: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for effect in run.effects.iter().filter(|effect| effect.effect == EffectName::Raise) {
        kinds.entry(effect.kind.as_deref().unwrap_or_default()).or_default().0 += 1;
    }
    for push in &run.pushes.all {
        kinds.entry(push.kind.as_str()).or_default().1 += 1;
    }
    text.push_str("\n| kind | alarms in the week | pushes to everybody |\n|---|---|---|\n");
    for (kind, (alarms, pushes)) in kinds {
        let _ = writeln!(text, "| {kind} | {alarms} | {pushes} |");
    }
}

fn role_of(person: &str) -> String {
    let officers = &LOADED.decisive.setup.site.officers;
    let known = officers.iter().find(|(id, _)| id.as_str() == person);
    let role = known.and_then(|(_, officer)| officer.roles.iter().next().copied());
    role.map_or_else(String::new, |role| {
        let name = serde_json::to_value(role).ok();
        name.as_ref().and_then(|name| name.as_str()).unwrap_or_default().to_owned()
    })
}
