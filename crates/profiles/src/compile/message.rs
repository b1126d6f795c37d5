//! `[[message]]`: some topics, and what their bodies mean.

use super::chain::{End, chain};
use super::condition::condition;
use super::field::{field, flag, time};
use super::lane;
use super::reader::{Node, Table};
use super::scope::{GroupId, ROOT, Scopes};
use crate::chain::{Chain, Stage};
use crate::json::Trie;
use crate::kinds::Kind;
use crate::plan::{
    At, Body, Condition, Decoder, EventPlan, FieldPlan, FlagPlan, Header, Ignore, Mapping, MessagePlan,
    Otherwise, Part, Piece, Redact, Rule, slots_of,
};
use crate::topic::{Lane, Pattern};
use std::collections::BTreeSet;
use wanglou_model::Repeats;

/// Compiles a message. `lane` is the profile's.
pub(crate) fn message(node: &Node<'_>, default_lane: Lane) -> Option<MessagePlan> {
    let table = node.table()?;
    let name = table.get("name").and_then(|node| node.text()).unwrap_or_default().to_owned();
    let topics = table.need("topic", "such as \"zigbee2mqtt/{device...}\"").map(|node| topics(&node));
    let lane = table.get("lane").map_or(Some(default_lane), |node| lane(&node));
    let decoder = match table.get("decoder") {
        None => mapping(&table, topics.as_deref().unwrap_or_default())
            .map(|mapping| Decoder::Mapping(Box::new(mapping))),
        Some(node) => native(&node, topics.as_deref().unwrap_or_default()),
    };
    table.finish();
    Some(MessagePlan { name, line: node.line(), topics: topics?, lane: lane?, decoder: decoder? })
}

fn topics(node: &Node<'_>) -> Vec<Pattern> {
    let patterns = node.one_or_more();
    if patterns.is_empty() {
        node.fault("at least one topic");
    }
    patterns.iter().filter_map(|node| node.ok(Pattern::parse(node.text()?))).collect()
}

/// `decoder = "canonical"`: code instead of rules, where a mapping cannot do.
fn native(node: &Node<'_>, topics: &[Pattern]) -> Option<Decoder> {
    match node.text()? {
        "canonical" => {
            if topics.iter().any(|topic| topic.captures() != ["device"]) {
                node.fault("the topic of the canonical decoder has one capture, {device} or {device...}");
            }
            Some(Decoder::Canonical)
        }
        other => {
            node.fault(format!("the native decoders are: canonical; not {other:?}"));
            None
        }
    }
}

fn mapping(table: &Table<'_>, topics: &[Pattern]) -> Option<Mapping> {
    let mut draft =
        Draft { scopes: Scopes::new(topics), headers: vec![], topics, rules: 0, first_of: vec![] };
    let body = table.get("body").map_or(Some(Body::Json), |node| body(&node));
    let retained_ignored = retained(table);
    let parts: Vec<_> = list(table, "part").iter().map(|node| draft.part(node)).collect();
    let header = draft.header(ROOT, table, None);
    let usual = header.map(|header| draft.keep(header));
    let when = table.get("when").map(|node| condition(&mut draft.scopes, ROOT, &node));
    let ignores = list(table, "ignore").iter().map(|node| draft.ignore(node)).collect::<Vec<_>>();
    let redact = table.get("redact").map_or_else(|| Some(Redact::default()), |node| draft.redact(&node));
    let mut names = BTreeSet::new();
    for node in list(table, "rule") {
        draft.rule(&node, usual, &mut names);
    }
    let otherwise = match table.get("otherwise") {
        None => Some(Otherwise::Unmatched("no rule of this profile knows what it says".into())),
        Some(node) => draft.otherwise(&node, usual),
    };
    if draft.rules == 0 && ignores.is_empty() && !table.has("otherwise") {
        table.node.fault("a message needs a [[message.rule]], a [[message.ignore]] or `otherwise`");
    }
    let Draft { scopes, headers, .. } = draft;
    let finished = scopes.finish();
    let parts = parts.into_iter().zip(finished.parts).map(|(part, trie)| Some(Part { trie, ..part? }));
    let when = when.map_or(Some(None), |when| when.map(Some))?;
    Some(Mapping {
        body: body?,
        trie: finished.root,
        parts: parts.collect::<Option<_>>()?,
        captures: finished.captures,
        redact: redact?,
        retained_ignored: retained_ignored?,
        when_reads_parts: when.as_ref().is_some_and(Condition::reads_parts),
        when,
        ignores: ignores.into_iter().collect::<Option<_>>()?,
        groups: finished.groups,
        usual: usual.filter(|usual| headers.get(*usual).is_some_and(|header| !header.device.is_empty())),
        headers,
        otherwise: otherwise?,
    })
}

