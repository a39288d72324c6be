//! What a router holds: its rows, switches and clock. Every change goes through here and is journalled by `commit`.
//! It keeps references and uniqueness out of its business: the verbs decide what may be written.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::journal::{Change, Journal};
use super::menu::{
    self, ACTIVE, COOKIE, FILTER, HOST, INTERFACE, Kind, MENUS, Menu, PPP_ACTIVE, PPP_PROFILE, QUEUE, SERVER, SERVER_PROFILE, SERVICE, USER_PROFILE,
};
use super::row::Row;
use super::span;
use super::switches::Switches;
use crate::clock;

/// What of a router is no row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Device {
    /// The name in `/system/identity`.
    pub identity: String,
    /// The next `.id`; ids rise and are never used twice.
    pub next_id: u64,
    /// Ports that were given out, kept so that addresses stay the same over restarts; 0 = none yet.
    pub api_port: u16,
    /// The same for api-ssl.
    pub tls_port: u16,
    /// When the router last booted, in seconds of its own clock.
    pub booted_at: u64,
    /// By how many seconds played traffic has put the router's clock ahead of ours.
    pub ahead: u64,
    /// See `Switches`.
    pub switches: Switches,
}

/// A row that has changed, for those who listen.
#[derive(Debug, Clone)]
pub(super) struct Touched {
    /// The menu's path.
    pub menu: &'static str,
    /// The row's id.
    pub id: u64,
}

/// Everything that a router holds.
#[derive(Debug)]
pub(super) struct State {
    tables: BTreeMap<&'static str, BTreeMap<u64, Row>>,
    /// What is no row. Change it through `change_device`.
    device: Device,
    journal: Journal,
    pending: Vec<Change>,
}

impl State {
    /// Reads the state from a journal, or makes that of a router fresh from its box.
    ///
    /// # Errors
    /// What the file system says, or `InvalidData`.
    pub(super) fn open(path: Option<&Path>, identity: &str) -> io::Result<Self> {
        let (journal, changes) = match path {
            Some(path) => Journal::open(path)?,
            None => (Journal::default(), Vec::new()),
        };
        let device =
            Device { identity: identity.to_owned(), next_id: 1, api_port: 0, tls_port: 0, booted_at: unix_seconds(), ahead: 0, switches: Switches::default() };
        let mut state = Self { tables: BTreeMap::new(), device, journal, pending: Vec::new() };
        let is_new = changes.is_empty();
        for change in changes {
            state.replay(change);
        }
        if is_new {
            state.add_factory_rows();
            state.change_device(|_| {});
            state.commit()?;
        }
        Ok(state)
    }

    fn replay(&mut self, change: Change) {
        match change {
            Change::Put { menu, id, row } => {
                self.device.next_id = self.device.next_id.max(id + 1);
                if let Some(menu) = Menu::find(&menu) {
                    self.tables.entry(menu.path).or_default().insert(id, row);
                }
            }
            Change::Delete { menu, id } => {
                if let Some(menu) = Menu::find(&menu) {
                    self.tables.entry(menu.path).or_default().remove(&id);
                }
            }
            Change::Device(device) => {
                let next_id = self.device.next_id.max(device.next_id);
                self.device = Device { next_id, ..*device };
            }
        }
    }

    /// Writes all changes since the last commit to the journal and says which rows they touched.
    ///
    /// # Errors
    /// What the file system says; nothing may be answered then.
    pub(super) fn commit(&mut self) -> io::Result<Vec<Touched>> {
        let changes = std::mem::take(&mut self.pending);
        if changes.is_empty() {
            return Ok(Vec::new());
        }
        self.journal.append(&changes)?;
        let rows: usize = self.tables.values().map(BTreeMap::len).sum();
        if self.journal.is_worth_rewriting(rows) {
            self.journal.rewrite(&self.as_changes())?;
        }
        let touched = |change: &Change| match change {
            Change::Put { menu, id, .. } | Change::Delete { menu, id } => Menu::find(menu).map(|menu| Touched { menu: menu.path, id: *id }),
            Change::Device(_) => None,
        };
        Ok(changes.iter().filter_map(touched).collect())
    }

    fn as_changes(&self) -> Vec<Change> {
        let puts = self.tables.iter().flat_map(|(menu, rows)| rows.iter().map(|(id, row)| Change::Put { menu: (*menu).to_owned(), id: *id, row: row.clone() }));
        puts.chain([Change::Device(Box::new(self.device.clone()))]).collect()
    }

    /// What is no row.
    pub(super) fn device(&self) -> &Device {
        &self.device
    }

    /// The switches in force.
    pub(super) fn switches(&self) -> &Switches {
        &self.device.switches
    }

