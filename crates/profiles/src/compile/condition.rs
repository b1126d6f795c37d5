//! `when`: conditions on values of the body.

use super::reader::{Node, Table};
use super::scope::{GroupId, Scopes};
use crate::limits::{CONDITION_DEPTH_MAX, REGEX_BYTES_MAX};
use crate::plan::{Condition, Source, Test, TypeName};
use crate::value::{Case, Literal};
use regex::{Regex, RegexBuilder};

/// Compiles `{ at = "/ST", is = "add" }`, `{ all = [...] }`, `{ any = [...] }`, `{ not = {...} }`, or a list,
/// which means `all`.
pub(crate) fn condition(scopes: &mut Scopes<'_>, group: GroupId, node: &Node<'_>) -> Option<Condition> {
    nested(scopes, group, node, 0)
}

fn nested(scopes: &mut Scopes<'_>, group: GroupId, node: &Node<'_>, depth: usize) -> Option<Condition> {
    if depth > CONDITION_DEPTH_MAX {
        node.fault(format!("conditions inside conditions: at most {CONDITION_DEPTH_MAX} levels"));
        return None;
    }
    if !node.is_table() {
        return many(scopes, group, node, depth).map(Condition::All);
    }
    let table = node.table()?;
    let found = if let Some(all) = table.get("all") {
        many(scopes, group, &all, depth).map(Condition::All)
    } else if let Some(any) = table.get("any") {
        many(scopes, group, &any, depth).map(Condition::Any)
    } else if let Some(not) = table.get("not") {
        nested(scopes, group, &not, depth + 1).map(|condition| Condition::Not(Box::new(condition)))
    } else {
        test(scopes, group, &table)
    };
    table.finish();
    found
}

fn many(scopes: &mut Scopes<'_>, group: GroupId, node: &Node<'_>, depth: usize) -> Option<Vec<Condition>> {
    let items = node.list()?;
    if items.is_empty() {
        node.fault("an empty list of conditions");
        return None;
    }
    // Each is compiled, so that every fault is found.
    let all: Vec<_> = items.iter().map(|item| nested(scopes, group, item, depth + 1)).collect();
    all.into_iter().collect()
}

fn test(scopes: &mut Scopes<'_>, group: GroupId, table: &Table<'_>) -> Option<Condition> {
    let source = table.need("at", "the pointer of the value that is asked about");
    let source = source.and_then(|node| scopes.source(group, &node));
    let case = case(table)?;
    let mut tests = vec![];
    let mut all_good = true;
    let mut add = |test: Option<Test>| match test {
        Some(test) => tests.push(test),
        None => all_good = false,
    };
    if let Some(node) = table.get("exists") {
        add(node.flag().map(Test::Exists));
    }
    if let Some(node) = table.get("null") {
        add(node.flag().map(Test::Null));
    }
    if let Some(node) = table.get("type") {
        add(type_name(&node).map(Test::Type));
    }
    if let Some(node) = table.get("is") {
        add(node.literal().map(|literal| Test::In(vec![literal], case)));
    }
    if let Some(node) = table.get("in") {
        add(literals(&node).map(|literals| Test::In(literals, case)));
    }
    if let Some(node) = table.get("starts_with") {
        add(node.text().map(|text| Test::Starts(text.to_owned(), case)));
    }
    if let Some(node) = table.get("ends_with") {
        add(node.text().map(|text| Test::Ends(text.to_owned(), case)));
    }
    if let Some(node) = table.get("contains") {
        add(node.text().map(|text| Test::Contains(text.to_owned(), case)));
    }
    if let Some(node) = table.get("matches") {
        add(regex(&node, case).map(Test::Matches));
    }
    if let Some(node) = table.get("has") {
        let one_or_more = node.one_or_more();
        let all: Vec<_> = one_or_more.iter().map(Node::literal).collect();
        let all: Option<Vec<_>> = all.into_iter().collect();
        add(all.filter(|all| !all.is_empty()).map(|all| Test::Has(all, case)));
    }
    if let Some(node) = table.get("empty") {
        add(node.flag().map(Test::Empty));
    }
    if let Some(node) = table.get("bit") {
        let bit = node.whole().and_then(|bit| u8::try_from(bit).ok()).filter(|bit| *bit < 64);
        if bit.is_none() {
            node.fault("a bit from 0 (the lowest) to 63");
        }
        add(bit.map(Test::Bit));
    }
    if let Some(test) = bounds(table) {
        add(test);
    }
    if tests.is_empty() && all_good {
        table.node.fault("a condition needs a question: exists, null, type, is, in, starts_with, ends_with, contains, matches, has, empty, bit, above, at_least, below or at_most");
    }
    let source = source.filter(|_| all_good && !tests.is_empty())?;
    Some(joined(source, tests))
}

