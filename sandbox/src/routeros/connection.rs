//! One API connection from its first byte to its end: login, commands in their order, listens, and the ways of answering
//! that the switches ask for. What a command means is decided elsewhere.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::sync::{broadcast, watch};

use super::account::Standing;
use super::codec::{AFTER_LOGIN, BEFORE_LOGIN, Decoder, Sentence};
use super::dispatch;
use super::listening::Listening;
use super::print::View;
use super::reply::{Reply, Trap};
use super::request::Request;
use super::router::{Line, Router};
use super::state::Touched;
use super::switches::Power;

/// Whether the connection goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flow {
    On,
    Close,
}

/// Serves one client until it leaves or the router drops it.
///
/// # Errors
/// Whatever breaks the connection: its own end, bytes that cannot be read, a journal that cannot be written.
pub(super) async fn serve<S>(router: Arc<Router>, stream: S, mut line: watch::Receiver<Line>, generation: u64) -> io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut connection = Connection { router, stream, decoder: Decoder::new(BEFORE_LOGIN), standing: Standing::Stranger, listens: Vec::new(), news: None };
    let outcome = tokio::select! {
        biased;
        () = dropped(&mut line, generation) => None,
        outcome = connection.serve() => Some(outcome),
    };
    // The select has ended the serving; a hung router keeps the socket open all the same.
    let Line { power, generation } = *line.borrow_and_update();
    if outcome.is_none() && power == Power::Hang {
        dropped(&mut line, generation).await;
    }
    outcome.unwrap_or(Ok(()))
}

/// Returns when the connections of a generation are to end.
pub(super) async fn dropped(line: &mut watch::Receiver<Line>, generation: u64) {
    // A sender that is gone means that the router is gone.
    let _ = line.wait_for(|line| line.generation != generation).await;
}

