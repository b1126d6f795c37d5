//! The document as a page: headings, tables and examples, without any script, so that the strict policy for contents holds.

use serde_json::Value;
use std::fmt::Write;

/// The page of a document.
pub(super) fn write(document: &Value) -> String {
    let mut out = String::with_capacity(128 << 10);
    let info = &document["info"];
    let title = format!("{} API {}", text(&info["title"]), text(&info["version"]));
    push(&mut out, "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">");
    push(&mut out, "<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\">");
    push(&mut out, "<meta name=\"color-scheme\" content=\"light dark\">");
    push(&mut out, &format!("<title>{}</title>", escaped(&title)));
    push(
        &mut out,
        "<link rel=\"icon\" href=\"/icon.svg\"><link rel=\"stylesheet\" href=\"/api/docs.css\"></head><body>",
    );
    push(&mut out, &format!("<header><h1>{}</h1>", escaped(&title)));
    for paragraph in text(&info["description"]).split("\n\n") {
        push(&mut out, &format!("<p>{}</p>", marked(paragraph)));
    }
    push(&mut out, "<p><a href=\"/api/openapi.json\">openapi.json</a></p></header>");
    contents(&mut out, document);
    push(&mut out, "<main>");
    schemes(&mut out, document);
    for tag in list(&document["tags"]) {
        chapter(&mut out, document, tag);
    }
    shapes(&mut out, document);
    push(&mut out, "</main></body></html>\n");
    out
}

/// The operations of a chapter, with method and path.
fn operations<'a>(document: &'a Value, tag: &'a str) -> impl Iterator<Item = (&'a str, &'a str, &'a Value)> {
    let paths = document["paths"].as_object().into_iter().flatten();
    let all = paths.flat_map(|(path, item)| {
        item.as_object()
            .into_iter()
            .flatten()
            .map(move |(method, said)| (method.as_str(), path.as_str(), said))
    });
    all.filter(move |(_, _, said)| said["tags"][0] == tag)
}

fn contents(out: &mut String, document: &Value) {
    push(out, "<nav aria-label=\"Contents\"><details><summary>Contents</summary><ul>");
    push(out, "<li><a href=\"#who\">Who may use it</a></li>");
    for tag in list(&document["tags"]) {
        let name = text(&tag["name"]);
        push(out, &format!("<li><a href=\"#{}\">{}</a><ul>", anchor(name), escaped(name)));
        for (method, path, said) in operations(document, name) {
            let id = text(&said["operationId"]);
            let label = format!("{} {}", method.to_uppercase(), path);
            push(out, &format!("<li><a href=\"#{}\">{}</a></li>", anchor(id), escaped(&label)));
        }
        push(out, "</ul></li>");
    }
    push(out, "<li><a href=\"#shapes\">Shapes</a></li></ul></details></nav>");
}

fn schemes(out: &mut String, document: &Value) {
    push(out, "<section id=\"who\"><h2>Who may use it</h2><dl>");
    for (name, scheme) in document["components"]["securitySchemes"].as_object().into_iter().flatten() {
        let (place, key) = (text(&scheme["in"]), text(&scheme["name"]));
        push(
            out,
            &format!("<dt><b>{}</b>: {} <code>{}</code></dt>", escaped(name), escaped(place), escaped(key)),
        );
        push(out, &format!("<dd>{}</dd>", marked(text(&scheme["description"]))));
    }
    push(out, "</dl></section>");
}

fn chapter(out: &mut String, document: &Value, tag: &Value) {
    let name = text(&tag["name"]);
    push(out, &format!("<section><h2 id=\"{}\">{}</h2>", anchor(name), escaped(name)));
    push(out, &format!("<p>{}</p>", marked(text(&tag["description"]))));
    for (method, path, said) in operations(document, name) {
        operation(out, method, path, said);
    }
    push(out, "</section>");
}

