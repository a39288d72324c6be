//! What really happened in the imitated world, held in memory and built from entries alone: replaying the journal gives the
//! same truth. It performs no IO and makes no decisions.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::clock::rfc3339;
use crate::mail::{Mail, MailBehaviour};
use crate::payhero::behaviour::Behaviour;
use crate::payhero::movement::{Direction, Movement};
use crate::payhero::wallet::Row;
use crate::sms::{Sms, SmsBehaviour};

/// A request that PayHero did not accept.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Refusal {
    pub(crate) direction: Direction,
    pub(crate) external_reference: String,
    pub(crate) reason: String,
    pub(crate) at_ms: i64,
}

/// One thing that happened, as it stands in the journal.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub(crate) enum Entry {
    /// A new or changed collection or withdrawal, whole.
    Movement { movement: Box<Movement> },
    /// `count` more HTTP requests named this reference.
    Request { direction: Direction, external_reference: String, count: u64 },
    /// A request was not accepted.
    Refusal { refusal: Refusal },
    /// A line of the transactions list.
    Row { row: Row },
    /// A text message arrived on a phone.
    Sms { phone: String, sms: Sms },
    /// A mail arrived.
    Mail { mail: Mail },
    /// PayHero's switches were set.
    Behaviour { behaviour: Behaviour },
    /// The message gateway's switches were set.
    SmsBehaviour { behaviour: SmsBehaviour },
    /// The mail server's switches were set.
    MailBehaviour { behaviour: MailBehaviour },
}

/// Everything that happened.
#[derive(Default)]
pub(crate) struct Truth {
    movements: Vec<Movement>,
    /// PayHero's reference, the receipt and the checkout id of each movement.
    by_key: HashMap<String, usize>,
    by_phone: BTreeMap<String, Vec<usize>>,
    requests: HashMap<(Direction, String), u64>,
    refusals: Vec<Refusal>,
    rows: Vec<Row>,
    sms: BTreeMap<String, Vec<Sms>>,
    mails: Vec<Mail>,
    behaviour: Behaviour,
    sms_behaviour: SmsBehaviour,
    mail_behaviour: MailBehaviour,
}

impl Truth {
    /// Takes one entry in. A movement replaces the earlier one of its reference.
    pub(crate) fn apply(&mut self, entry: Entry) {
        match entry {
            Entry::Movement { movement } => self.put(*movement),
            Entry::Request { direction, external_reference, count } => {
                *self.requests.entry((direction, external_reference)).or_default() += count;
            }
            Entry::Refusal { refusal } => self.refusals.push(refusal),
            Entry::Row { row } => self.rows.push(row),
            Entry::Sms { phone, sms } => self.sms.entry(phone).or_default().push(sms),
            Entry::Mail { mail } => self.mails.push(mail),
            Entry::Behaviour { behaviour } => self.behaviour = behaviour,
            Entry::SmsBehaviour { behaviour } => self.sms_behaviour = behaviour,
            Entry::MailBehaviour { behaviour } => self.mail_behaviour = behaviour,
        }
    }

    fn put(&mut self, movement: Movement) {
        let at = match self.by_key.get(&movement.reference) {
            Some(at) => *at,
            None => {
                self.by_phone.entry(movement.phone.clone()).or_default().push(self.movements.len());
                self.movements.push(movement.clone());
                self.movements.len() - 1
            }
        };
        for key in [&movement.reference, &movement.receipt, &movement.checkout_request_id] {
            if !key.is_empty() {
                self.by_key.insert(key.clone(), at);
            }
        }
        self.movements[at] = movement;
    }