    /// Changes what is no row.
    pub(super) fn change_device(&mut self, change: impl FnOnce(&mut Device)) {
        change(&mut self.device);
        self.pending.push(Change::Device(Box::new(self.device.clone())));
    }

    /// Rows of a menu in the order of their ids.
    pub(super) fn rows(&self, menu: &str) -> impl Iterator<Item = (u64, &Row)> {
        self.tables.get(menu).into_iter().flatten().map(|(id, row)| (*id, row))
    }

    /// One row.
    pub(super) fn row(&self, menu: &str, id: u64) -> Option<&Row> {
        self.tables.get(menu)?.get(&id)
    }

    /// The first row for which `wanted` holds.
    pub(super) fn find(&self, menu: &str, wanted: impl Fn(&Row) -> bool) -> Option<(u64, &Row)> {
        self.rows(menu).find(|(_, row)| wanted(row))
    }

    /// The ids of all rows for which `wanted` holds.
    pub(super) fn ids(&self, menu: &str, wanted: impl Fn(&Row) -> bool) -> Vec<u64> {
        self.rows(menu).filter(|(_, row)| wanted(row)).map(|(id, _)| id).collect()
    }

    /// Adds a row with the menu's defaults for what it leaves open; gives its id.
    pub(super) fn add(&mut self, menu: &'static str, mut row: Row) -> u64 {
        for property in Menu::find(menu).map_or(&[][..], |menu| menu.properties) {
            if let (Some(default), None) = (property.default, row.get(property.name)) {
                row.put(property.name, self.default_of(property.kind, default));
            }
        }
        let id = self.device.next_id;
        self.device.next_id += 1;
        self.put(menu, id, row);
        id
    }

    /// The default of a reference is the row that came with the router.
    fn default_of(&self, kind: Kind, default: &str) -> Vec<u8> {
        match kind {
            Kind::Reference(menu) => self.find(menu, |row| row.is("default")).map_or_else(|| default.into(), |(id, _)| write_id(id).into_bytes()),
            _ => default.into(),
        }
    }

    /// Writes a whole row.
    pub(super) fn put(&mut self, menu: &'static str, id: u64, row: Row) {
        self.pending.push(Change::Put { menu: menu.to_owned(), id, row: row.clone() });
        self.tables.entry(menu).or_default().insert(id, row);
    }

    /// Changes a row that is there.
    pub(super) fn change(&mut self, menu: &'static str, id: u64, change: impl FnOnce(&mut Row)) {
        if let Some(mut row) = self.row(menu, id).cloned() {
            change(&mut row);
            self.put(menu, id, row);
        }
    }

    /// Removes a row; gives what it held.
    pub(super) fn remove(&mut self, menu: &'static str, id: u64) -> Option<Row> {
        let row = self.tables.get_mut(menu)?.remove(&id)?;
        self.pending.push(Change::Delete { menu: menu.to_owned(), id });
        Some(row)
    }

    fn clear(&mut self, menu: &'static str) {
        for id in self.ids(menu, |_| true) {
            self.remove(menu, id);
        }
    }

    /// Seconds of the router's own clock: ours, and ahead by the traffic that has been played.
    pub(super) fn now(&self) -> u64 {
        unix_seconds().saturating_add(self.device.ahead)
    }

    /// Seconds since the router booted.
    pub(super) fn uptime(&self) -> u64 {
        self.now().saturating_sub(self.device.booted_at)
    }

    /// Whether the hotspot runs at all.
    pub(super) fn hotspot_runs(&self) -> bool {
        self.switches().device_mode.hotspot && self.rows(SERVER).any(|(_, row)| !row.is("disabled"))
    }

    /// The name of the hotspot server that hosts belong to.
    pub(super) fn server_name(&self) -> String {
        self.find(SERVER, |row| !row.is("disabled")).map(|(_, row)| row.text("name")).unwrap_or_default()
    }

    /// A power cut and a boot: sessions are lost without reaching their users' counters; configuration and cookies stay.
    /// Devices are still in the air, so they stay in the host table, unauthorised.
    pub(super) fn reboot(&mut self) {
        for menu in [ACTIVE, PPP_ACTIVE, QUEUE] {
            self.clear(menu);
        }
        for id in self.ids(INTERFACE, |row| row.is("dynamic")) {
            self.remove(INTERFACE, id);
        }
        for id in self.ids(HOST, |row| row.is("authorized")) {
            self.change(HOST, id, |row| row.put("authorized", "false"));
        }
        let now = self.now();
        self.change_device(|device| device.booted_at = now);
    }

    /// Everything that was configured is gone. Ids go on rising, and the API account stays, so that the router can be reached.
    pub(super) fn factory_reset(&mut self) {
        self.reboot();
        for menu in MENUS {
            self.clear(menu.path);
        }
        self.add_factory_rows();
    }