fn operation(out: &mut String, method: &str, path: &str, said: &Value) {
    let id = anchor(text(&said["operationId"]));
    push(
        out,
        &format!("<article id=\"{id}\"><h3><span class=\"{method}\">{}</span> ", method.to_uppercase()),
    );
    push(out, &format!("<code>{}</code></h3><p>{}", broken(path), marked(text(&said["summary"]))));
    push(out, &format!(". {}</p>", marked(text(&said["description"]))));
    push(out, &format!("<p class=\"who\">{}</p>", who(&said["security"])));
    let parameters = list(&said["parameters"]);
    if !parameters.is_empty() {
        push(out, "<h4>Parameters</h4><dl>");
        for parameter in parameters {
            let (name, place) = (text(&parameter["name"]), text(&parameter["in"]));
            push(out, &format!("<dt><code>{}</code> in {}</dt>", escaped(name), escaped(place)));
            let example = text(&parameter["example"]);
            push(
                out,
                &format!(
                    "<dd>{} Such as <code>{}</code>.</dd>",
                    marked(text(&parameter["description"])),
                    escaped(example)
                ),
            );
        }
        push(out, "</dl>");
    }
    if said["requestBody"].is_object() {
        push(out, &format!("<h4>Body</h4><p>{}</p>", marked(text(&said["requestBody"]["description"]))));
        content(out, &said["requestBody"]["content"]);
    }
    push(out, "<h4>Answers</h4><dl>");
    for (status, answer) in said["responses"].as_object().into_iter().flatten() {
        let refused = status.starts_with(['4', '5']);
        push(
            out,
            &format!("<dt><b class=\"{}\">{status}</b></dt>", if refused { "refused" } else { "well" }),
        );
        push(out, &format!("<dd><p>{}</p>", marked(text(&answer["description"]))));
        // What refusals look like is said once, below.
        if !refused {
            content(out, &answer["content"]);
        }
        push(out, "</dd>");
    }
    push(out, "</dl></article>");
}

fn who(security: &Value) -> String {
    let ways = list(security);
    if ways.is_empty() {
        return "For everybody who reaches the address.".to_owned();
    }
    let names = |way: &Value| {
        let keys: Vec<&str> = way.as_object().into_iter().flatten().map(|(name, _)| name.as_str()).collect();
        keys.join(" and ")
    };
    let ways: Vec<String> = ways.iter().map(names).collect();
    format!("With: <a href=\"#who\">{}</a>.", escaped(&ways.join(", or ")))
}

fn content(out: &mut String, content: &Value) {
    for (kind, found) in content.as_object().into_iter().flatten() {
        push(out, &format!("<p><code>{}</code> {}</p>", escaped(kind), shape(&found["schema"])));
        for (name, example) in found["examples"].as_object().into_iter().flatten() {
            let pretty = serde_json::to_string_pretty(&example["value"]).unwrap_or_default();
            let open = if name == "example" { " open" } else { "" };
            push(out, &format!("<details{open}><summary>{}</summary>", escaped(name)));
            push(out, &format!("<pre tabindex=\"0\"><code>{}</code></pre></details>", escaped(&pretty)));
        }
    }
}

fn shapes(out: &mut String, document: &Value) {
    push(out, "<section id=\"shapes\"><h2>Shapes</h2>");
    for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
        push(out, &format!("<article id=\"shape-{}\"><h3>{}</h3>", anchor(name), escaped(name)));
        push(out, &format!("<p>{}</p>", marked(text(&schema["description"]))));
        if let Some(words) = schema["enum"].as_array() {
            let words: Vec<&str> = words.iter().map(text).collect();
            push(out, &format!("<p>One of: <code>{}</code></p>", escaped(&words.join(" · "))));
        }
        let required: Vec<&str> = list(&schema["required"]).iter().map(text).collect();
        push(out, "<dl>");
        for (field, what) in schema["properties"].as_object().into_iter().flatten() {
            let must = if required.contains(&field.as_str()) { "" } else { ", may be absent" };
            push(out, &format!("<dt><code>{}</code> {}{must}</dt>", escaped(field), shape(what)));
            push(out, &format!("<dd>{}</dd>", marked(text(&what["description"]))));
        }
        push(out, "</dl></article>");
    }
    push(out, "</section>");
}

/// A schema in a few words, with links.
fn shape(schema: &Value) -> String {
    if let Some(name) = schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        return format!("<a href=\"#shape-{}\">{}</a>", anchor(name), escaped(name));
    }
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().map(shape).collect::<Vec<_>>().join(" or ");
    }
    match &schema["type"] {
        Value::String(kind) if kind == "array" => format!("list of {}", shape(&schema["items"])),
        Value::String(kind) => escaped(kind),
        Value::Array(kinds) => kinds.iter().map(text).map(escaped).collect::<Vec<_>>().join(" or "),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => "anything".to_owned(),
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}

fn anchor(name: &str) -> String {
    name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect()
}

/// Paths may be broken at their slashes.
fn broken(path: &str) -> String {
    escaped(path).replace('/', "/<wbr>")
}

/// Words with code between backticks.
fn marked(words: &str) -> String {
    let mut out = String::with_capacity(words.len());
    for (number, part) in words.split('`').enumerate() {
        if number % 2 == 0 {
            out.push_str(&escaped(part));
        } else {
            // Writing into a string does not fail.
            let _ = write!(out, "<code>{}</code>", escaped(part));
        }
    }
    out
}

fn escaped(words: &str) -> String {
    words.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

fn push(out: &mut String, words: &str) {
    out.push_str(words);
}
