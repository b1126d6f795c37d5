//! Pictures and clips of alarms, for people who may see the alarm: what we hold by its SHA-256, and what a vendor's
//! address gives, fetched by the gateway. The phone never learns that address.
//!
//! The list of hosts in `gateway.toml` decides what is fetched: cameras inside of the compound have private addresses,
//! so that being private is no reason to refuse. A name on the list must not lead to this machine or to a link-local
//! address, where metadata services live; whoever means such an address lists the address itself.

use axum::body::Bytes;
use reqwest::Url;
use std::collections::{BTreeSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use wanglou_journal::{Blob, BlobId, Blobs};
use wanglou_model::Text;

/// The largest picture or clip, bytes.
pub const BYTES_MAX: usize = 8 << 20;
/// A camera must have given all of it within this time.
const FETCH_WITHIN: Duration = Duration::from_secs(8);
/// Fetches at once; more are told to come again.
pub const FETCHES_MAX: usize = 4;
/// Fetched pictures that are kept in memory, bytes; the oldest goes first.
const CACHE_BYTES_MAX: usize = 32 << 20;

/// A picture or clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Picture {
    /// Its bytes.
    pub bytes: Bytes,
    /// What it is, by its first bytes and never by what its sender says.
    pub mime: &'static str,
}

/// Why there is nothing to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missing {
    /// Its host is not on the list.
    HostNotAllowed,
    /// Its sender gave no address that can be fetched.
    NoAddress,
    /// The camera or server did not give it.
    NotGiven,
    /// Larger than [`BYTES_MAX`].
    TooLarge,
    /// Neither a picture nor a clip.
    NotAPicture,
    /// Its bytes are not those that the alarm names.
    Mismatch,
    /// Too many are being fetched.
    Busy,
}

impl Missing {
    /// The name in metrics, logs and JSON.
    pub fn code(self) -> &'static str {
        match self {
            Missing::HostNotAllowed => "host_not_allowed",
            Missing::NoAddress => "no_address",
            Missing::NotGiven => "not_given",
            Missing::TooLarge => "too_large",
            Missing::NotAPicture => "not_a_picture",
            Missing::Mismatch => "mismatch",
            Missing::Busy => "busy",
        }
    }

    /// For people.
    pub fn words(self) -> Text {
        let (zh, en) = match self {
            Missing::HostNotAllowed => ("主机不在允许名单", "host not allowed"),
            Missing::NoAddress => ("设备没有给出可取的地址", "the device gave no address to fetch"),
            Missing::NotGiven => ("摄像机没有给出画面", "the camera did not give it"),
            Missing::TooLarge => ("文件过大", "it is too large"),
            Missing::NotAPicture => ("不是图片或录像", "it is neither a picture nor a clip"),
            Missing::Mismatch => ("内容与登记的指纹不符", "its bytes are not those that the alarm names"),
            Missing::Busy => ("正在取其他画面，请稍后再试", "others are being fetched; try again"),
        };
        Text { zh: zh.to_owned(), en: en.to_owned() }
    }
}

/// Where pictures come from.
#[derive(Debug)]
pub struct Evidence {
    blobs: Blobs,
    allowed: Allowed,
    fetching: Semaphore,
    cache: Mutex<VecDeque<(String, Picture)>>,
}

impl Evidence {
    /// From our own blobs, and from these hosts.
    pub fn new(blobs: Blobs, allowed: Allowed) -> Arc<Self> {
        Arc::new(Self { blobs, allowed, fetching: Semaphore::new(FETCHES_MAX), cache: Mutex::default() })
    }

    /// The bytes behind a piece of evidence. Whoever asks must have been found to be allowed to see it.
    ///
    /// # Errors
    /// [`Missing`].
    pub async fn picture(self: &Arc<Self>, wanted: &wanglou_model::Evidence) -> Result<Picture, Missing> {
        let sha256 = wanted.sha256.as_deref().and_then(blob_id);
        if let Some(id) = sha256
            && let Some(bytes) = self.held(id).await
        {
            return picture(bytes.into());
        }
        let uri = wanted.uri.as_deref().ok_or(Missing::NoAddress)?;
        let found = match self.cached(uri) {
            Some(found) => found,
            None => self.fetch(uri).await?,
        };
        if sha256.is_some_and(|id| BlobId::of(&found.bytes) != id) {
            return Err(Missing::Mismatch);
        }
        self.keep(uri, &found);
        Ok(found)
    }

