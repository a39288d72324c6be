//! Access tokens: signed, short-lived, made for one tenant. One algorithm, keys by id from our own set.

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use crate::actor::{Person, Role};
use crate::clock::Time;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, SignInId, UserId};

/// How long a token lives.
pub const LIVES: TimeDelta = TimeDelta::minutes(15);
const ISSUER: &str = "netily";
const AUDIENCE: &str = "netily-api";
const TYPE: &str = "access";

/// What a token says. Every claim is required.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Claims {
    iss: String,
    aud: String,
    exp: i64,
    iat: i64,
    sub: String,
    tid: String,
    sid: String,
    role: String,
    typ: String,
}

struct Key {
    id: String,
    signs: EncodingKey,
    verifies: DecodingKey,
}

/// The live keys. The first signs, all verify.
pub struct TokenKeys {
    keys: Vec<Key>,
}

fn invalid() -> Error {
    Error::new(Reason::TokenInvalid, "The access token is not valid here. Sign in again.")
}

impl TokenKeys {
    /// From ids and secrets; at least one.
    pub fn new(keys: &[(String, Vec<u8>)]) -> TokenKeys {
        assert!(!keys.is_empty(), "tokens need a key");
        TokenKeys {
            keys: keys
                .iter()
                .map(|(id, secret)| Key { id: id.clone(), signs: EncodingKey::from_secret(secret), verifies: DecodingKey::from_secret(secret) })
                .collect(),
        }
    }

    /// A token for a person of a tenant, and when it ends.
    pub fn issue(&self, tenant: IspId, person: &Person, now: Time) -> Result<(String, Time)> {
        let ends = now + LIVES;
        let key = &self.keys[0];
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        let claims = Claims {
            iss: ISSUER.into(),
            aud: AUDIENCE.into(),
            exp: ends.timestamp(),
            iat: now.timestamp(),
            sub: person.user.to_string(),
            tid: tenant.to_string(),
            sid: person.sign_in.to_string(),
            role: person.role.as_str().into(),
            typ: TYPE.into(),
        };
        Ok((encode(&header, &claims, &key.signs).map_err(Error::internal)?, ends))
    }

    /// Who holds a token, if it is ours, whole, in time, and made for this tenant.
    pub fn read(&self, token: &str, tenant: IspId, now: Time) -> Result<Person> {
        let header = decode_header(token).map_err(|_| invalid())?;
        let key = self.keys.iter().find(|key| header.kid.as_deref() == Some(&key.id)).ok_or_else(invalid)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        validation.set_audience(&[AUDIENCE]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        validation.validate_exp = false; // compared below with our own clock, which tests move
        let claims = decode::<Claims>(token, &key.verifies, &validation).map_err(|_| invalid())?.claims;
        if claims.typ != TYPE || claims.exp <= now.timestamp() || claims.tid.parse() != Ok(tenant) {
            return Err(invalid());
        }
        let user: UserId = claims.sub.parse().map_err(|_| invalid())?;
        let sign_in: SignInId = claims.sid.parse().map_err(|_| invalid())?;
        let role = Role::parse(&claims.role).ok_or_else(invalid)?;
        Ok(Person { user, sign_in, role })
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::json;

    use super::*;

    fn keys() -> TokenKeys {
        TokenKeys::new(&[("new".into(), vec![1; 32]), ("old".into(), vec![2; 32])])
    }

    fn person() -> Person {
        Person { user: UserId::unguessable(), sign_in: SignInId::unguessable(), role: Role::Staff }
    }

    fn signed(header: serde_json::Value, claims: serde_json::Value, secret: &[u8]) -> String {
        use hmac::{Hmac, KeyInit as _, Mac as _};
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims.to_string()));
        let mut mac = Hmac::<sha2::Sha256>::new_from_slice(secret).expect("a key");
        mac.update(text.as_bytes());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }

    #[test]
    fn a_token_is_read_by_its_tenant_until_it_ends() {
        let (keys, tenant, now) = (keys(), IspId::unguessable(), Time::default());
        let (token, ends) = keys.issue(tenant, &person(), now).expect("issues");
        assert_eq!(keys.read(&token, tenant, now).expect("reads").role, Role::Staff);
        assert!(keys.read(&token, IspId::unguessable(), now).is_err());
        assert!(keys.read(&token, tenant, ends).is_err());
        let rotated = TokenKeys::new(&[("newest".into(), vec![3; 32]), ("new".into(), vec![1; 32])]);
        assert!(rotated.read(&token, tenant, now).is_ok());
        assert!(TokenKeys::new(&[("newest".into(), vec![3; 32])]).read(&token, tenant, now).is_err());
    }

    #[test]
    fn malformed_and_forged_tokens_are_refused() {
        let (keys, tenant, now) = (keys(), IspId::unguessable(), Time::default());
        let good_header = json!({ "alg": "HS256", "typ": "JWT", "kid": "new" });
        let good = json!({ "iss": "netily", "aud": "netily-api", "exp": 900, "iat": 0, "sub": UserId::unguessable().to_string(), "tid": tenant.to_string(), "sid": SignInId::unguessable().to_string(), "role": "STAFF", "typ": "access" });
        assert!(keys.read(&signed(good_header.clone(), good.clone(), &[1; 32]), tenant, now).is_ok(), "the vector itself is sound");
        let with = |name: &str, value: serde_json::Value| {
            let mut claims = good.clone();
            claims[name] = value;
            signed(good_header.clone(), claims, &[1; 32])
        };
        let without = |name: &str| {
            let mut claims = good.clone();
            claims.as_object_mut().expect("an object").remove(name);
            signed(good_header.clone(), claims, &[1; 32])
        };
        let headed = |header: serde_json::Value, secret: &[u8]| signed(header, good.clone(), secret);
        let unsigned = format!("{}.{}.", URL_SAFE_NO_PAD.encode(json!({ "alg": "none", "kid": "new" }).to_string()), URL_SAFE_NO_PAD.encode(good.to_string()));
        let vectors = [
            String::new(),
            "a".into(),
            "a.b".into(),
            "a.b.c".into(),
            "....".into(),
            unsigned,
            headed(json!({ "alg": "HS256", "kid": "unknown" }), &[1; 32]),
            headed(json!({ "alg": "HS256" }), &[1; 32]),
            headed(json!({ "alg": "HS512", "kid": "new" }), &[1; 32]),
            headed(json!({ "alg": "RS256", "kid": "new" }), &[1; 32]),
            headed(good_header.clone(), &[2; 32]),
            headed(json!({ "alg": "HS256", "kid": "old" }), &[1; 32]),
            without("exp"),
            without("iss"),
            without("aud"),
            without("sub"),
            without("tid"),
            without("sid"),
            without("typ"),
            without("role"),
            with("iss", json!("other")),
            with("aud", json!("other")),
            with("exp", json!("900")),
            with("exp", json!(0)),
            with("typ", json!("refresh")),
            with("role", json!("ROOT")),
            with("tid", json!("isp_0")),
            with("sub", json!("nobody")),
            with("admin", json!(true)),
        ];
        for (at, token) in vectors.iter().enumerate() {
            assert!(keys.read(token, tenant, now).is_err(), "vector {at}: {token}");
        }
    }
}
