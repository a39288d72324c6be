//! A running router from outside: its addresses, its switches, and the people and devices around it.
//! Opens and closes the ports; what happens on them is decided elsewhere.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::account::Account;
use super::certificate::{self, Tls};
use super::connection;
use super::ppp;
use super::router::{Line, Router};
use super::session::{self, Credentials, Traffic};
use super::snapshot;
use super::state::State;
use super::switches::{Ask, Power, PowerAsk, Switches};

/// How long a door waits after a connection could not be taken.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);

/// What a stand-in is started with.
#[derive(Debug, Clone)]
pub struct RouterSetup {
    /// Its name on the control side, of letters, digits, `-` and `_`; also the name of its files.
    pub name: String,
    /// The API account's user name.
    pub username: String,
    /// The API account's password.
    pub password: String,
    /// What `/system/identity` says on a router that has no files yet.
    pub identity: String,
    /// Where its state and certificate are kept; `None` keeps them in memory.
    pub dir: Option<PathBuf>,
    /// Where the API listens. With port 0 a free port is taken once and kept in `dir`; api-ssl always does so.
    pub listen: SocketAddr,
}

/// A running stand-in. Dropping it ends its tasks.
#[derive(Debug)]
pub struct RouterHandle {
    router: Arc<Router>,
    tls: Tls,
    address: SocketAddr,
    tls_address: SocketAddr,
    /// The tasks that take connections; empty while the router is off.
    doors: Mutex<Vec<JoinHandle<()>>>,
}

impl RouterHandle {
    /// Starts a router, with the state that it left behind if there is any. A router that was off stays off.
    ///
    /// # Errors
    /// `InvalidInput` for a name that cannot be a file name, `AddrInUse` when a kept port is taken, and what the file
    /// system says.
    pub async fn start(setup: RouterSetup) -> io::Result<Self> {
        let base = base_path(&setup)?;
        let tls = certificate::load_or_make(base.as_deref())?;
        let journal = base.as_deref().map(|base| base.with_extension("jsonl"));
        let mut state = State::open(journal.as_deref(), &setup.identity)?;
        let device = state.device().clone();
        let api_port = if setup.listen.port() == 0 { device.api_port } else { setup.listen.port() };
        let api = bind(SocketAddr::new(setup.listen.ip(), api_port)).await?;
        let api_ssl = bind(SocketAddr::new(setup.listen.ip(), device.tls_port)).await?;
        let (address, tls_address) = (api.local_addr()?, api_ssl.local_addr()?);
        state.change_device(|device| {
            device.api_port = address.port();
            device.tls_port = tls_address.port();
        });
        state.apply_switches();
        state.commit()?;
        let account = Account { username: setup.username, password: setup.password };
        let handle = Self { router: Arc::new(Router::new(account, state)), tls, address, tls_address, doors: Mutex::default() };
        if handle.router.line.borrow().power != Power::Off {
            *handle.doors.lock().await = handle.open(api, api_ssl);
        }
        Ok(handle)
    }

    /// Where the plain API listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Where api-ssl listens.
    #[must_use]
    pub fn tls_address(&self) -> SocketAddr {
        self.tls_address
    }

    /// SHA-256 of api-ssl's certificate in DER, as 64 lower-case hex digits.
    #[must_use]
    pub fn certificate_sha256(&self) -> String {
        self.tls.sha256.clone()
    }

    /// What the router holds: `users`, `profiles`, `active`, `hosts`, `cookies`, `ppp_secrets`, `ppp_active` and further
    /// tables as lists of objects with RouterOS property names and text values; `counters` with the lifetime use of every
    /// user (stored and running) and what clients did since the start; `state`, the switches; `online`.
    pub async fn snapshot(&self) -> Value {
        let tally = self.router.tally(|tally| tally.clone());
        snapshot::take(&self.router.state(), &tally)
    }