fn list<'f>(table: &Table<'f>, key: &'static str) -> Vec<Node<'f>> {
    table.get(key).and_then(|node| node.list()).unwrap_or_default()
}

fn body(node: &Node<'_>) -> Option<Body> {
    let words = node.one_or_more();
    let Chain(mut stages) = chain(node, End::Any)?;
    let only = stages.pop().filter(|_| words.len() == 1);
    Some(match only {
        Some(Stage::Json) => Body::Json,
        Some(Stage::Text) => Body::Text,
        Some(Stage::JsonOrText) => Body::JsonOrText,
        Some(_) | None => Body::Chain(chain(node, End::Any)?),
    })
}

/// `retained = "ignore"`; without it, `"state"`: it sets the state, and is no edge and no sign of life.
fn retained(table: &Table<'_>) -> Option<bool> {
    let Some(node) = table.get("retained") else { return Some(false) };
    match node.text()? {
        "state" => Some(false),
        "ignore" => Some(true),
        other => {
            node.fault(format!(
                "retained messages are \"state\" (never an event) or \"ignore\", not {other:?}"
            ));
            None
        }
    }
}

/// `repeats = "state"`, `"unique_ids"`, or `{ within_s = 1.5 }`.
fn repeats(node: &Node<'_>) -> Option<Repeats> {
    if !node.is_table() {
        return match node.text()? {
            "count" => Some(Repeats::Count),
            "state" => Some(Repeats::State),
            "unique_ids" => Some(Repeats::UniqueIds),
            other => {
                node.fault(format!(
                    "`repeats` is \"count\", \"state\", \"unique_ids\" or {{ within_s = 2 }}, not {other:?}"
                ));
                None
            }
        };
    }
    let table = node.table()?;
    let seconds = table.need("within_s", "how long the same content counts once, in seconds");
    let seconds = seconds.and_then(|node| match node.number()? {
        seconds if (0.001..=86_400.0).contains(&seconds) => Some(seconds),
        _ => {
            node.fault("between a millisecond and a day");
            None
        }
    });
    table.finish();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "in range, and rounded")]
    seconds.map(|seconds| Repeats::WithinMs((seconds * 1000.0).round() as u32))
}

/// A message while it is compiled.
struct Draft<'t> {
    scopes: Scopes<'t>,
    headers: Vec<Header>,
    topics: &'t [Pattern],
    rules: usize,
    /// Names of groups of rules of which the first one is heard.
    first_of: Vec<String>,
}

