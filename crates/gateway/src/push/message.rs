//! A message for one phone: `aes128gcm` (RFC 8188) with keys agreed as RFC 8291 says. The key of our side is new for
//! each message.
//!
//! ```text
//! salt 16 │ record size 4 │ key length 1 │ our public key 65 │ text, 0x02, tag 16
//! ```

use super::Subscription;
use ring::aead::{AES_128_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use ring::agreement::{ECDH_P256, EphemeralPrivateKey, UnparsedPublicKey, agree_ephemeral};
use ring::hkdf::{HKDF_SHA256, KeyType, Salt};
use ring::rand::{SecureRandom, SystemRandom};

/// One record holds the whole message.
const RECORD_BYTES: u32 = 4096;
/// Says that this record is the last.
const LAST: u8 = 2;

/// Why a message cannot be made.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unsealed {
    /// The phone's key or secret is not one.
    #[error("the subscription's keys are not usable")]
    Keys,
    /// Random numbers, or the library's own limits.
    #[error("the cryptography of this machine failed")]
    Failed,
}

/// A length, as the key derivation wants it.
struct Length(usize);

impl KeyType for Length {
    fn len(&self) -> usize {
        self.0
    }
}

/// The body of a POST to the phone's push service.
///
/// # Errors
/// [`Unsealed`].
pub(super) fn encrypt(to: &Subscription, text: &[u8]) -> Result<Vec<u8>, Unsealed> {
    let random = SystemRandom::new();
    let (phone, auth) = to.keys().ok_or(Unsealed::Keys)?;
    let mut salt = [0u8; 16];
    random.fill(&mut salt).map_err(|_| Unsealed::Failed)?;
    let ours = EphemeralPrivateKey::generate(&ECDH_P256, &random).map_err(|_| Unsealed::Failed)?;
    let our_public = ours.compute_public_key().map_err(|_| Unsealed::Failed)?;
    let our_public = our_public.as_ref().to_vec();
    let theirs = UnparsedPublicKey::new(&ECDH_P256, &phone);
    let sealed = agree_ephemeral(ours, &theirs, |shared| {
        let both = Both { phone: &phone, ours: &our_public };
        seal(shared, &auth, &salt, &both, text)
    });
    sealed.map_err(|_| Unsealed::Keys)?
}

/// The public keys of both sides, uncompressed points.
struct Both<'a> {
    phone: &'a [u8],
    ours: &'a [u8],
}

fn seal(shared: &[u8], auth: &[u8], salt: &[u8; 16], both: &Both, text: &[u8]) -> Result<Vec<u8>, Unsealed> {
    let agreed: [u8; 32] = expand(auth, shared, &[b"WebPush: info\0", both.phone, both.ours])?;
    let key: [u8; 16] = expand(salt, &agreed, &[b"Content-Encoding: aes128gcm\0"])?;
    let nonce: [u8; 12] = expand(salt, &agreed, &[b"Content-Encoding: nonce\0"])?;
    let key = LessSafeKey::new(UnboundKey::new(&AES_128_GCM, &key).map_err(|_| Unsealed::Failed)?);
    let mut record = [text, &[LAST]].concat();
    key.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut record)
        .map_err(|_| Unsealed::Failed)?;
    let length = u8::try_from(both.ours.len()).map_err(|_| Unsealed::Failed)?;
    Ok([&salt[..], &RECORD_BYTES.to_be_bytes(), &[length], both.ours, &record].concat())
}

/// HKDF with SHA-256: extract with the salt, expand with the info.
fn expand<const N: usize>(salt: &[u8], secret: &[u8], info: &[&[u8]]) -> Result<[u8; N], Unsealed> {
    let mut key = [0u8; N];
    Salt::new(HKDF_SHA256, salt)
        .extract(secret)
        .expand(info, Length(N))
        .and_then(|expanded| expanded.fill(&mut key))
        .map_err(|_| Unsealed::Failed)?;
    Ok(key)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    fn bytes(text: &str) -> Vec<u8> {
        URL_SAFE_NO_PAD.decode(text).expect("base64url")
    }

    const PHONE: &str =
        "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
    const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";

    #[test]
    fn the_example_of_rfc_8291_comes_out_byte_for_byte() {
        let ours = "BP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A8";
        let (phone, ours) = (bytes(PHONE), bytes(ours));
        let shared = bytes("kyrL1jIIOHEzg3sM2ZWRHDRB62YACZhhSlknJ672kSs");
        let salt: [u8; 16] = bytes("DGv6ra1nlYgDCS1FRnbzlw").try_into().expect("16 bytes");
        let both = Both { phone: &phone, ours: &ours };
        let text = b"When I grow up, I want to be a watermelon";
        let sealed = seal(&shared, &bytes(AUTH), &salt, &both, text).expect("sealed");
        assert_eq!(
            URL_SAFE_NO_PAD.encode(sealed),
            "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8w\
             EqKK6PBru3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
        );
    }

    #[test]
    fn no_two_messages_share_a_key_and_a_bad_key_is_refused() {
        let to = Subscription {
            endpoint: "https://push.example/1".into(),
            p256dh: PHONE.into(),
            auth: AUTH.into(),
        };
        let (one, two) = (encrypt(&to, b"text").expect("sealed"), encrypt(&to, b"text").expect("sealed"));
        assert_ne!(one[..16], two[..16], "salt");
        assert_ne!(one[21..86], two[21..86], "key");
        assert_eq!(one.len(), 16 + 4 + 1 + 65 + 4 + 1 + 16);
        // A point that is not on the curve.
        let bad = Subscription { p256dh: format!("BA{}", "A".repeat(85)), ..to };
        assert!(matches!(encrypt(&bad, b"text"), Err(Unsealed::Keys)));
    }
}