    /// Takes a picture that somebody hands in; on return it is on disk. Its SHA-256, in hexadecimal digits.
    ///
    /// # Errors
    /// [`Missing::NotAPicture`], [`Missing::TooLarge`]; [`Missing::Busy`] when the disk does not take it.
    pub async fn take(
        self: &Arc<Self>,
        bytes: Bytes,
        at: wanglou_model::Timestamp,
    ) -> Result<String, Missing> {
        if bytes.len() > BYTES_MAX {
            return Err(Missing::TooLarge);
        }
        let Picture { bytes, .. } = picture(bytes)?;
        let this = Arc::clone(self);
        let put = tokio::task::spawn_blocking(move || this.blobs.put(&bytes, at.0)).await;
        match put {
            Ok(Ok(id)) => Ok(id.to_string()),
            Ok(Err(error)) => {
                tracing::warn!(%error, "a picture was not kept");
                Err(Missing::Busy)
            }
            Err(_) => Err(Missing::Busy),
        }
    }

    /// Fetches a piece and keeps its bytes. Returns their SHA-256.
    ///
    /// # Errors
    /// [`Missing`].
    pub async fn keep_fetched(
        self: &Arc<Self>,
        wanted: &wanglou_model::Evidence,
        at: wanglou_model::Timestamp,
    ) -> Result<String, Missing> {
        let found = self.picture(wanted).await?;
        self.take(found.bytes, at).await
    }

    /// Erases pictures for good. Those that are gone already are no fault.
    pub fn erase(&self, sha256: &[String]) {
        for id in sha256.iter().filter_map(|digits| blob_id(digits)) {
            if let Err(error) = self.blobs.remove(id) {
                tracing::warn!(%error, "a picture that was to be erased is still there");
            }
        }
        self.cache.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }

    async fn held(self: &Arc<Self>, id: BlobId) -> Option<Vec<u8>> {
        let this = Arc::clone(self);
        let read = tokio::task::spawn_blocking(move || this.blobs.read(id)).await;
        match read.ok()?.ok()? {
            Blob::Whole(bytes) => Some(bytes),
            Blob::Absent | Blob::Damaged => None,
        }
    }

    fn cached(&self, uri: &str) -> Option<Picture> {
        let cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        cache.iter().find(|(known, _)| known == uri).map(|(_, picture)| picture.clone())
    }

    fn keep(&self, uri: &str, picture: &Picture) {
        let mut cache = self.cache.lock().unwrap_or_else(PoisonError::into_inner);
        if !cache.iter().any(|(known, _)| known == uri) {
            cache.push_back((uri.to_owned(), picture.clone()));
        }
        while cache.iter().map(|(_, kept)| kept.bytes.len()).sum::<usize>() > CACHE_BYTES_MAX {
            cache.pop_front();
        }
    }

    async fn fetch(&self, uri: &str) -> Result<Picture, Missing> {
        let url = Url::parse(uri).map_err(|_| Missing::NoAddress)?;
        self.allowed.permits(&url)?;
        let _turn = self.fetching.try_acquire().map_err(|_| Missing::Busy)?;
        let fetched = tokio::time::timeout(FETCH_WITHIN, download(url));
        picture(fetched.await.map_err(|_| Missing::NotGiven)??)
    }
}

/// Hosts that may be asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Allowed(BTreeSet<(String, Option<u16>)>);

impl Allowed {
    /// Reads entries such as `10.8.0.21`, `nvr.lan:8443`, `[fd00::21]`. Without a port: 80 and 443.
    ///
    /// # Errors
    /// The first entry that is none of these.
    pub fn parse(entries: &[String]) -> Result<Self, String> {
        let one = |entry: &String| {
            let url = Url::parse(&format!("http://{entry}/")).ok()?;
            let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
            let plain = bare && !has_user(&url) && !entry.contains(['/', '*', ' ']);
            plain.then(|| url.host_str().map(|host| (host.to_owned(), url.port())))?
        };
        let read = |entry: &String| {
            one(entry).ok_or_else(|| {
                format!(
                    "{entry:?} is no host: write a name or an address, with :port if it is neither 80 nor 443"
                )
            })
        };
        entries.iter().map(read).collect::<Result<_, _>>().map(Self)
    }