    /// The shortest list of entries that gives this truth again.
    pub(crate) fn entries(&self) -> Vec<Entry> {
        let movements = self.movements.iter().map(|movement| Entry::Movement { movement: Box::new(movement.clone()) });
        let requests = self.requests.iter().map(|((direction, external_reference), count)| Entry::Request {
            direction: *direction,
            external_reference: external_reference.clone(),
            count: *count,
        });
        let refusals = self.refusals.iter().map(|refusal| Entry::Refusal { refusal: refusal.clone() });
        let rows = self.rows.iter().map(|row| Entry::Row { row: row.clone() });
        let sms = self.sms.iter().flat_map(|(phone, list)| list.iter().map(|sms| Entry::Sms { phone: phone.clone(), sms: sms.clone() }));
        let mails = self.mails.iter().map(|mail| Entry::Mail { mail: mail.clone() });
        let switches = [
            Entry::Behaviour { behaviour: self.behaviour.clone() },
            Entry::SmsBehaviour { behaviour: self.sms_behaviour.clone() },
            Entry::MailBehaviour { behaviour: self.mail_behaviour },
        ];
        movements.chain(requests).chain(refusals).chain(rows).chain(sms).chain(mails).chain(switches).collect()
    }

    /// PayHero's switches.
    pub(crate) fn behaviour(&self) -> &Behaviour {
        &self.behaviour
    }

    /// The message gateway's switches.
    pub(crate) fn sms_behaviour(&self) -> &SmsBehaviour {
        &self.sms_behaviour
    }

    /// The mail server's switches.
    pub(crate) fn mail_behaviour(&self) -> MailBehaviour {
        self.mail_behaviour
    }

    /// All collections and withdrawals, oldest first.
    pub(crate) fn movements(&self) -> &[Movement] {
        &self.movements
    }

    /// The movement that PayHero finds by its own reference, a receipt or a checkout id. The merchant's reference finds nothing.
    pub(crate) fn movement(&self, key: &str) -> Option<&Movement> {
        self.by_key.get(key).map(|at| &self.movements[*at])
    }

    /// The movements of one phone (`2547…`), oldest first.
    pub(crate) fn movements_of(&self, phone: &str) -> impl Iterator<Item = &Movement> {
        self.by_phone.get(phone).into_iter().flatten().map(|at| &self.movements[*at])
    }

    /// The lines of the transactions list, oldest first.
    pub(crate) fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// The messages of one phone, oldest first.
    pub(crate) fn sms_of(&self, phone: &str) -> &[Sms] {
        self.sms.get(phone).map_or(&[], Vec::as_slice)
    }

    /// All mails, oldest first.
    pub(crate) fn mails(&self) -> &[Mail] {
        &self.mails
    }

    /// Every phone that got a message or a prompt, with the time of the last one, latest first.
    pub(crate) fn phones(&self) -> Vec<(String, i64)> {
        let mut last: BTreeMap<&str, i64> = BTreeMap::new();
        let messages = self.sms.iter().filter_map(|(phone, list)| Some((phone, list.last()?.at_ms)));
        let prompts = self.by_phone.iter().filter_map(|(phone, list)| Some((phone, self.movements[*list.last()?].created_at_ms)));
        for (phone, at_ms) in messages.chain(prompts) {
            let known = last.entry(phone).or_insert(at_ms);
            *known = at_ms.max(*known);
        }
        let mut phones: Vec<_> = last.into_iter().map(|(phone, at_ms)| (phone.to_owned(), at_ms)).collect();
        phones.sort_by_key(|(_, at_ms)| -at_ms);
        phones
    }

    /// PayHero's truth for the control side.
    pub(crate) fn payhero(&self) -> Value {
        let of = |direction| {
            let mine = self.movements.iter().filter(move |movement| movement.direction == direction);
            mine.map(|movement| movement.truth(self.requests_of(direction, &movement.external_reference))).collect::<Vec<_>>()
        };
        json!({
            "collections": of(Direction::Collection),
            "payouts": of(Direction::Payout),
            "refused": self.refusals.iter().map(|refusal| json!({
                "direction": refusal.direction,
                "external_reference": refusal.external_reference,
                "reason": refusal.reason,
                "at": rfc3339(refusal.at_ms),
                "requests": self.requests_of(refusal.direction, &refusal.external_reference),
            })).collect::<Vec<_>>(),
        })
    }

    fn requests_of(&self, direction: Direction, external_reference: &str) -> u64 {
        self.requests.get(&(direction, external_reference.to_owned())).copied().unwrap_or(0)
    }
}
