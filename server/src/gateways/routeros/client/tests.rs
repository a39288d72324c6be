use std::sync::Arc;

use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::super::scripted::{Answer, IMPATIENT, PATIENT, log_in, logged_in, router, sentences, tag};
use super::*;

/// A certificate made for these tests only; nothing else trusts it.
const CERTIFICATE: &str = "3082018e30820133a00302010202146b70c0923215ed98760f673c2540057dbe2e6fea300a06082a8648ce3d040302301c311a301806035504030c11726f757465722d756e6465722d74657374301e170d3236313132323130343931335a170d3336313131393130343931335a301c311a301806035504030c11726f757465722d756e6465722d746573743059301306072a8648ce3d020106082a8648ce3d03010703420004dab8aca76cd61d7be24672be6950eb330537b9246ccc3379ebea8de87d7fe00557900caa752624d2b51c4aae727bb83ea1bd3bfaeec25ddeaeaf19a984640b4ca3533051301d0603551d0e0416041454638ba5616711be59e48ba9879945e849386ff7301f0603551d2304183016801454638ba5616711be59e48ba9879945e849386ff7300f0603551d130101ff040530030101ff300a06082a8648ce3d04030203490030460221009ec4d2399fd7c83ca47f49f31dc26aa283f031c49d491edb07438a6483134f39022100e5d58b407f788968b3eabfc887313c8ecf04e7a4043436cf08308eae065708c0";
const KEY: &str = "308187020100301306072a8648ce3d020106082a8648ce3d030107046d306b020101042018aaecde40ad3b35e4558620527980dc7d6489e2906ca549e0a3dcb70d217006a14403420004dab8aca76cd61d7be24672be6950eb330537b9246ccc3379ebea8de87d7fe00557900caa752624d2b51c4aae727bb83ea1bd3bfaeec25ddeaeaf19a984640b4c";
const PIN: &str = "26:47:B9:C1:1F:D3:3F:BE:D0:6D:EB:70:14:8B:1B:14:F7:33:61:D8:48:B6:CD:89:48:3C:E9:BD:92:3E:10:0C";

fn command() -> Command {
    Command::new("/ip/hotspot/active/print")
}

fn bytes(hex: &str) -> Answer {
    Answer::Bytes(hex::decode(hex).unwrap())
}

fn refused(message: &str) -> Error {
    Error::Trap { category: None, message: message.to_owned() }
}

#[tokio::test]
async fn a_plain_login_sends_the_captured_bytes() {
    let mut expected = vec!["/login", "=name=admin", "=password=s3cret"].into_iter();
    let stream = router(move |words| {
        assert!(words.iter().map(String::as_str).eq(expected.by_ref()));
        bytes("0521646f6e6500")
    });
    assert!(log_in(stream).await.unwrap().is_usable());
}

#[tokio::test]
async fn a_wrong_password_is_a_refused_login() {
    let stream = router(|_| bytes("0521747261702a3d6d6573736167653d696e76616c69642075736572206e616d65206f722070617373776f726420283629000521646f6e6500"));
    let refusal = "invalid user name or password (6)".to_owned();
    assert_eq!(log_in(stream).await.unwrap_err(), Error::LoginRefused(refusal));
}

#[tokio::test]
async fn old_routers_get_their_challenge_answered() {
    let stream = router(|words| match words[2].as_str() {
        "=password=s3cret" => bytes("0521646f6e65253d7265743d393362343338656339623830303537633036646439666536376435366161396100"),
        "=response=0051aad1282e369c805f23ef1cef0f7712" => bytes("0521646f6e6500"),
        other => panic!("{other}"),
    });
    assert!(log_in(stream).await.is_ok());
    let challenge = "93b438ec9b80057c06dd9fe67d56aa9a";
    assert_eq!(respond(challenge, "").unwrap(), "00e134102a9d330dd7b1849fedfea3cb57");
    assert_eq!(respond("93b4", ""), None);
}

#[tokio::test]
async fn a_done_with_a_challenge_is_not_a_login() {
    let again = "93b438ec9b80057c06dd9fe67d56aa9a";
    let stream = router(move |_| Answer::Bytes(sentences(&[&["!done", &format!("=ret={again}")]])));
    assert!(matches!(log_in(stream).await, Err(Error::LoginRefused(_))));

    let stream = router(|_| Answer::Bytes(sentences(&[&["!done", "=ret=short"]])));
    assert!(matches!(log_in(stream).await, Err(Error::Protocol(_))));

    let stream = router(|_| bytes("0621666174616c0d6e6f74206c6f6767656420696e00"));
    assert_eq!(log_in(stream).await.unwrap_err(), Error::LoginRefused("not logged in".to_owned()));
}

