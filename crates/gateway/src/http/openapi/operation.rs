//! One operation: what it is for, who may use it, what it takes and what it answers.

use super::schemas::Schemas;
use crate::http::{BODY_BYTES_MAX, Problem};
use axum::routing::MethodFilter;
use schemars::JsonSchema;
use serde_json::{Map, Value, json};

/// A method of HTTP that the API uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Method {
    Get,
    Post,
    Delete,
}

impl Method {
    pub(super) fn filter(self) -> MethodFilter {
        match self {
            Method::Get => MethodFilter::GET,
            Method::Post => MethodFilter::POST,
            Method::Delete => MethodFilter::DELETE,
        }
    }

    /// As OpenAPI writes it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Method::Get => "get",
            Method::Post => "post",
            Method::Delete => "delete",
        }
    }
}

/// What an operation is about: its chapter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Tag {
    Session,
    Alarms,
    People,
    Push,
    Systems,
    Admin,
    Local,
    Health,
}

impl Tag {
    /// In the order of the page.
    pub(super) const ALL: [Tag; 8] = [
        Tag::Session,
        Tag::Alarms,
        Tag::People,
        Tag::Push,
        Tag::Systems,
        Tag::Admin,
        Tag::Local,
        Tag::Health,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Tag::Session => "session",
            Tag::Alarms => "alarms",
            Tag::People => "people",
            Tag::Push => "push",
            Tag::Systems => "other systems",
            Tag::Admin => "admin",
            Tag::Local => "command line",
            Tag::Health => "health",
        }
    }

    pub(super) fn says(self) -> &'static str {
        match self {
            Tag::Session => "A phone is linked once, and stays logged in.",
            Tag::Alarms => "What is on, what to do about it, and what people do.",
            Tag::People => "Who is on duty, where things are, and what was.",
            Tag::Push => "Messages to a phone whose app is closed.",
            Tag::Systems => "Notes from outside, without a session.",
            Tag::Admin => "For officers with `admin = true`.",
            Tag::Local => "For whoever may read the data directory of the machine: `wanglou` itself.",
            Tag::Health => "Is it alive, is it ready, what is this API?",
        }
    }
}

/// Who may use an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::http) enum Auth {
    /// Everybody who reaches the address.
    Nobody,
    /// A phone that is logged in; what changes something must come from our own pages too.
    Session,
    /// The same, or a ticket.
    SessionOrTicket,
    /// The same, or the machine's own command line.
    SessionOrLocal,
    /// The machine's own command line.
    Local,
    /// A system that shares a secret with us.
    Signature,
}

impl Auth {
    /// Any one of these is enough.
    fn security(self) -> Value {
        match self {
            Auth::Nobody => json!([]),
            Auth::Session => json!([{"session": []}]),
            Auth::SessionOrTicket => json!([{"session": []}, {"ticket": []}]),
            Auth::SessionOrLocal => json!([{"session": []}, {"local": []}]),
            Auth::Local => json!([{"local": []}]),
            Auth::Signature => json!([{"signature": [], "timestamp": []}]),
        }
    }
}

/// The ways to say who one is.
pub(super) fn security_schemes() -> Value {
    let key = |place: &str, name: &str, says: &str| json!({"type": "apiKey", "in": place, "name": name, "description": says});
    json!({
        "session": key("cookie", "__Host-sid", "Given by `POST /api/enrol`; over plain http on loopback its name is `sid`. \
            Requests other than GET need `Origin` to be the gateway's `public_url` too."),
        "ticket": key("header", "Sec-WebSocket-Protocol", "`wanglou.v1, wanglou.ticket.<ticket>`: opens one socket within \
            30 s, for wrappers that cannot send a cookie."),
        "local": key("header", "X-Wanglou-Local", "What the file `local-secret` in the data directory holds; new at each start."),
        "signature": key("header", "X-Wanglou-Signature", "`sha256=` and the HMAC-SHA-256, in hexadecimal digits, of the \
            timestamp, a dot, and the body, by the secret that both sides have."),
        "timestamp": key("header", "X-Wanglou-Timestamp", "Seconds since 1970, at most 300 s off."),
    })
}

type Schema = Box<dyn Fn(&mut Schemas) -> Value>;

enum Content {
    Json(Schema, Value),
    Bytes { kinds: &'static [&'static str], bytes_max: usize },
    Text(&'static str),
}

