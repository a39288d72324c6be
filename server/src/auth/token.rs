//! Access tokens: signed, short-lived, made for one tenant. One algorithm, keys by id from our own set.

use std::sync::{Arc, PoisonError, RwLock};

use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use serde::{Deserialize, Serialize};

use super::keys::Loads;
use crate::actor::{Person, Role};
use crate::clock::Time;
use crate::error::{Error, Reason, Result};
use crate::id::{IspId, SignInId, TokenKeyId, UserId};

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

/// How much longer than its tokens live a key that was replaced goes on verifying: other processes sign with it until they have heard.
const SLACK: TimeDelta = TimeDelta::minutes(1);
/// Keys that verify however old they are: the newest and the one before.
const LIVE: usize = 2;

struct Key {
    id: String,
    signs: EncodingKey,
    verifies: DecodingKey,
    /// When it was made; none for one of the configuration, which is older than all others.
    created_at: Option<Time>,
    /// When a newer one took its place.
    replaced_at: Option<Time>,
}

impl Key {
    fn new(id: String, secret: &[u8], created_at: Option<Time>, replaced_at: Option<Time>) -> Key {
        Key { id, signs: EncodingKey::from_secret(secret), verifies: DecodingKey::from_secret(secret), created_at, replaced_at }
    }
}

/// A key as the database holds it.
pub struct StoredKey {
    /// Its id.
    pub id: TokenKeyId,
    /// Its secret.
    pub secret: Vec<u8>,
    /// When it was made.
    pub created_at: Time,
}

/// A key as people see it.
#[derive(Clone, Debug)]
pub struct KeyInfo {
    /// The `kid` of its tokens.
    pub id: String,
    /// When it was made; none for one of the configuration.
    pub created_at: Option<Time>,
}

/// The keys of access tokens: those of the database, newest first, and behind them those of the configuration. The first signs. The first
/// two verify, and any other until the tokens that it may have signed have expired.
pub struct TokenKeys {
    configured: Vec<(String, Vec<u8>)>,
    keys: RwLock<Arc<Vec<Key>>>,
    pub(super) loads: Loads,
}

fn invalid() -> Error {
    Error::new(Reason::TokenInvalid, "The access token is not valid here. Sign in again.")
}

impl TokenKeys {
    /// From the ids and secrets of the configuration; at least one. The database has not been asked yet.
    pub fn new(configured: &[(String, Vec<u8>)]) -> TokenKeys {
        assert!(!configured.is_empty(), "tokens need a key");
        let keys = configured.iter().map(|(id, secret)| Key::new(id.clone(), secret, None, None)).collect();
        TokenKeys { configured: configured.to_vec(), keys: RwLock::new(Arc::new(keys)), loads: Loads::default() }
    }

    /// Takes the keys of the database, newest first.
    pub(super) fn install(&self, stored: &[StoredKey]) {
        let mut replaced_at = None;
        let mut keys = Vec::new();
        for key in stored {
            keys.push(Key::new(key.id.to_string(), &key.secret, Some(key.created_at), replaced_at));
            replaced_at = Some(key.created_at);
        }
        keys.extend(self.configured.iter().map(|(id, secret)| Key::new(id.clone(), secret, None, replaced_at)));
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
    }

    fn keys(&self) -> Arc<Vec<Key>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The keys that verify now, newest first.
    pub fn live(&self, now: Time) -> Vec<KeyInfo> {
        let keys = self.keys();
        let live = keys.iter().enumerate().filter(|(place, key)| is_live(*place, key, now));
        live.map(|(_, key)| KeyInfo { id: key.id.clone(), created_at: key.created_at }).collect()
    }

    /// Whether a token says that it was signed with a key that was made after all those that we know.
    pub(super) fn is_of_newer_key(&self, token: &str) -> bool {
        let made = |id: &str| id.parse::<TokenKeyId>().ok().and_then(TokenKeyId::made_at_ms);
        let theirs = decode_header(token).ok().and_then(|header| made(&header.kid?));
        let ours = self.keys().first().and_then(|newest| made(&newest.id));
        theirs.is_some_and(|theirs| ours.is_none_or(|ours| theirs > ours))
    }

