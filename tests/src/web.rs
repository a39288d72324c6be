//! A browser: calls in gRPC-web over HTTP/1.1 from a page of an ISP, with the cookies that it was given. It does as browsers do and
//! nothing more, so that what it is refused, a page is refused.

use std::sync::{Mutex, PoisonError};

use netily_sdk::Error;
use prost::Message;
use tonic::{Code, Status};

use crate::world::World;

/// One browser with its cookies of one host.
pub struct Browser<'w> {
    world: &'w World,
    slug: String,
    cookie: Mutex<Option<String>>,
    origin: Option<String>,
}

/// What came back.
pub struct Answer<A> {
    /// The message, or the refusal.
    pub outcome: Result<A, Error>,
    /// `Set-Cookie`, whole.
    pub set_cookie: Option<String>,
}

impl World {
    /// A browser with a page of an ISP open.
    pub fn browser(&self, slug: &str) -> Browser<'_> {
        let origin = Some(format!("http://{slug}.localhost:{}", self.address.port()));
        Browser { world: self, slug: slug.to_owned(), cookie: Mutex::default(), origin }
    }
}

/// A page as it came.
#[derive(Debug)]
pub struct Page {
    /// HTTP status.
    pub status: u16,
    /// The document.
    pub text: String,
}

impl Browser<'_> {
    /// A page of the ISP.
    pub async fn get(&self, path: &str) -> Page {
        let host = format!("{}.localhost:{}", self.slug, self.world.address.port());
        let answer = self.world.http.get(format!("http://{}{path}", self.world.address)).header("host", host).send().await.expect("our server answers");
        Page { status: answer.status().as_u16(), text: answer.text().await.expect("a document") }
    }

    /// The same browser with a page of another origin open, or with none at all that it would name.
    #[must_use]
    pub fn at(self, origin: Option<&str>) -> Self {
        Browser { origin: origin.map(str::to_owned), ..self }
    }

    /// The value of the cookie that is kept.
    pub fn cookie(&self) -> Option<String> {
        self.cookie.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Keeps a cookie that was come by in another way.
    pub fn keep(&self, cookie: Option<String>) {
        *self.cookie.lock().unwrap_or_else(PoisonError::into_inner) = cookie;
    }

    /// Calls `netily.auth.v1.AuthService/GetMe` and so on, as a page does.
    pub async fn call<Q: Message, A: Message + Default>(&self, method: &str, ask: &Q) -> Answer<A> {
        self.call_with(method, ask, &[]).await
    }

    /// The same with more headers.
    pub async fn call_with<Q: Message, A: Message + Default>(&self, method: &str, ask: &Q, headers: &[(&str, &str)]) -> Answer<A> {
        let body = ask.encode_to_vec();
        let mut framed = vec![0];
        framed.extend(u32::try_from(body.len()).expect("a small message").to_be_bytes());
        framed.extend(body);
        let host = format!("{}.localhost:{}", self.slug, self.world.address.port());
        let mut sent = vec![("host", host), ("content-type", "application/grpc-web+proto".to_owned()), ("user-agent", "Test Browser/1.0".to_owned())];
        sent.extend(self.origin.clone().map(|origin| ("origin", origin)));
        sent.extend(self.cookie().map(|cookie| ("cookie", format!("theme=dark; __Host-netily={cookie}"))));
        let mut request = self.world.http.post(format!("http://{}/{method}", self.world.address)).body(framed);
        for (name, value) in sent.iter().filter(|(name, _)| headers.iter().all(|(other, _)| other != name)) {
            request = request.header(*name, value);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = request.send().await.expect("our server answers");
        let headers = response.headers().clone();
        let set_cookie = headers.get("set-cookie").map(|value| value.to_str().expect("text").to_owned());
        if let Some(set) = &set_cookie {
            let value = set.split(';').next().and_then(|pair| pair.strip_prefix("__Host-netily=")).expect("our cookie");
            self.keep(Some(value.to_owned()).filter(|value| !value.is_empty()));
        }
        if !response.status().is_success() {
            let outcome = Err(Status::new(Code::Unknown, format!("HTTP {}", response.status())).into());
            return Answer { outcome, set_cookie };
        }
        let refused = Status::from_header_map(&headers).filter(|status| status.code() != Code::Ok);
        let body = response.bytes().await.expect("a body");
        let outcome = match refused {
            Some(status) => Err(status.into()),
            None => Ok(A::decode(&body[5..5 + length(&body)]).expect("a message")),
        };
        Answer { outcome, set_cookie }
    }
}

/// How long the message in the first frame is.
fn length(body: &[u8]) -> usize {
    assert_eq!(body[0], 0, "the first frame holds the message");
    usize::try_from(u32::from_be_bytes(body[1..5].try_into().expect("four bytes"))).expect("fits")
}