impl Draft<'_> {
    fn keep(&mut self, header: Header) -> usize {
        self.headers.push(header);
        self.headers.len() - 1
    }

    /// Who, when, which event: as the table says, and for the rest as `usual` has it. `None` when nobody says
    /// which device it is.
    fn header(&mut self, group: GroupId, table: &Table<'_>, usual: Option<&Header>) -> Option<Header> {
        let mut header = usual.cloned().unwrap_or_else(|| Header {
            device: vec![],
            time: None,
            event: None,
            pair: None,
            sequence: None,
            evidence: vec![],
            repeats: Repeats::Count,
            replayed: FlagPlan::Const(false),
            test: FlagPlan::Const(false),
        });
        if let Some(node) = table.get("device")
            && let Some(device) = self.device(group, &node)
        {
            header.device = device;
        }
        if let Some(node) = table.get("time") {
            header.time = time(&mut self.scopes, group, &node);
        }
        if let Some(node) = table.get("event") {
            header.event = self.event(group, &node);
        }
        if let Some(node) = table.get("pair") {
            header.pair = self.event(group, &node);
        }
        if let Some(node) = table.get("sequence") {
            header.sequence = self.scopes.source(group, &node);
        }
        if let Some(node) = table.get("evidence") {
            header.evidence = self.evidence(group, &node);
        }
        if let Some(repeats) = table.get("repeats").and_then(|node| repeats(&node)) {
            header.repeats = repeats;
        }
        if let Some(plan) = table.get("replayed").and_then(|node| flag(&mut self.scopes, group, &node)) {
            header.replayed = plan;
        }
        if let Some(plan) = table.get("test").and_then(|node| flag(&mut self.scopes, group, &node)) {
            header.test = plan;
        }
        Some(header)
    }

    /// `[[message.part]]`: a value that holds a document of its own.
    fn part(&mut self, node: &Node<'_>) -> Option<Part> {
        let table = node.table()?;
        let from = table.need("from", "the pointer of the value that is to be decoded");
        let from = from.and_then(|node| self.scopes.source(ROOT, &node));
        let when = table.get("when").map(|node| condition(&mut self.scopes, ROOT, &node));
        let decode = table.need("decode", "how, such as [\"base64\", \"json\"]");
        let chain = decode.and_then(|node| chain(&node, End::Any));
        let optional = table.get("optional").map_or(Some(false), |node| node.flag());
        // Its own name comes last: it cannot be made from itself.
        let name = table.need("name", "a word for it, used as \"word:/pointer\"");
        let name = name.and_then(|node| self.scopes.part(&node));
        table.finish();
        let when = when.map_or(Some(None), |when| when.map(Some))?;
        Some(Part {
            name: name?,
            from: from?,
            when,
            chain: chain?,
            optional: optional?,
            trie: Trie::default(),
        })
    }

    /// `"{device}"`, `"{/elevatorCode}"`, `"{/deviceId}/{/channelId|/channel}"`, or a word.
    fn device(&mut self, group: GroupId, node: &Node<'_>) -> Option<Vec<Piece>> {
        self.pieces(group, node, node.text()?)
    }

    /// `"/id"`, a list of them, or put together: `"{/serialNo}-{/n}"`.
    fn event(&mut self, group: GroupId, node: &Node<'_>) -> Option<EventPlan> {
        if !node.is_list()
            && let Some(text) = node.text().filter(|text| text.contains('{'))
        {
            return self.pieces(group, node, text).map(EventPlan::Pieces);
        }
        self.scopes.source(group, node).map(EventPlan::Place)
    }

    /// `"/picUrl"`, a list of them; `{ inline = "/image" }` where the picture itself may stand.
    fn evidence(&mut self, group: GroupId, node: &Node<'_>) -> Vec<(At, bool)> {
        let mut all = vec![];
        for item in node.one_or_more() {
            let (place, inside) = match item.is_table() {
                false => (Some(item.clone()), false),
                true => {
                    let Some(table) = item.table() else { continue };
                    let place = table.need("inline", "the pointer of a picture in base64");
                    table.finish();
                    (place, true)
                }
            };
            let source = place.and_then(|place| self.scopes.source(group, &place));
            all.extend(source.into_iter().flat_map(|source| source.at).map(|at| (at, inside)));
        }
        all
    }

    fn pieces(&mut self, group: GroupId, node: &Node<'_>, text: &str) -> Option<Vec<Piece>> {
        let mut pieces = vec![];
        let mut rest = text;
        while let Some((word, inside)) = rest.split_once('{') {
            if !word.is_empty() {
                pieces.push(Piece::Word(word.to_owned()));
            }
            let Some((inside, after)) = inside.split_once('}') else {
                node.fault(format!("{text:?}: a brace is not closed"));
                return None;
            };
            pieces.push(match inside.contains(['/', ':']) {
                true => Piece::Body(self.scopes.source_of(group, node, inside)?),
                false => self.capture(node, inside)?,
            });
            rest = after;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Word(rest.to_owned()));
        }
        if pieces.is_empty() {
            node.fault("an identity must not be empty");
            return None;
        }
        Some(pieces)
    }

    fn capture(&self, node: &Node<'_>, name: &str) -> Option<Piece> {
        let numbers: Vec<_> = self
            .topics
            .iter()
            .filter_map(|topic| topic.captures().iter().position(|capture| *capture == name))
            .collect();
        if numbers.len() < self.topics.len() || numbers.is_empty() {
            node.fault(format!(
                "{{{name}}} is no capture of the topic; a pointer begins with a slash: {{/{name}}}"
            ));
            return None;
        }
        Some(Piece::Capture(numbers))
    }

    /// `["/card", "key:name"]`: a place, or a key wherever it stands.
    fn redact(&mut self, node: &Node<'_>) -> Option<Redact> {
        let mut redact = Redact::default();
        for item in node.one_or_more() {
            match item.text()?.strip_prefix("key:") {
                Some("") => item.fault("which key? such as \"key:name\""),
                Some(key) => redact.keys.push(key.to_owned()),
                None => redact.at.extend(self.scopes.source(ROOT, &item)?.at),
            }
        }
        Some(redact)
    }

    fn ignore(&mut self, node: &Node<'_>) -> Option<Ignore> {
        let table = node.table()?;
        let when =
            table.need("when", "what is ignored").and_then(|node| condition(&mut self.scopes, ROOT, &node));
        let reason = table.need("reason", "why it is ignored, for people").and_then(|node| node.text());
        table.finish();
        Some(Ignore { when: when?, reason: reason?.to_owned(), line: node.line() })
    }

    fn rule(&mut self, node: &Node<'_>, usual: Option<usize>, names: &mut BTreeSet<String>) {
        let Some(table) = node.table() else { return };
        let group = self.scopes.group(&table).unwrap_or(ROOT);
        let name = table.need("name", "what the rule is about").and_then(|node| {
            let name = node.text()?.to_owned();
            if !names.insert(name.clone()) {
                node.fault(format!("two rules of this message are called {name:?}"));
            }
            Some(name)
        });
        let when = table.get("when").map(|node| condition(&mut self.scopes, group, &node));
        let kind = table.need("kind", "a kind of the vocabulary").and_then(|node| kind(&node));
        let fields = kind.and_then(|kind| self.fields(group, &table, kind));
        let beside = table.get("beside").map_or(Some(false), |node| node.flag());
        let first_of = table.get("first_of").map(|node| self.first_of(&node));
        let header = self.rule_header(group, &table, usual);
        table.finish();
        let number = self.rules;
        self.rules += 1;
        let when = when.map_or(Some(None), |when| when.map(Some));
        let first_of = first_of.map_or(Some(None), |group| group.map(Some));
        let (Some(name), Some(when), Some(kind), Some(fields), Some(beside), Some(first_of), Some(header)) =
            (name, when, kind, fields, beside, first_of, header)
        else {
            return;
        };
        let needs = when.as_ref().map_or_else(|| needs(&fields), Condition::needs);
        let line = node.line();
        self.scopes
            .push(group, Rule { number, name, line, when, needs, kind, fields, header, beside, first_of });
    }

    /// The number of a group of rules of which the first one is heard.
    fn first_of(&mut self, node: &Node<'_>) -> Option<u8> {
        let name = node.text()?;
        let known = self.first_of.iter().position(|known| known == name);
        let number = known.unwrap_or_else(|| {
            self.first_of.push(name.to_owned());
            self.first_of.len() - 1
        });
        if number >= 64 {
            node.fault("at most 64 groups of `first_of` in one message");
            return None;
        }
        u8::try_from(number).ok()
    }

    /// The message's header, or its own where the rule says more.
    fn rule_header(&mut self, group: GroupId, table: &Table<'_>, usual: Option<usize>) -> Option<usize> {
        let own = ["device", "time", "event", "pair", "sequence", "evidence", "repeats", "replayed", "test"];
        let header = match (own.iter().any(|key| table.has(key)), usual) {
            (false, Some(usual)) => usual,
            (_, usual) => {
                let base = usual.map(|usual| self.headers[usual].clone());
                let header = self.header(group, table, base.as_ref())?;
                self.keep(header)
            }
        };
        if self.headers[header].device.is_empty() {
            table.node.fault("which device says so? `device` is missing, here or in the message");
        }
        Some(header)
    }

    fn fields(&mut self, group: GroupId, table: &Table<'_>, kind: Kind) -> Option<Vec<(usize, FieldPlan)>> {
        let schema = kind.schema();
        let mut fields = vec![];
        let mut good = true;
        let entries = match table.get("value") {
            None => vec![],
            Some(node) => node.table()?.entries(),
        };
        for (name, node) in &entries {
            let Some((number, known)) = schema.field(name) else {
                node.fault(format!(
                    "`{}` has no field `{name}`; it has {}",
                    schema.name,
                    schema.field_names()
                ));
                good = false;
                continue;
            };
            match field(&mut self.scopes, group, node, known) {
                Some(plan) => fields.push((number, plan)),
                None => good = false,
            }
        }
        for missing in schema.fields.iter().filter(|field| field.required) {
            if !entries.iter().any(|(name, _)| *name == missing.name) {
                table.node.fault(format!("`{}` needs `value.{}`", schema.name, missing.name));
                good = false;
            }
        }
        if entries.is_empty() && !schema.fields.is_empty() && good {
            table.node.fault(format!("`{}` needs a value: {}", schema.name, schema.field_names()));
            good = false;
        }
        good.then_some(fields)
    }

    fn otherwise(&mut self, node: &Node<'_>, usual: Option<usize>) -> Option<Otherwise> {
        let table = node.table()?;
        let found = if let Some(reason) = table.get("unmatched") {
            reason.text().map(|reason| Otherwise::Unmatched(reason.to_owned()))
        } else if let Some(reason) = table.get("ignore") {
            reason.text().map(|reason| Otherwise::Ignore(reason.to_owned()))
        } else if let Some(node) = table.get("heartbeat") {
            node.flag().and(usual).map(|header| Otherwise::Heartbeat { header })
        } else if let Some(node) = table.get("unknown") {
            let source = self.scopes.source(ROOT, &node);
            source.zip(usual).map(|(source, header)| Otherwise::Unknown { header, source })
        } else {
            node.fault("`otherwise` says one of unmatched, ignore, heartbeat, unknown");
            None
        };
        table.finish();
        let header = match &found {
            Some(Otherwise::Heartbeat { header } | Otherwise::Unknown { header, .. }) => Some(*header),
            Some(Otherwise::Unmatched(_) | Otherwise::Ignore(_)) | None => None,
        };
        if header.is_some_and(|header| self.headers[header].device.is_empty()) {
            node.fault("which device? `device` is missing in the message");
        }
        found
    }
}

/// The slots that a rule without condition reads, as bits; `None` when it reads none, or one that has no bit.
fn needs(fields: &[(usize, FieldPlan)]) -> Option<u64> {
    let reads = fields.iter().filter_map(|(_, field)| match field {
        FieldPlan::Const(_) => None,
        FieldPlan::Read(read) => Some(&read.source),
    });
    let mut at = reads.flat_map(|source| &source.at).peekable();
    at.peek()?;
    slots_of(at.copied())
}

fn kind(node: &Node<'_>) -> Option<Kind> {
    let name = node.text()?;
    let kind = Kind::parse(name);
    if kind.is_none() {
        node.fault(format!("there is no kind {name:?}; the vocabulary has {}", Kind::names()));
    }
    kind
}