    /// A token for a person of a tenant, and when it ends.
    pub fn issue(&self, tenant: IspId, person: &Person, now: Time) -> Result<(String, Time)> {
        let ends = now + LIVES;
        let keys = self.keys();
        let key = keys.first().ok_or_else(|| Error::internal("there is no key to sign with"))?;
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
        let keys = self.keys();
        let (place, key) = keys.iter().enumerate().find(|(_, key)| header.kid.as_deref() == Some(&key.id)).ok_or_else(invalid)?;
        if !is_live(place, key, now) {
            return Err(invalid());
        }
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

/// Until the database holds a key, all those of the configuration verify.
fn is_live(place: usize, key: &Key, now: Time) -> bool {
    place < LIVE || key.replaced_at.is_none_or(|replaced| now < replaced + LIVES + SLACK)
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

    fn stored(secret: u8, created_at: Time) -> StoredKey {
        StoredKey { id: TokenKeyId::sortable(created_at), secret: vec![secret; 32], created_at }
    }

    #[test]
    fn the_newest_key_signs_two_verify_and_an_older_one_until_its_tokens_are_spent() {
        let (tenant, start) = (IspId::unguessable(), Time::default());
        let keys = keys();
        let by_configured = keys.issue(tenant, &person(), start).expect("issues").0;
        let first = stored(3, start + TimeDelta::seconds(10));
        keys.install(std::slice::from_ref(&first));
        let by_first = keys.issue(tenant, &person(), start + TimeDelta::seconds(20)).expect("issues").0;
        for token in [&by_configured, &by_first] {
            assert!(keys.read(token, tenant, start + TimeDelta::minutes(14)).is_ok(), "two keys live");
        }
        let second = stored(4, start + TimeDelta::seconds(30));
        keys.install(&[second, first]);
        let by_second = keys.issue(tenant, &person(), start + TimeDelta::seconds(40)).expect("issues").0;
        for token in [&by_configured, &by_first, &by_second] {
            assert!(keys.read(token, tenant, start + TimeDelta::minutes(14)).is_ok(), "no token that is good is refused");
        }
        let later = start + TimeDelta::hours(1);
        let forged = |secret: u8, kid: &str| {
            let header = json!({ "alg": "HS256", "typ": "JWT", "kid": kid });
            let claims = json!({ "iss": "netily", "aud": "netily-api", "exp": later.timestamp() + 900, "iat": later.timestamp(), "sub": UserId::unguessable().to_string(), "tid": tenant.to_string(), "sid": SignInId::unguessable().to_string(), "role": "STAFF", "typ": "access" });
            signed(header, claims, &[secret; 32])
        };
        let ids: Vec<String> = keys.live(later).into_iter().map(|key| key.id).collect();
        assert_eq!(ids.len(), 2, "the keys of the configuration are replaced: {ids:?}");
        assert!(keys.read(&forged(4, &ids[0]), tenant, later).is_ok() && keys.read(&forged(3, &ids[1]), tenant, later).is_ok());
        for configured in [(1, "new"), (2, "old")] {
            assert!(keys.read(&forged(configured.0, configured.1), tenant, later).is_err(), "an old secret opens nothing: {configured:?}");
        }
    }

    #[test]
    fn only_a_key_that_is_newer_than_ours_is_worth_asking_for() {
        let (tenant, now) = (IspId::unguessable(), Time::default() + TimeDelta::days(1));
        let (ours, theirs) = (keys(), keys());
        theirs.install(&[stored(3, now)]);
        let token = theirs.issue(tenant, &person(), now).expect("issues").0;
        assert!(ours.is_of_newer_key(&token));
        ours.install(&[stored(4, now + TimeDelta::seconds(1))]);
        assert!(!ours.is_of_newer_key(&token), "that one would be known");
        for other in ["", "a.b.c", &keys().issue(tenant, &person(), now).expect("issues").0] {
            assert!(!ours.is_of_newer_key(other), "{other}");
        }
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