struct Connection<S> {
    router: Arc<Router>,
    stream: S,
    decoder: Decoder,
    standing: Standing,
    listens: Vec<Listening>,
    news: Option<broadcast::Receiver<Vec<Touched>>>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Connection<S> {
    async fn serve(&mut self) -> io::Result<()> {
        let mut buffer = vec![0; 16 * 1024];
        loop {
            tokio::select! {
                touched = next_news(&mut self.news) => self.tell(&touched).await?,
                read = self.stream.read(&mut buffer) => {
                    let read = read?;
                    if read == 0 || self.take(&buffer[..read]).await? == Flow::Close {
                        return self.stream.shutdown().await;
                    }
                }
            }
        }
    }

    async fn take(&mut self, bytes: &[u8]) -> io::Result<Flow> {
        self.decoder.push(bytes);
        while let Some(sentence) = self.decoder.next_sentence().map_err(io::Error::other)? {
            if self.hear(&sentence).await? == Flow::Close {
                return Ok(Flow::Close);
            }
        }
        Ok(Flow::On)
    }

    async fn hear(&mut self, sentence: &Sentence) -> io::Result<Flow> {
        let request = Request::read(sentence);
        if request.command == "/login" {
            return self.log_in(&request).await;
        }
        if self.standing != Standing::Member {
            self.say(&[Reply::Fatal("not logged in")], None).await?;
            return Ok(Flow::Close);
        }
        match request.menu_and_verb() {
            ("", "quit") => {
                self.say(&[Reply::Fatal("session terminated on request")], None).await?;
                Ok(Flow::Close)
            }
            ("", "cancel") => self.cancel(&request).await,
            (_, "listen") => self.listen(&request).await,
            _ => self.run(&request).await,
        }
    }

    async fn log_in(&mut self, request: &Request) -> io::Result<Flow> {
        let is_legacy = self.router.state().switches().legacy_login;
        let (standing, replies) = self.router.account.log_in(&self.standing, request, is_legacy);
        if standing == Standing::Member {
            self.decoder.set_limits(AFTER_LOGIN);
        }
        self.router.tally(|tally| match standing {
            Standing::Member => tally.logins += 1,
            Standing::Stranger => tally.logins_refused += 1,
            Standing::Challenged(_) => {}
        });
        self.standing = standing;
        self.say(&replies, request.tag.as_deref()).await
    }

    async fn run(&mut self, request: &Request) -> io::Result<Flow> {
        match self.router.run(request)? {
            Some(replies) => self.say(&replies, request.tag.as_deref()).await,
            None => Ok(Flow::Close),
        }
    }

    /// A listen answers nothing until something changes.
    async fn listen(&mut self, request: &Request) -> io::Result<Flow> {
        // Subscribed before the first look, so that no change falls between the two.
        let news = self.router.touched.subscribe();
        let view = dispatch::listened_menu(request).and_then(|menu| View::read(menu, request));
        let view = match view {
            Ok(view) => view,
            Err(trap) => {
                return self.say(&[Reply::Trap(trap), Reply::done()], request.tag.as_deref()).await;
            }
        };
        self.listens.push(Listening::start(&self.router.state(), view, request.tag.clone()));
        self.news.get_or_insert(news);
        Ok(Flow::On)
    }

    /// The cancelled command is interrupted first; the cancel's own `!done` comes before the last word of its target.
    async fn cancel(&mut self, request: &Request) -> io::Result<Flow> {
        let wanted = request.value("tag").map(<[u8]>::to_vec);
        let is_meant = |listening: &Listening| wanted.is_none() || listening.tag == wanted;
        let (ended, kept) = std::mem::take(&mut self.listens).into_iter().partition(is_meant);
        self.listens = kept;
        let ended: Vec<Listening> = ended;
        if ended.is_empty() && wanted.is_some() {
            return self.say(&[Reply::Trap(Trap::no_such_item()), Reply::done()], request.tag.as_deref()).await;
        }
        for listening in &ended {
            self.say(&[Reply::Trap(Trap::interrupted())], listening.tag.as_deref()).await?;
        }
        self.say(&[Reply::done()], request.tag.as_deref()).await?;
        for listening in &ended {
            self.say(&[Reply::done()], listening.tag.as_deref()).await?;
        }
        Ok(Flow::On)
    }

    async fn tell(&mut self, touched: &[Touched]) -> io::Result<()> {
        let mut listens = std::mem::take(&mut self.listens);
        for listening in &mut listens {
            let news = listening.news(&self.router.state(), touched);
            self.say(&news, listening.tag.as_deref()).await?;
        }
        self.listens = listens;
        Ok(())
    }

    /// Sends replies, late and in pieces where the switches say so.
    async fn say(&mut self, replies: &[Reply], tag: Option<&[u8]>) -> io::Result<Flow> {
        let switches = self.router.state().switches().clone();
        let mut bytes = Vec::new();
        for reply in replies {
            reply.write(&mut bytes, tag, switches.tag_last);
        }
        if switches.answer_delay_ms > 0 {
            tokio::time::sleep(Duration::from_millis(switches.answer_delay_ms)).await;
        }
        let piece = if switches.fragment_bytes == 0 { bytes.len().max(1) } else { switches.fragment_bytes };
        for piece in bytes.chunks(piece) {
            self.stream.write_all(piece).await?;
            self.stream.flush().await?;
        }
        Ok(Flow::On)
    }
}

/// The next changed rows; never, while nothing is listened to.
async fn next_news(news: &mut Option<broadcast::Receiver<Vec<Touched>>>) -> Vec<Touched> {
    let Some(receiver) = news else {
        return std::future::pending().await;
    };
    loop {
        match receiver.recv().await {
            Ok(touched) => return touched,
            // A slow client misses changes, as on a busy router.
            Err(broadcast::error::RecvError::Lagged(_)) => {}
            Err(broadcast::error::RecvError::Closed) => return std::future::pending().await,
        }
    }
}