#[tokio::test]
async fn rows_and_ids_are_read_with_the_tag_in_either_place() {
    for first in [true, false] {
        let mut router = logged_in(move |words| {
            let tag = tag(words);
            let place = |word: &'static str| if first { [tag, word] } else { [word, tag] };
            let [a, b] = place("=user=254712345678");
            let [c, d] = place("=ret=*5");
            Answer::Drip(sentences(&[&["!re", a, b], &["!done", c, d]]))
        })
        .await;
        let reply = router.call(&command()).await.unwrap();
        assert_eq!(reply.rows[0].text("user").unwrap(), "254712345678");
        assert_eq!(reply.ret.as_deref(), Some("*5"));
    }
}

#[tokio::test]
async fn nothing_to_return_is_an_empty_answer_in_both_dialects() {
    for empty in [true, false] {
        let mut router = logged_in(move |words| {
            let tag = tag(words);
            let old: &[&[&str]] = &[&["!done", tag]];
            let new: &[&[&str]] = &[&["!empty", tag], &["!done", tag]];
            Answer::Bytes(sentences(if empty { new } else { old }))
        })
        .await;
        assert_eq!(router.call(&command()).await.unwrap(), Reply::default());
        assert_eq!(router.call(&command()).await.unwrap(), Reply::default());
    }
}

#[tokio::test]
async fn after_a_trap_and_its_done_the_connection_is_good() {
    let mut router = logged_in(|words| {
        let tag = tag(words);
        Answer::Bytes(match words[0].as_str() {
            "/ip/hotspot/user/add" => sentences(&[&["!trap", "=category=1", "=message=input does not match any value of profile", tag], &["!done", tag]]),
            _ => sentences(&[&["!done", tag]]),
        })
    })
    .await;
    let error = router.call(&Command::new("/ip/hotspot/user/add")).await.unwrap_err();
    assert!(error.is_unknown_profile());
    assert!(matches!(error, Error::Trap { category: Some(1), .. }));
    assert!(router.call(&command()).await.is_ok());
}

#[tokio::test]
async fn fatal_ends_it_with_the_routers_reason() {
    let mut router = logged_in(|_| bytes("0621666174616c1d73657373696f6e207465726d696e61746564206f6e207265717565737400")).await;
    let fatal = Error::Fatal("session terminated on request".to_owned());
    assert_eq!(router.call(&command()).await.unwrap_err(), fatal);
    assert_eq!(router.call(&command()).await.unwrap_err(), Error::Closed);
    assert!(!router.is_usable());
}

#[tokio::test]
async fn replies_to_others_are_passed_over() {
    let mut router = logged_in(|words| {
        let tag = tag(words);
        Answer::Bytes(sentences(&[
            &["!re", "=user=stray"],
            &["!trap", ".tag=999", "=message=interrupted"],
            &["!done", ".tag=999"],
            &["!done"],
            &["!re", tag, "=user=ours"],
            &["!done", tag],
        ]))
    })
    .await;
    let reply = router.call(&command()).await.unwrap();
    assert_eq!(reply.rows.len(), 1);
    assert_eq!(reply.rows[0].text("user").unwrap(), "ours");
}

#[tokio::test]
async fn a_trap_without_a_tag_is_ours_and_ends_the_connection() {
    let mut router = logged_in(|_| Answer::Bytes(sentences(&[&["!trap", "=message=too long"]]))).await;
    assert_eq!(router.call(&command()).await.unwrap_err(), refused("too long"));
    assert_eq!(router.call(&command()).await.unwrap_err(), Error::Closed);
}

#[tokio::test]
async fn latin_1_disturbs_nobody() {
    let mut router = logged_in(|words| {
        let tag = tag(words);
        let mut bytes = b"\x03!re\x0d=comment=caf\xE9".to_vec();
        bytes.extend(sentences(&[&[tag], &["!done", tag]]));
        Answer::Bytes(bytes)
    })
    .await;
    let reply = router.call(&command()).await.unwrap();
    assert_eq!(reply.rows[0].bytes("comment"), Some(b"caf\xE9".as_slice()));
}

#[tokio::test]
async fn silence_and_half_an_answer_time_out() {
    for half in [false, true] {
        let mut router = logged_in(move |words| match half {
            true => Answer::Bytes(sentences(&[&["!re", tag(words), "=user=a"]])),
            false => Answer::Silence,
        })
        .await;
        router.deadlines = IMPATIENT;
        assert_eq!(router.call(&command()).await.unwrap_err(), Error::TimedOut);
        assert_eq!(router.call(&command()).await.unwrap_err(), Error::Closed);
    }
    let stream = Box::new(router(|_| Answer::Silence));
    let login = Connection::over(stream, "admin", "s3cret", IMPATIENT).await;
    assert_eq!(login.unwrap_err(), Error::TimedOut);
}

#[tokio::test]
async fn an_end_is_an_error_wherever_it_comes() {
    let mut router = logged_in(|_| Answer::HangUp(Vec::new())).await;
    assert_eq!(router.call(&command()).await.unwrap_err(), Error::Closed);

    let mut router = logged_in(|_| Answer::HangUp(b"\x05!do".to_vec())).await;
    assert!(matches!(router.call(&command()).await, Err(Error::Protocol(_))));
}