    /// Sets switches; what is absent or null stays, but `fragment_bytes: null` means whole answers again.
    /// `{ power: "on"|"off"|"hang"|"reboot"|"factory_reset", device_mode: "home"|"basic"|"advanced"|{flags}, version,
    /// fragment_bytes, tag_last, legacy_login, max_sessions, fasttrack, sensitive, answer_delay_ms, lose_answers,
    /// license_level }`.
    ///
    /// # Errors
    /// A sentence about what does not fit; nothing has changed then.
    pub async fn set_state(&self, state: Value) -> Result<(), String> {
        let ask = Ask::read(state)?;
        let power = ask.power;
        let mut doors = self.doors.lock().await;
        let old = self.router.state().switches().clone();
        let mut new = ask.apply(&old)?;
        new.power = power_after(old.power, power);
        let listeners = match doors.is_empty() && new.power != Power::Off {
            true => Some(self.bind_again().await.map_err(|error| error.to_string())?),
            false => None,
        };
        let ends_connections = new.power != old.power || loses_sessions(&old, &new, power);
        self.router.act(|state| change_switches(state, &old, &new, power)).map_err(|error| error.to_string())?;
        self.router.line.send_modify(|line| {
            line.power = new.power;
            line.generation += u64::from(ends_connections);
        });
        if new.power == Power::Off {
            close(&mut doors).await;
        }
        if let Some((api, api_ssl)) = listeners {
            *doors = self.open(api, api_ssl);
        }
        Ok(())
    }

    /// A device joins the WiFi and stands in the host table. One with a good mac-cookie is logged in at once.
    ///
    /// # Errors
    /// A sentence for addresses that are none, a blocked device, a router that is off, or a hotspot that does not run.
    pub async fn join_host(&self, mac: &str, ip: &str) -> Result<(), String> {
        self.near(|state| session::join_host(state, mac, ip))
    }

    /// A device leaves the WiFi; its session ends with its counters, its mac-cookie stays.
    ///
    /// # Errors
    /// A sentence when the router is off.
    pub async fn leave_host(&self, mac: &str) -> Result<(), String> {
        self.near(|state| {
            session::leave_host(state, mac);
            Ok(())
        })
    }

    /// A user's oldest session (hotspot, else PPPoE) uses the network for some seconds: `bytes_in` from the device,
    /// `bytes_out` to it. The router's clock goes on by these seconds. A session that meets a limit ends there.
    ///
    /// # Errors
    /// A sentence when the user has no session or the router is off.
    pub async fn traffic(&self, user: &str, bytes_in: u64, bytes_out: u64, seconds: u64) -> Result<(), String> {
        let traffic = Traffic { bytes_in, bytes_out, seconds };
        self.near(|state| match session::play(state, user, traffic) {
            Ok(()) => Ok(()),
            Err(no_session) => ppp::play(state, user, traffic).map_err(|_| no_session),
        })
    }

    /// A device's browser submits the router's login form.
    ///
    /// # Errors
    /// The servlet's error as `id: text`, such as `invalid-username: invalid username or password`,
    /// `uptime-limit: user … has reached uptime limit`, or `unknown-host: unknown host IP`.
    pub async fn browser_login(&self, mac: &str, ip: &str, username: &str, password: &str) -> Result<(), String> {
        self.near(|state| {
            if !state.hotspot_runs() {
                return Err("the hotspot does not run".to_owned());
            }
            let host = session::host(state, ip, Some(mac)).ok_or("unknown-host: unknown host IP")?;
            let credentials = Credentials { user: username, password };
            session::log_in(state, host, &credentials, "http-pap").map_err(|refusal| format!("{}: {}", refusal.id, refusal.text))
        })
    }

    /// A subscriber's box dials in over PPPoE.
    ///
    /// # Errors
    /// `authentication failed`, or a sentence when the router is off.
    pub async fn ppp_dial(&self, name: &str, password: &str, caller_id: &str) -> Result<(), String> {
        self.near(|state| ppp::dial(state, name, password, caller_id))
    }

    /// Ends the stand-in: ports closed, connections dropped. What it holds stays in its files as it is.
    pub async fn stop(&self) {
        let mut doors = self.doors.lock().await;
        self.router.line.send_modify(|line| {
            line.power = Power::Off;
            line.generation += 1;
        });
        close(&mut doors).await;
    }

    /// What happens on the spot, without the API: possible while the router has power and has not hung.
    fn near(&self, act: impl FnOnce(&mut State) -> Result<(), String>) -> Result<(), String> {
        if self.router.state().switches().power != Power::On {
            return Err("the router does not answer".to_owned());
        }
        self.router.act(act).map_err(|error| error.to_string())?
    }

    async fn bind_again(&self) -> io::Result<(TcpListener, TcpListener)> {
        Ok((bind(self.address).await?, bind(self.tls_address).await?))
    }