struct Answer {
    status: u16,
    says: &'static str,
    content: Option<Content>,
}

/// One operation.
pub(in crate::http) struct Operation {
    pub(super) method: Method,
    pub(super) path: &'static str,
    id: &'static str,
    tag: Tag,
    auth: Auth,
    summary: &'static str,
    more: &'static str,
    parameters: Vec<Value>,
    body: Option<Content>,
    bodies: Vec<(&'static str, Value)>,
    answers: Vec<Answer>,
    problems: Vec<(u16, &'static str, &'static str)>,
}

/// GET.
pub(in crate::http) fn get(
    path: &'static str,
    id: &'static str,
    tag: Tag,
    summary: &'static str,
) -> Operation {
    Operation::new(Method::Get, path, id, tag, summary)
}

/// POST.
pub(in crate::http) fn post(
    path: &'static str,
    id: &'static str,
    tag: Tag,
    summary: &'static str,
) -> Operation {
    Operation::new(Method::Post, path, id, tag, summary)
}

/// DELETE.
pub(in crate::http) fn delete(
    path: &'static str,
    id: &'static str,
    tag: Tag,
    summary: &'static str,
) -> Operation {
    Operation::new(Method::Delete, path, id, tag, summary)
}

impl Operation {
    fn new(method: Method, path: &'static str, id: &'static str, tag: Tag, summary: &'static str) -> Self {
        let (auth, more) = (Auth::Session, "");
        let (parameters, bodies, answers, problems) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        Self { method, path, id, tag, auth, summary, more, parameters, body: None, bodies, answers, problems }
    }

    /// Who may use it; without this, whoever is logged in.
    pub(in crate::http) fn by(mut self, auth: Auth) -> Self {
        self.auth = auth;
        self
    }

    /// More than the summary says; CommonMark.
    pub(in crate::http) fn more(mut self, words: &'static str) -> Self {
        self.more = words;
        self
    }

    fn parameter(mut self, place: &str, name: &str, says: &str, example: &str) -> Self {
        self.parameters.push(json!({
            "name": name, "in": place, "required": true, "description": says,
            "schema": {"type": "string"}, "example": example,
        }));
        self
    }

    /// A part of the path.
    pub(in crate::http) fn at(self, name: &str, says: &str, example: &str) -> Self {
        self.parameter("path", name, says, example)
    }

    /// A part of the query.
    pub(in crate::http) fn asks(self, name: &str, says: &str, example: &str) -> Self {
        self.parameter("query", name, says, example)
    }

    /// A part of the query that may be left out.
    pub(in crate::http) fn may_ask(mut self, name: &str, says: &str, words: &[&str]) -> Self {
        self.parameters.push(json!({
            "name": name, "in": "query", "required": false, "description": says,
            "schema": {"type": "string", "enum": words}, "example": words.first(),
        }));
        self
    }

    /// A body of JSON, with an example.
    pub(in crate::http) fn takes<T: JsonSchema + 'static>(mut self, example: Value) -> Self {
        self.body = Some(Content::Json(Box::new(|schemas| schemas.read::<T>()), example));
        self
    }

    /// Another example of the body.
    pub(in crate::http) fn or(mut self, name: &'static str, example: Value) -> Self {
        self.bodies.push((name, example));
        self
    }