    fn permits(&self, url: &Url) -> Result<(), Missing> {
        let web = matches!(url.scheme(), "http" | "https");
        let Some(host) = url.host_str().filter(|_| web && !has_user(url)) else {
            return Err(Missing::NoAddress);
        };
        let listed = self.0.contains(&(host.to_owned(), url.port()));
        if listed { Ok(()) } else { Err(Missing::HostNotAllowed) }
    }
}

fn has_user(url: &Url) -> bool {
    !url.username().is_empty() || url.password().is_some()
}

/// Gets all of it from where its name leads now: the address that was judged is the one that is asked.
async fn download(url: Url) -> Result<Bytes, Missing> {
    let (Some(host), Some(port)) = (url.host_str().map(str::to_owned), url.port_or_known_default()) else {
        return Err(Missing::NoAddress);
    };
    let bare = host.trim_start_matches('[').trim_end_matches(']').to_owned();
    let address = match bare.parse::<IpAddr>() {
        Ok(listed) => SocketAddr::new(listed, port),
        Err(_) => {
            let found =
                tokio::net::lookup_host((bare.as_str(), port)).await.map_err(|_| Missing::NotGiven)?;
            let found: Vec<SocketAddr> = found.collect();
            *found.iter().find(|found| !is_close_by(found.ip())).ok_or(Missing::HostNotAllowed)?
        }
    };
    let client = reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .resolve(&host, address)
        .build()
        .map_err(|_| Missing::NotGiven)?;
    let mut response = client.get(url).send().await.map_err(|_| Missing::NotGiven)?;
    if response.status() != reqwest::StatusCode::OK {
        return Err(Missing::NotGiven);
    }
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|_| Missing::NotGiven)? {
        if bytes.len() + chunk.len() > BYTES_MAX {
            return Err(Missing::TooLarge);
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.into())
}

/// This machine, or its link: nothing that a name should lead to.
fn is_close_by(address: IpAddr) -> bool {
    match address.to_canonical() {
        IpAddr::V4(v4) => {
            v4.is_loopback()
                || v4.is_link_local()
                || v4.is_unspecified()
                || v4.is_multicast()
                || v4.is_broadcast()
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unicast_link_local() || v6.is_unspecified() || v6.is_multicast()
        }
    }
}

fn picture(bytes: Bytes) -> Result<Picture, Missing> {
    let mime = mime_of(&bytes).ok_or(Missing::NotAPicture)?;
    Ok(Picture { bytes, mime })
}

/// Only what a browser shows without running anything: no SVG, no HTML.
fn mime_of(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some("image/png"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => Some("video/mp4"),
        [0x1a, 0x45, 0xdf, 0xa3, ..] => Some("video/webm"),
        _ => None,
    }
}

