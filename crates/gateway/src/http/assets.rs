//! The web app, built into the program. A missing file is a 404, never another page.

use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

#[derive(RustEmbed)]
#[folder = "../web/dist"]
#[allow_missing = true]
struct App;

pub(super) async fn serve(uri: Uri) -> Response {
    let path = uri.path().trim_start_matches('/');
    let path = if path.is_empty() { "index.html" } else { path };
    let Some(file) = App::get(path) else { return missing(path) };
    // Vite puts a hash into the names below assets/: those never change. Everything else is asked for anew.
    let caching =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = file.metadata.mimetype().to_owned();
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, caching.to_owned())], file.data).into_response()
}

fn missing(path: &str) -> Response {
    let words = if path == "index.html" {
        "the web app is not built into this program: run `cargo xtask demo`, or `npm run build` in crates/web, and build again"
    } else {
        "not found"
    };
    (StatusCode::NOT_FOUND, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], words).into_response()
}