    /// A body of bytes.
    pub(in crate::http) fn takes_bytes(mut self, kinds: &'static [&'static str], bytes_max: usize) -> Self {
        self.body = Some(Content::Bytes { kinds, bytes_max });
        self
    }

    /// An answer of JSON, with an example.
    pub(in crate::http) fn gives<T: JsonSchema + 'static>(
        mut self,
        status: u16,
        says: &'static str,
        example: Value,
    ) -> Self {
        let content = Some(Content::Json(Box::new(|schemas| schemas.written::<T>()), example));
        self.answers.push(Answer { status, says, content });
        self
    }

    /// An answer without a body.
    pub(in crate::http) fn gives_nothing(mut self, status: u16, says: &'static str) -> Self {
        self.answers.push(Answer { status, says, content: None });
        self
    }

    /// An answer of bytes.
    pub(in crate::http) fn gives_bytes(mut self, says: &'static str, kinds: &'static [&'static str]) -> Self {
        let content = Some(Content::Bytes { kinds, bytes_max: usize::MAX });
        self.answers.push(Answer { status: 200, says, content });
        self
    }

    /// An answer of text.
    pub(in crate::http) fn gives_text(mut self, status: u16, says: &'static str, kind: &'static str) -> Self {
        self.answers.push(Answer { status, says, content: Some(Content::Text(kind)) });
        self
    }

    /// A refusal: its status, its code, and when.
    pub(in crate::http) fn refuses(mut self, status: u16, code: &'static str, when: &'static str) -> Self {
        self.problems.push((status, code, when));
        self
    }

    /// The largest body that is taken, where it is not that of all others.
    pub(super) fn body_bytes_max(&self) -> Option<usize> {
        match &self.body {
            Some(Content::Bytes { bytes_max, .. }) => Some(*bytes_max),
            Some(Content::Json(..) | Content::Text(_)) | None => None,
        }
    }

    /// What the document says of it.
    pub(super) fn document(self, schemas: &mut Schemas) -> Value {
        let mut said = json!({
            "operationId": self.id, "tags": [self.tag.name()], "summary": self.summary,
            "security": self.auth.security(), "responses": {},
        });
        if !self.more.is_empty() {
            said["description"] = self.more.into();
        }
        if !self.parameters.is_empty() {
            said["parameters"] = self.parameters.clone().into();
        }
        if let Some(body) = &self.body {
            said["requestBody"] = json!({"required": true, "content": content(body, &self.bodies, schemas)});
            if self.body_bytes_max().is_none() {
                said["requestBody"]["description"] = format!("At most {} KiB.", BODY_BYTES_MAX >> 10).into();
            }
        }
        for answer in &self.answers {
            let mut shown = json!({"description": answer.says});
            if let Some(found) = &answer.content {
                shown["content"] = content(found, &[], schemas);
            }
            said["responses"][answer.status.to_string()] = shown;
        }
        for (status, shown) in self.refusals(schemas) {
            said["responses"][status.to_string()] = shown;
        }
        said
    }

    /// Refusals by status, those that come of who asks among them.
    fn refusals(&self, schemas: &mut Schemas) -> Map<String, Value> {
        let mut problems = self.problems.clone();
        match self.auth {
            Auth::Nobody | Auth::Signature => {}
            Auth::Session | Auth::SessionOrTicket | Auth::SessionOrLocal => {
                problems.push((401, "auth", "without a valid session"));
                if self.method != Method::Get || self.auth == Auth::SessionOrTicket {
                    problems.push((403, "origin", "`Origin` is not `public_url`"));
                }
            }
            Auth::Local => problems.push((401, "auth", "without the local secret")),
        }
        if self.tag != Tag::Health {
            problems.push((503, "busy", "too much to do, or stopping; try again"));
        }
        let mut by_status: Map<String, Value> = Map::new();
        for (status, code, when) in problems {
            let shown = by_status.entry(status.to_string()).or_insert_with(|| {
                json!({"description": "", "content": {"application/json": {
                    "schema": schemas.written::<Problem>(), "examples": {},
                }}})
            });
            let said = shown["description"].as_str().unwrap_or_default();
            let space = if said.is_empty() { "" } else { "; " };
            shown["description"] = format!("{said}{space}`{code}`: {when}").into();
            let mut value = json!({"code": code, "text": {"zh": "…", "en": "…"}});
            if matches!(status, 429 | 503) {
                value["retry_s"] = 5.into();
            }
            shown["content"]["application/json"]["examples"][code] = json!({"value": value});
        }
        by_status
    }
}

fn content(content: &Content, more: &[(&'static str, Value)], schemas: &mut Schemas) -> Value {
    match content {
        Content::Json(schema, example) => {
            let mut examples = Map::from_iter([("example".to_owned(), json!({"value": example}))]);
            examples.extend(more.iter().map(|(name, value)| ((*name).to_owned(), json!({"value": value}))));
            json!({"application/json": {"schema": schema(schemas), "examples": examples}})
        }
        // OpenAPI 3.1: bytes have a kind, and no schema.
        Content::Bytes { kinds, .. } => kinds.iter().map(|kind| ((*kind).to_owned(), json!({}))).collect(),
        Content::Text(kind) => json!({*kind: {"schema": {"type": "string"}}}),
    }
}
