//! Keys of WireGuard, as wg(8) has them: 32 bytes, in base64.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::{Deserialize, Serialize};
use x25519_dalek::{PublicKey, StaticSecret};

use crate::error::{Problem, Result};
use crate::ops::Typed;
use crate::ops::value::{Value, not_wanted};

/// A private, public or preshared key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Key(pub [u8; 32]);

impl Key {
    /// A new private key.
    pub fn private() -> Result<Key> {
        let Key(mut bytes) = Key::preshared()?;
        // The form that a scalar of Curve25519 has.
        bytes[0] &= 0b1111_1000;
        bytes[31] = bytes[31] & 0b0111_1111 | 0b0100_0000;
        Ok(Key(bytes))
    }

    /// A new preshared key.
    pub fn preshared() -> Result<Key> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|e| Problem::system("draw a key", std::io::Error::from(e)))?;
        Ok(Key(bytes))
    }

    /// The public key of a private one.
    pub fn public(self) -> Key {
        Key(PublicKey::from(&StaticSecret::from(self.0)).to_bytes())
    }

    /// Whether it stands for no key: the kernel shows one that is not set as zeros.
    pub fn is_none(self) -> bool {
        self.0 == [0; 32]
    }
}

impl From<Key> for String {
    fn from(key: Key) -> String {
        key.spell()
    }
}

impl TryFrom<String> for Key {
    type Error = String;

    fn try_from(text: String) -> Result<Key, String> {
        Key::read(&Value::Str(text))
    }
}

impl Typed for Key {
    const WANTS: &'static str = "a key: 44 characters of base64, as wg.genkey() makes them";

    fn read(value: &Value) -> Result<Self, String> {
        let Value::Str(text) = value else {
            return Err(not_wanted::<Self>(value));
        };
        let bytes = STANDARD.decode(text.trim()).ok();
        bytes
            .and_then(|bytes| bytes.try_into().ok())
            .map(Key)
            // A key is a secret and is not said again.
            .ok_or_else(|| format!("wants {}", Self::WANTS))
    }

    fn spell(&self) -> String {
        STANDARD.encode(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Alice's pair in RFC 7748, 6.1.
    #[test]
    fn a_public_key_is_that_of_the_standard() {
        let alice = Key::read(&Value::Str("dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo=".into())).unwrap();
        assert_eq!(alice.public().spell(), "hSDwCYkwp1R0i33ctD73Wg2/Og0mOBr066SpjqqbTmo=");
    }

    #[test]
    fn keys_are_new_each_time_and_of_the_right_form() {
        let (one, other) = (Key::private().unwrap(), Key::private().unwrap());
        assert_ne!(one, other);
        assert_eq!((one.0[0] & 7, one.0[31] >> 6), (0, 1));
        assert_eq!(Key::read(&Value::Str(one.spell())), Ok(one));
        for bad in ["", "x", "dwdtCnMYpX08FsFyUbJmRd9ML4frwJkqsXf7pR25LCo", "AAAA"] {
            let why = Key::read(&Value::Str(bad.into())).unwrap_err();
            assert!(
                why.contains("44 characters") && (bad.is_empty() || !why.contains(&format!("{bad:?}"))),
                "{why}"
            );
        }
    }
}