fn joined(source: Source, mut tests: Vec<Test>) -> Condition {
    match tests.pop() {
        Some(only) if tests.is_empty() => Condition::Test(source, only),
        last => {
            let all = tests.into_iter().chain(last);
            Condition::All(all.map(|test| Condition::Test(source.clone(), test)).collect())
        }
    }
}

/// `above`, `at_least`, `below`, `at_most`.
fn bounds(table: &Table<'_>) -> Option<Option<Test>> {
    let mut min = (f64::NEG_INFINITY, false);
    let mut max = (f64::INFINITY, false);
    let mut found = None;
    for (key, lower, included) in
        [("above", true, false), ("at_least", true, true), ("below", false, false), ("at_most", false, true)]
    {
        let Some(node) = table.get(key) else { continue };
        let bound = if lower { &mut min } else { &mut max };
        let good = node.number().map(|number| *bound = (number, included));
        found = Some(found.unwrap_or(true) && good.is_some());
    }
    found.map(|good| good.then_some(Test::Between(min, max)))
}

/// A regular expression. The crate's own promise is linear time; the bound is on its size.
fn regex(node: &Node<'_>, case: Case) -> Option<Regex> {
    let text = node.text()?;
    if text.len() > 512 {
        node.fault("a pattern has at most 512 bytes");
        return None;
    }
    let mut builder = RegexBuilder::new(text);
    builder.size_limit(REGEX_BYTES_MAX).dfa_size_limit(REGEX_BYTES_MAX).nest_limit(16);
    builder.case_insensitive(case == Case::Ignore);
    match builder.build() {
        Ok(regex) => Some(regex),
        Err(error) => {
            node.fault(format!("not a regular expression that can be used: {error}"));
            None
        }
    }
}

fn type_name(node: &Node<'_>) -> Option<TypeName> {
    Some(match node.text()? {
        "object" => TypeName::Object,
        "list" => TypeName::Array,
        "text" => TypeName::Text,
        "number" => TypeName::Number,
        "flag" => TypeName::Flag,
        "null" => TypeName::Null,
        other => {
            node.fault(format!("a type is object, list, text, number, flag or null, not {other:?}"));
            return None;
        }
    })
}

/// A list of values, at least one.
pub(crate) fn literals(node: &Node<'_>) -> Option<Vec<Literal>> {
    let items = node.list()?;
    if items.is_empty() {
        node.fault("an empty list");
        return None;
    }
    let all: Vec<_> = items.iter().map(Node::literal).collect();
    all.into_iter().collect()
}

/// `case = "exact"` (what holds without it) or `"ignore"`.
pub(crate) fn case(table: &Table<'_>) -> Option<Case> {
    let Some(node) = table.get("case") else { return Some(Case::Exact) };
    match node.text()? {
        "exact" => Some(Case::Exact),
        "ignore" => Some(Case::Ignore),
        other => {
            node.fault(format!("`case` is \"exact\" or \"ignore\", not {other:?}"));
            None
        }
    }
}