#[tokio::test]
async fn a_dropped_call_leaves_nothing_for_the_next() {
    let mut router = logged_in(|_| Answer::Silence).await;
    let short = Duration::from_millis(20);
    assert!(timeout(short, router.call(&command())).await.is_err());
    assert_eq!(router.call(&command()).await.unwrap_err(), Error::Closed);
}

#[tokio::test]
async fn other_protocols_are_recognised() {
    let stream = router(|_| Answer::HangUp(b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()));
    assert!(matches!(log_in(stream).await, Err(Error::Protocol(_))));

    let stream = router(|_| Answer::Bytes(vec![0xF8]));
    assert!(matches!(log_in(stream).await, Err(Error::Protocol(_))));
}

#[tokio::test]
async fn a_command_that_cannot_be_sent_spoils_nothing() {
    let mut router = logged_in(|words| Answer::Bytes(sentences(&[&["!done", tag(words)]]))).await;
    let long = command().set("comment", "x".repeat(2 << 20));
    assert!(matches!(router.call(&long).await, Err(Error::Protocol(_))));
    assert!(router.call(&command()).await.is_ok());
}

#[test]
fn nothing_secret_is_shown() {
    let command = Command::new("/ip/hotspot/user/add").set("password", "9F3K");
    assert_eq!(format!("{command:?}"), "/ip/hotspot/user/add");
    let endpoint = endpoint(([127, 0, 0, 1], 8728).into(), None);
    assert!(!format!("{endpoint:?}").contains("s3cret"));
}

#[test]
fn commands_are_the_words_they_say() {
    let print = command().proplist(&[".id", "user"]).equals("user", "a=b").equals("mac-address", "x").either();
    let words = ["/ip/hotspot/active/print", "=.proplist=.id,user", "?user=a=b", "?mac-address=x", "?#|"];
    assert_eq!(print.0, words);
}

fn endpoint(address: SocketAddr, tls: Option<Fingerprint>) -> Endpoint {
    Endpoint { address, tls, username: "admin".to_owned(), password: "s3cret".to_owned() }
}

#[tokio::test]
async fn a_closed_port_refuses() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    assert_eq!(Connection::connect(&endpoint(address, None), PATIENT).await.unwrap_err(), Error::Refused);
}

#[tokio::test]
async fn the_pinned_certificate_is_taken_and_no_other() {
    let address = tls_router().await;
    let pinned = Fingerprint::parse(PIN).unwrap();
    let mut router = Connection::connect(&endpoint(address, Some(pinned)), PATIENT).await.unwrap();
    assert_eq!(router.call(&command()).await.unwrap(), Reply::default());
    drop(router);

    let other = Fingerprint([7; 32]);
    let error = Connection::connect(&endpoint(address, Some(other)), PATIENT).await.unwrap_err();
    assert_eq!(error, Error::TlsMismatch { presented: pinned });
}

#[tokio::test]
async fn a_port_without_tls_is_told_apart() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        let (mut tcp, _) = listener.accept().await.unwrap();
        tcp.write_all(&sentences(&[&["!fatal", "not logged in"]])).await.unwrap();
        let _ = tcp.read(&mut [0; 512]).await;
    });
    let pinned = Fingerprint::parse(PIN);
    let error = Connection::connect(&endpoint(address, pinned), PATIENT).await.unwrap_err();
    assert!(matches!(error, Error::Tls(_)), "{error:?}");
}

#[tokio::test]
async fn a_port_that_accepts_and_hangs_times_out() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    for tls in [None, Fingerprint::parse(PIN)] {
        let error = Connection::connect(&endpoint(address, tls), IMPATIENT).await.unwrap_err();
        assert_eq!(error, Error::TimedOut);
    }
}

/// Says `!done` to every sentence, over TLS.
async fn tls_router() -> SocketAddr {
    let certificate = CertificateDer::from(hex::decode(CERTIFICATE).unwrap());
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(hex::decode(KEY).unwrap()));
    let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        loop {
            let (tcp, _) = listener.accept().await.unwrap();
            let Ok(mut stream) = acceptor.accept(tcp).await else {
                continue;
            };
            let mut decoder = Decoder::default();
            let mut segment = [0; 1024];
            while let Ok(count @ 1..) = stream.read(&mut segment).await {
                decoder.push(&segment[..count]);
                while let Some(words) = decoder.take().unwrap() {
                    let mut done = vec![b"!done".to_vec()];
                    done.extend(words.into_iter().filter(|word| word.starts_with(b".tag=")));
                    let mut bytes = Vec::new();
                    encode_sentence(&done, &mut bytes).unwrap();
                    stream.write_all(&bytes).await.unwrap();
                }
            }
        }
    });
    address
}
