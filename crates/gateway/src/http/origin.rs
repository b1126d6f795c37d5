//! What `public_url` decides: the one Origin that may act, how the cookie is set, and what links look like.

use axum::http::{HeaderMap, header};

/// The address that phones know us by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    url: String,
    secure: bool,
}

impl Origin {
    /// From `public_url`, which the configuration has checked: https, or http on loopback.
    pub fn new(public_url: &str) -> Self {
        let url = public_url.trim_end_matches('/').to_ascii_lowercase();
        Self { secure: url.starts_with("https://"), url }
    }

    /// Does the request come from our own pages? A missing or `null` Origin does not.
    pub fn allows(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        let origin = origins.next().and_then(|value| value.to_str().ok());
        origins.next().is_none() && origin.is_some_and(|origin| origin.eq_ignore_ascii_case(&self.url))
    }

    /// The cookie's name: `__Host-` binds it to https and to this host.
    pub fn cookie_name(&self) -> &'static str {
        if self.secure { "__Host-sid" } else { "sid" }
    }

    /// What browsers are told of this host for a year, where it is https: never by http again (RFC 6797).
    pub fn strict_transport(&self) -> Option<&'static str> {
        self.secure.then_some("max-age=31536000")
    }

    /// A Set-Cookie value for a session that lasts so many seconds; zero takes it away.
    pub fn set_cookie(&self, value: &str, max_age_s: i64) -> String {
        let secure = if self.secure { "; Secure" } else { "" };
        format!(
            "{}={value}; Path=/; HttpOnly; SameSite=Strict; Max-Age={max_age_s}{secure}",
            self.cookie_name()
        )
    }

    /// The session token of a request, if it carries exactly one.
    pub fn cookie<'a>(&self, headers: &'a HeaderMap) -> Option<&'a str> {
        let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
        let pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
        let mut mine = pairs.filter(|(name, _)| *name == self.cookie_name()).map(|(_, value)| value);
        let first = mine.next();
        if mine.next().is_some() { None } else { first }
    }

    /// The address, without a slash at its end.
    pub fn url(&self) -> &str {
        &self.url
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().expect("a header"))).collect()
    }

    #[test]
    fn only_our_own_pages_may_act() {
        let origin = Origin::new("https://wanglou.example/");
        assert!(origin.allows(&headers(&[(header::ORIGIN, "https://wanglou.example")])));
        for bad in [
            "https://wanglou.example.evil.example",
            "http://wanglou.example",
            "null",
            "https://wanglou.example:444",
        ] {
            assert!(!origin.allows(&headers(&[(header::ORIGIN, bad)])), "{bad}");
        }
        assert!(!origin.allows(&HeaderMap::new()), "missing");
    }

    #[test]
    fn the_cookie_is_bound_to_https_where_there_is_https() {
        assert!(
            Origin::new("https://w.example")
                .set_cookie("x", 60)
                .starts_with("__Host-sid=x; Path=/; HttpOnly; SameSite=Strict")
        );
        assert!(Origin::new("https://w.example").set_cookie("x", 60).ends_with("; Secure"));
        let plain = Origin::new("http://127.0.0.1:8080");
        assert!(!plain.set_cookie("x", 60).contains("Secure"));
        assert_eq!(plain.cookie(&headers(&[(header::COOKIE, "a=b; sid=tok")])), Some("tok"));
        assert_eq!(plain.cookie(&headers(&[(header::COOKIE, "sid=one; sid=two")])), None, "ambiguous");
    }
}