    fn add_factory_rows(&mut self) {
        let row = |pairs: &[(&str, &str)]| {
            let mut row = Row::default();
            for (name, value) in pairs {
                row.put(name, *value);
            }
            row
        };
        self.add(USER_PROFILE, row(&[("name", "default"), ("default", "true")]));
        self.add(PPP_PROFILE, row(&[("name", "default"), ("default", "true")]));
        self.add(SERVER_PROFILE, row(&[("name", "default"), ("default", "true")]));
        let profile = self.add(
            SERVER_PROFILE,
            row(&[("name", "hsprof1"), ("hotspot-address", "10.5.50.1"), ("dns-name", "login.hotspot"), ("login-by", "cookie,http-chap,http-pap,mac-cookie")]),
        );
        let profile = write_id(profile);
        self.add(SERVER, row(&[("name", "hotspot1"), ("interface", "bridge"), ("address-pool", "hs-pool-1"), ("profile", &profile)]));
        for (name, kind) in [("ether1", "ether"), ("bridge", "bridge")] {
            self.add(INTERFACE, row(&[("name", name), ("type", kind)]));
        }
        self.add(
            FILTER,
            row(&[
                ("chain", "forward"),
                ("action", "fasttrack-connection"),
                ("connection-state", "established,related"),
                ("hw-offload", "yes"),
                ("comment", "defconf: fasttrack"),
            ]),
        );
        self.add(FILTER, row(&[("chain", "forward"), ("action", "accept"), ("connection-state", "established,related,untracked")]));
        self.add(SERVICE, row(&[("name", "api")]));
        let with_certificate = [("name", "api-ssl"), ("certificate", "self-signed")];
        self.add(SERVICE, row(&with_certificate));
        self.apply_switches();
    }

    /// Brings rows that show switches and ports in line with them.
    pub(super) fn apply_switches(&mut self) {
        let device = self.device.clone();
        for id in self.ids(FILTER, |row| row.get("action") == Some(b"fasttrack-connection")) {
            self.change(FILTER, id, |row| row.put("disabled", (!device.switches.fasttrack).to_string()));
        }
        for id in self.ids(SERVICE, |_| true) {
            self.change(SERVICE, id, |row| {
                let port = if row.get("name") == Some(b"api") { device.api_port } else { device.tls_port };
                row.put("port", port.to_string());
                row.put("max-sessions", device.switches.max_sessions.to_string());
            });
        }
    }

    /// A property as it is printed, with what the router works out on the spot.
    pub(super) fn printed(&self, menu: &Menu, id: u64, row: &Row, name: &str) -> Option<Vec<u8>> {
        if name == ".id" {
            return Some(write_id(id).into_bytes());
        }
        let property = menu.property(name)?;
        match (menu.path, name) {
            (ACTIVE, "session-time-left") => {
                let total = row.get("_limit-seconds")?;
                let total: u64 = std::str::from_utf8(total).ok()?.parse().ok()?;
                Some(span::write(total.saturating_sub(row.seconds("uptime"))).into_bytes())
            }
            (COOKIE, "expires-in") => Some(span::write(row.number("_expires-at").saturating_sub(self.now())).into_bytes()),
            (SERVER, "invalid") => Some((!self.switches().device_mode.hotspot).to_string().into_bytes()),
            (SERVER, ".about") if !self.switches().device_mode.hotspot => Some(b"inactivated, not allowed by device-mode".to_vec()),
            (menu::IP_BINDING, "bypassed") => Some((row.text("type") == "bypassed").to_string().into_bytes()),
            (menu::IP_BINDING, "blocked") => Some((row.text("type") == "blocked").to_string().into_bytes()),
            _ => self.printed_as_kept(property.kind, row.get(name)?),
        }
    }

    /// A reference is printed as its row's present name; as the bare id when that row is gone.
    fn printed_as_kept(&self, kind: Kind, value: &[u8]) -> Option<Vec<u8>> {
        if let Kind::Reference(menu) = kind
            && let Some(row) = read_id(value).and_then(|id| self.row(menu, id))
        {
            return row.get("name").map(<[u8]>::to_vec);
        }
        Some(value.to_vec())
    }
}

/// Writes an id as the wire has it: `*1A`.
pub(super) fn write_id(id: u64) -> String {
    format!("*{id:X}")
}

/// Reads `*1A`.
pub(super) fn read_id(text: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(text.strip_prefix(b"*")?).ok()?;
    u64::from_str_radix(digits, 16).ok()
}

fn unix_seconds() -> u64 {
    u64::try_from(clock::now_ms() / 1_000).unwrap_or(0)
}