fn blob_id(digits: &str) -> Option<BlobId> {
    let valid = digits.len() == 64 && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    valid.then(|| BlobId(crate::snapshot::config_bytes(digits)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::http::StatusCode;
    use axum::routing::get;
    use wanglou_journal::files::disk::DiskFiles;

    const JPEG: &[u8] = b"\xff\xd8\xff\xe0 a picture";

    fn evidence(uri: Option<String>, sha256: Option<String>) -> wanglou_model::Evidence {
        wanglou_model::Evidence { uri, sha256, bytes: None }
    }

    fn source(hosts: &[String]) -> (tempfile::TempDir, Blobs, Arc<Evidence>) {
        let folder = tempfile::tempdir().expect("a folder");
        let blobs = Blobs::open(Arc::new(DiskFiles), folder.path()).expect("opens");
        let allowed = Allowed::parse(hosts).expect("hosts");
        (folder, blobs.clone(), Evidence::new(blobs, allowed))
    }

    /// A camera on loopback; its port.
    async fn camera() -> u16 {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let elsewhere = [("location", "/a.jpg")];
        let routes = Router::new()
            .route("/a.jpg", get(|| async { JPEG }))
            .route("/elsewhere", get(move || async move { (StatusCode::FOUND, elsewhere) }))
            .route("/huge", get(|| async { vec![0xff; BYTES_MAX + 1] }))
            .route("/page", get(|| async { ([("content-type", "image/jpeg")], "<script>") }));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let port = listener.local_addr().expect("an address").port();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        port
    }

    #[tokio::test]
    async fn a_listed_camera_gives_a_picture_and_nothing_else() {
        let port = camera().await;
        let (_folder, _, source) = source(&[format!("127.0.0.1:{port}")]);
        let ask = async |path: &str, sha256: Option<String>| {
            let uri = Some(format!("http://127.0.0.1:{port}{path}"));
            source.picture(&evidence(uri, sha256)).await.map(|picture| (picture.bytes.to_vec(), picture.mime))
        };
        let good = (JPEG.to_vec(), "image/jpeg");
        assert_eq!(ask("/a.jpg", None).await, Ok(good.clone()));
        assert_eq!(ask("/a.jpg", Some(BlobId::of(JPEG).to_string())).await, Ok(good));
        assert_eq!(ask("/a.jpg", Some(BlobId::of(b"other").to_string())).await, Err(Missing::Mismatch));
        assert_eq!(ask("/elsewhere", None).await, Err(Missing::NotGiven), "redirects are not followed");
        assert_eq!(ask("/none", None).await, Err(Missing::NotGiven));
        assert_eq!(ask("/huge", None).await, Err(Missing::TooLarge));
        assert_eq!(ask("/page", None).await, Err(Missing::NotAPicture), "whatever it calls itself");
        let turns = source.fetching.try_acquire_many(FETCHES_MAX as u32).expect("all turns");
        assert_eq!(ask("/page", None).await, Err(Missing::Busy));
        drop(turns);
    }

    #[tokio::test]
    async fn a_host_that_is_not_listed_is_not_asked() {
        let port = camera().await;
        let hosts = [format!("localhost:{port}"), "10.8.0.21".to_owned()];
        let (_folder, _, source) = source(&hosts);
        for (uri, missing) in [
            (format!("http://127.0.0.1:{port}/a.jpg"), Missing::HostNotAllowed),
            (format!("http://localhost:{port}/a.jpg"), Missing::HostNotAllowed),
            ("http://10.8.0.21:22/".to_owned(), Missing::HostNotAllowed),
            ("http://10.8.0.21@127.0.0.1/".to_owned(), Missing::NoAddress),
            ("http://admin:pw@10.8.0.21/".to_owned(), Missing::NoAddress),
            ("file:///etc/passwd".to_owned(), Missing::NoAddress),
            ("/pic/1.jpg".to_owned(), Missing::NoAddress),
        ] {
            assert_eq!(source.picture(&evidence(Some(uri.clone()), None)).await, Err(missing), "{uri}");
        }
        assert_eq!(source.picture(&evidence(None, None)).await, Err(Missing::NoAddress));
    }

    #[tokio::test]
    async fn what_we_hold_needs_no_host_and_must_be_a_picture() {
        let (_folder, blobs, source) = source(&[]);
        let held = |bytes: &[u8]| evidence(None, Some(blobs.put(bytes, 0).expect("puts").to_string()));
        let found = source.picture(&held(JPEG)).await.expect("a picture");
        assert_eq!((&found.bytes[..], found.mime), (JPEG, "image/jpeg"));
        // A device may name any hash: what other messages said is not shown by it.
        assert_eq!(source.picture(&held(b"{\"contact\":false}")).await, Err(Missing::NotAPicture));
    }

    #[test]
    fn a_host_is_a_name_or_an_address() {
        for bad in ["http://a", "a/b", "*.lan", "a b", "u@a", "", "a:99999"] {
            assert!(Allowed::parse(&[bad.to_owned()]).is_err(), "{bad}");
        }
        assert!(Allowed::parse(&["nvr.lan:8443".into(), "[fd00::21]".into(), "10.0.0.1".into()]).is_ok());
    }

    #[test]
    fn the_oldest_picture_leaves_the_cache_at_its_limit() {
        let (_folder, _, source) = source(&[]);
        let large = Picture { bytes: vec![0; BYTES_MAX].into(), mime: "image/png" };
        (0..5).for_each(|n| source.keep(&n.to_string(), &large));
        assert_eq!((source.cached("0"), source.cached("4").is_some()), (None, true));
    }
}