    fn open(&self, api: TcpListener, api_ssl: TcpListener) -> Vec<JoinHandle<()>> {
        let acceptor = Some(self.tls.acceptor.clone());
        [(api, None), (api_ssl, acceptor)].map(|(listener, tls)| tokio::spawn(take_connections(Arc::clone(&self.router), listener, tls))).into()
    }
}

impl Drop for RouterHandle {
    fn drop(&mut self) {
        self.router.line.send_modify(|line| {
            line.power = Power::Off;
            line.generation += 1;
        });
    }
}

/// Files are `DIR/NAME.jsonl`, `.cert.der` and `.key.der`.
fn base_path(setup: &RouterSetup) -> io::Result<Option<PathBuf>> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if setup.name.is_empty() || !setup.name.chars().all(is_plain) {
        let text = format!("router name {:?} is not of letters, digits, - and _", setup.name);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    if let Some(dir) = &setup.dir {
        std::fs::create_dir_all(dir)?;
    }
    Ok(setup.dir.as_deref().map(|dir: &Path| dir.join(&setup.name)))
}

async fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let named = |error: io::Error| io::Error::new(error.kind(), format!("router cannot listen on {address}: {error}"));
    TcpListener::bind(address).await.map_err(named)
}

/// A reboot or reset leaves the power on, whatever it was.
fn power_after(old: Power, ask: Option<PowerAsk>) -> Power {
    match ask {
        None => old,
        Some(_) => power_of(ask),
    }
}

fn power_of(ask: Option<PowerAsk>) -> Power {
    match ask {
        Some(PowerAsk::Off) => Power::Off,
        Some(PowerAsk::Hang) => Power::Hang,
        _ => Power::On,
    }
}

/// Losing power loses sessions, and so does a new device-mode, which asks for a power cut by hand.
fn loses_sessions(old: &Switches, new: &Switches, power: Option<PowerAsk>) -> bool {
    matches!(power, Some(PowerAsk::FactoryReset | PowerAsk::Reboot | PowerAsk::Off)) || old.device_mode != new.device_mode
}

fn change_switches(state: &mut State, old: &Switches, new: &Switches, power: Option<PowerAsk>) {
    if power == Some(PowerAsk::FactoryReset) {
        state.factory_reset();
    } else if loses_sessions(old, new, power) {
        state.reboot();
    }
    state.change_device(|device| device.switches = new.clone());
    state.apply_switches();
}

async fn close(doors: &mut Vec<JoinHandle<()>>) {
    for door in doors.drain(..) {
        // A door that panicked is closed too.
        let _ = door.await;
    }
}

/// Takes connections until the router is off. One beyond `max-sessions` is taken and dropped at once.
async fn take_connections(router: Arc<Router>, listener: TcpListener, tls: Option<TlsAcceptor>) {
    let open = Arc::new(());
    let mut line = router.line.subscribe();
    loop {
        let accepted = tokio::select! {
            biased;
            _ = line.wait_for(|line| line.power == Power::Off) => return,
            accepted = listener.accept() => accepted,
        };
        let Ok((stream, _)) = accepted else {
            // Out of file handles, most likely: asking again at once would only burn the processor.
            tokio::time::sleep(ACCEPT_PAUSE).await;
            continue;
        };
        // Every connection's task holds one more reference than the door itself.
        if Arc::strong_count(&open) > router.state().switches().max_sessions {
            router.tally(|tally| tally.connections_refused += 1);
            continue;
        }
        let (seat, router, tls) = (Arc::clone(&open), Arc::clone(&router), tls.clone());
        tokio::spawn(async move {
            router.tally(|tally| tally.connections += 1);
            // How a client goes is no business of the router.
            let _ = attend(&router, stream, tls).await;
            router.tally(|tally| tally.connections -= 1);
            drop(seat);
        });
    }
}

async fn attend(router: &Arc<Router>, stream: TcpStream, tls: Option<TlsAcceptor>) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let mut line = router.line.subscribe();
    let Line { power, generation } = *line.borrow_and_update();
    if power != Power::On {
        connection::dropped(&mut line, generation).await;
        return Ok(());
    }
    let Some(tls) = tls else {
        return connection::serve(Arc::clone(router), stream, line, generation).await;
    };
    let stream = tokio::select! {
        () = connection::dropped(&mut line, generation) => return Ok(()),
        stream = tls.accept(stream) => stream?,
    };
    connection::serve(Arc::clone(router), stream, line, generation).await
}
