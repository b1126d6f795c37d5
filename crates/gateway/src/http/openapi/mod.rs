//! What the API is, as an OpenAPI 3.1 document at `/api/openapi.json`, and as a page at `/api/docs`.
//!
//! Routes and document are one: [`Api::on`] adds a route together with what is said of it, and there is no other way to add
//! one. The shapes of bodies come from the types that are read and written, by schemars.
//!
//! Both are for everybody who reaches the address: they say what the source says, and hold nothing of this compound.

mod examples;
mod operation;
mod page;
mod schemas;

pub(super) use examples::{COMMANDS, command};
pub(super) use operation::{Auth, Operation, Tag, delete, get, post};
pub(super) use schemas::{Anything, CommandDone, CommandRefused, DeliveredWord, OpWord, Point, RoleWord};
pub(crate) use schemas::{OutcomeWord, ReasonShape, Words};

use super::PhoneSide;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::handler::Handler;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{self, MethodRouter};
use schemas::Schemas;
use serde_json::{Map, Value, json};
use std::sync::{Arc, OnceLock};

/// The routes, each with what the document says of it.
pub(super) struct Api {
    router: Router<PhoneSide>,
    paths: Map<String, Value>,
    schemas: Schemas,
}

impl Api {
    /// Without any route.
    pub(super) fn new() -> Self {
        Self { router: Router::new(), paths: Map::new(), schemas: Schemas::default() }
    }

    /// Adds a route, and says what it is.
    pub(super) fn on<H, T>(mut self, operation: Operation, handler: H) -> Self
    where
        H: Handler<T, PhoneSide>,
        T: 'static,
    {
        let mut method: MethodRouter<PhoneSide> = routing::on(operation.method.filter(), handler);
        if let Some(bytes) = operation.body_bytes_max() {
            method = method.layer(DefaultBodyLimit::max(bytes));
        }
        self.router = self.router.route(operation.path, method);
        let (path, method) = (operation.path, operation.method.name());
        let said = operation.document(&mut self.schemas);
        self.paths.entry(path).or_insert_with(|| json!({}))[method] = said;
        self
    }

    /// Both parts: the document belongs to exactly these routes.
    pub(super) fn parts(self) -> (Router<PhoneSide>, Value) {
        let document = json!({
            "openapi": "3.1.0",
            "jsonSchemaDialect": "https://json-schema.org/draft/2020-12/schema",
            "info": {
                "title": "Wanglou",
                "summary": "Alarms of a residential compound: what phones, the command line and other systems send and get.",
                "description": include_str!("about.md").trim(),
                "version": env!("CARGO_PKG_VERSION"),
                "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
            },
            "servers": [{"url": "/", "description": "This gateway."}],
            "tags": operation::Tag::ALL.map(|tag| json!({"name": tag.name(), "description": tag.says()})),
            "paths": self.paths,
            "components": {"schemas": self.schemas.take(), "securitySchemes": operation::security_schemes()},
        });
        (self.router, document)
    }
}

/// The document of the routes, made once: it is the same for every gateway of this version.
fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| super::routes::api(true).parts().1)
}

pub(super) async fn json() -> Response {
    static TEXT: OnceLock<Arc<str>> = OnceLock::new();
    let text = TEXT.get_or_init(|| document().to_string().into());
    let headers = [(header::CONTENT_TYPE, "application/json"), (header::CACHE_CONTROL, "no-cache")];
    (headers, text.to_string()).into_response()
}

pub(super) async fn html() -> Response {
    static PAGE: OnceLock<Arc<str>> = OnceLock::new();
    let text = PAGE.get_or_init(|| page::write(document()).into());
    let headers = [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, text.to_string()).into_response()
}

pub(super) async fn css() -> Response {
    let headers = [(header::CONTENT_TYPE, "text/css; charset=utf-8"), (header::CACHE_CONTROL, "no-cache")];
    (headers, include_str!("page.css")).into_response()
}

#[cfg(test)]
mod tests;
