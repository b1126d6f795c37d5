//! The key that says who pushes (RFC 8292), and the token that each message carries. Phones subscribe with its public
//! half: were it lost, every phone would have to subscribe anew, which they do when the app is opened.

use super::message::Unsealed;
use crate::clock;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// The file in the data folder.
pub(crate) const FILE: &str = "push-key.pk8";
/// A token is good for so long; services take at most 24 hours.
const TOKEN_LASTS_S: i64 = 12 * 3600;

/// Why there is no key.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The file cannot be read or written.
    #[error("{}: {error}", path.display())]
    File {
        /// Which file.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// It holds no such key.
    #[error("{} holds no P-256 key in PKCS#8; move it away, and phones subscribe anew", .0.display())]
    Shape(PathBuf),
    /// The system gives no random numbers.
    #[error("no key can be made: the system gives no random numbers")]
    Random,
    /// No requests can be sent at all.
    #[error("no push can be sent: {0}")]
    Client(String),
}

/// See the module's description.
pub struct Keys {
    pair: EcdsaKeyPair,
    public: String,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Keys").field("public", &self.public).finish_non_exhaustive()
    }
}

impl Keys {
    /// Reads the key, or makes it.
    ///
    /// # Errors
    /// [`KeyError`].
    pub fn open(data: &Path) -> Result<Self, KeyError> {
        let path = data.join(FILE);
        let bytes = match std::fs::read(&path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(&path)?,
            Err(error) => return Err(KeyError::File { path, error }),
        };
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &bytes, &SystemRandom::new())
            .map_err(|_| KeyError::Shape(path))?;
        let public = URL_SAFE_NO_PAD.encode(pair.public_key().as_ref());
        Ok(Self { pair, public })
    }

    /// The public half, base64url.
    pub fn public(&self) -> String {
        self.public.clone()
    }

    /// A token for one push service, by its origin; `contact` is whom its operator can write to.
    pub(super) fn token(&self, audience: &str, contact: &str) -> Result<String, Unsealed> {
        let exp = clock::wall().0 / 1_000_000 + TOKEN_LASTS_S;
        let claims = serde_json::json!({"aud": audience, "exp": exp, "sub": contact});
        let part = |value: &serde_json::Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed =
            format!("{}.{}", part(&serde_json::json!({"typ": "JWT", "alg": "ES256"})), part(&claims));
        let signature =
            self.pair.sign(&SystemRandom::new(), signed.as_bytes()).map_err(|_| Unsealed::Failed)?;
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

fn make(path: &Path) -> Result<Vec<u8>, KeyError> {
    let random = SystemRandom::new();
    let made = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random)
        .map_err(|_| KeyError::Random)?;
    let fail = |error| KeyError::File { path: path.to_path_buf(), error };
    let fresh = path.with_extension("new");
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&fresh)
        .map_err(fail)?;
    file.write_all(made.as_ref()).and_then(|()| file.sync_all()).map_err(fail)?;
    std::fs::rename(&fresh, path).map_err(fail)?;
    Ok(made.as_ref().to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};

    #[test]
    fn the_key_stays_the_same_and_is_for_its_owner_alone() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("a folder");
        let one = Keys::open(folder.path()).expect("made").public();
        assert_eq!(Keys::open(folder.path()).expect("read").public(), one);
        let mode = std::fs::metadata(folder.path().join(FILE)).expect("a file").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(folder.path().join(FILE), b"no key").expect("written");
        assert!(matches!(Keys::open(folder.path()), Err(KeyError::Shape(_))));
    }

    #[test]
    fn a_token_names_the_service_and_is_signed() {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = Keys::open(folder.path()).expect("made");
        let token = keys.token("https://push.example", "mailto:duty@example.org").expect("signed");
        let (signed, signature) = token.rsplit_once('.').expect("three parts");
        let decoded = |text: &str| URL_SAFE_NO_PAD.decode(text).expect("base64url");
        let (public, signature) = (decoded(&keys.public()), decoded(signature));
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, &public);
        assert!(key.verify(signed.as_bytes(), &signature).is_ok());
        let claims = decoded(signed.split('.').next_back().expect("claims"));
        let claims: serde_json::Value = serde_json::from_slice(&claims).expect("JSON");
        assert_eq!(claims["aud"], "https://push.example");
        let left = claims["exp"].as_i64().expect("a time") - clock::wall().0 / 1_000_000;
        assert!((1..=24 * 3600).contains(&left), "{left}");
    }
}
