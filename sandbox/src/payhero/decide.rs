//! The one place where a transaction comes to its end: the truth, the books, the messages of M-Pesa and the callbacks that are
//! now due, all in one change. Who decided (a person, the clock, the control side) is decided elsewhere.

use super::behaviour::{Answer, Behaviour, CallbackMode, Generation};
use super::movement::{Direction, Due, Movement, Status};
use super::{reference, wallet};
use crate::clock::nairobi;
use crate::config::PayheroSetup;
use crate::sms::Sms;
use crate::truth::Entry;
use crate::world::Draft;

/// No answer to the prompt.
pub(crate) const NO_ANSWER: u16 = 1037;
/// The recipient of a withdrawal is no customer of M-Pesa.
pub(crate) const NOT_REGISTERED: u16 = 2040;

/// How a transaction ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// The money moves.
    Paid,
    /// It does not, for this Daraja reason.
    Failed(u16),
}

impl Ending {
    /// What comes of a person's answer; putting the phone away ends nothing.
    pub(crate) fn of(answer: Answer) -> Option<Self> {
        match answer {
            Answer::Accept => Some(Self::Paid),
            Answer::Cancel => Some(Self::Failed(1032)),
            Answer::WrongPin => Some(Self::Failed(2001)),
            Answer::Insufficient => Some(Self::Failed(1)),
            Answer::Ignore => None,
        }
    }
}

/// Safaricom's sentence for a result code.
pub(crate) fn described(code: u16, generation: Generation) -> &'static str {
    match (code, generation) {
        (0, _) => "The service request is processed successfully.",
        (1, _) => "The balance is insufficient for the transaction.",
        (1032, Generation::Legacy) => "Request cancelled by user",
        (1032, Generation::V2) => "Request Cancelled by user.",
        (NO_ANSWER, _) => "No response from user.",
        (2001, _) => "The initiator information is invalid.",
        (NOT_REGISTERED, _) => "Credit Party customer type (Unregistered or Registered Customer) can't be supported by the service.",
        _ => "The request could not be completed.",
    }
}

/// Ends the transaction and gives the callbacks to send. Nothing happens to one that has ended already, except that a failed
/// one can still turn out to be paid. With `announce` false no callback is due.
pub(crate) fn decide(draft: &mut Draft<'_>, setup: &PayheroSetup, reference: &str, ending: Ending, announce: bool, now_ms: i64) -> Option<Vec<Due>> {
    let mut movement = draft.movement(reference)?.clone();
    let before = movement.status;
    let moves = ending == Ending::Paid;
    if before == Status::Success || (before == Status::Failed && !moves) {
        return None;
    }
    let behaviour = draft.behaviour().clone();
    movement.decided_at_ms = Some(now_ms);
    match ending {
        Ending::Paid => {
            movement.status = Status::Success;
            movement.result_code = Some(0);
            movement.receipt = unused_receipt(draft, now_ms);
        }
        Ending::Failed(code) => {
            movement.status = Status::Failed;
            movement.result_code = Some(code);
        }
    }
    let lag_ms = i64::try_from(behaviour.lag_ms).unwrap_or(i64::MAX);
    (movement.seen_from_ms, movement.seen_before) = match behaviour.callback {
        CallbackMode::Early => (now_ms.saturating_add(lag_ms), before),
        CallbackMode::FailedThenSuccess if moves => (now_ms.saturating_add(lag_ms), Status::Failed),
        _ => (now_ms, movement.status),
    };
    let due = if announce && movement.callback_url.is_some() { announcements(&movement, &behaviour, now_ms) } else { Vec::new() };
    movement.due.extend(due.iter().cloned());
    draft.record(Entry::Movement { movement: Box::new(movement.clone()) });
    if moves {
        wallet::book(draft, setup, &movement);
    }
    if let Some(text) = message(&movement, setup, now_ms) {
        let sms = Sms { at_ms: now_ms, from: "MPESA".to_owned(), text };
        draft.record(Entry::Sms { phone: movement.phone.clone(), sms });
    }
    Some(due)
}

fn announcements(movement: &Movement, behaviour: &Behaviour, now_ms: i64) -> Vec<Due> {
    let first = movement.due.iter().map(|due| due.id + 1).max().unwrap_or(0).max(u32::try_from(movement.deliveries.len()).unwrap_or(u32::MAX));
    let later = |ms: u64| now_ms.saturating_add(i64::try_from(ms).unwrap_or(i64::MAX));
    let usual = later(behaviour.callback_delay_ms);
    let says = movement.status;
    let wanted = match behaviour.callback {
        CallbackMode::Never => vec![],
        CallbackMode::Once => vec![(usual, says)],
        CallbackMode::Twice => vec![(usual, says), (usual, says)],
        CallbackMode::Early => vec![(now_ms, says)],
        CallbackMode::FailedThenSuccess if says == Status::Success => {
            vec![(usual, Status::Failed), (usual.saturating_add(later(behaviour.lag_ms) - now_ms), says)]
        }
        CallbackMode::FailedThenSuccess => vec![(usual, says)],
    };
    (first..).zip(wanted).map(|(id, (at_ms, says))| Due { id, at_ms, says }).collect()
}

fn unused_receipt(draft: &Draft<'_>, now_ms: i64) -> String {
    loop {
        let receipt = reference::receipt(now_ms);
        if draft.movement(&receipt).is_none() {
            return receipt;
        }
    }
}

/// M-Pesa's own message to the phone: a guest who closed the portal finds the receipt there.
fn message(movement: &Movement, setup: &PayheroSetup, now_ms: i64) -> Option<String> {
    let Movement { receipt, amount, .. } = movement;
    let merchant = &setup.merchant;
    let when = nairobi(now_ms).format("%-d/%-m/%y at %-I:%M %p");
    match (movement.direction, movement.status, movement.result_code) {
        (Direction::Collection, Status::Success, _) => Some(format!("{receipt} Confirmed. Ksh{amount}.00 paid to {merchant} on {when}.")),
        (Direction::Payout, Status::Success, _) => Some(format!("{receipt} Confirmed. You have received Ksh{amount}.00 from {merchant} on {when}.")),
        (Direction::Collection, Status::Failed, Some(1)) => {
            Some(format!("Failed. You do not have enough money in your M-PESA account to pay Ksh{amount}.00 to {merchant}."))
        }
        _ => None,
    }
}
