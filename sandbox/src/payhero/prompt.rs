//! The STK prompt on a phone: its life, and what a person does with it.

use std::sync::Arc;
use std::time::Duration;

use super::behaviour::Answer;
use super::callback::send_later;
use super::decide::{Ending, NO_ANSWER, decide};
use super::movement::{Movement, Status};
use crate::clock::{now_ms, sleep_until};
use crate::truth::Entry;
use crate::world::World;

/// Why an answer could not be given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unanswerable {
    /// This phone never had such a prompt.
    Unknown,
    /// It was answered before, or its time is over.
    Gone,
}

/// Starts the clock of a new prompt, and the automatic answer if there is one. Also used for prompts that outlived a restart.
pub(crate) fn watch(world: &Arc<World>, movement: &Movement) {
    let Some(prompt) = movement.prompt.clone() else {
        return;
    };
    let reference = movement.reference.clone();
    let ticking = world.clone();
    world.spawn(async move {
        sleep_until(prompt.expires_at_ms).await;
        settle(&ticking, &reference, Ending::Failed(NO_ANSWER));
    });
    let behaviour = world.behaviour();
    if let (Some(answer_kind), false) = (behaviour.auto_answer, prompt.ignored) {
        let (person, phone) = (world.clone(), movement.phone.clone());
        world.spawn(async move {
            tokio::time::sleep(Duration::from_millis(behaviour.auto_answer_delay_ms)).await;
            // The prompt can be gone already; then there is nothing to answer.
            let _gone = answer(&person, &phone, &prompt.id, answer_kind);
        });
    }
}

/// Does what the person chose, and gives the state that the transaction is in then.
pub(crate) fn answer(world: &Arc<World>, phone: &str, prompt_id: &str, answer: Answer) -> Result<Status, Unanswerable> {
    let now = now_ms();
    let found = world.change(|draft| {
        let holds = |movement: &&Movement| movement.prompt.as_ref().is_some_and(|prompt| prompt.id == prompt_id);
        let Some(mut movement) = draft.movements_of(phone).find(holds).cloned() else {
            return Err(Unanswerable::Unknown);
        };
        if movement.waiting_prompt(now).is_none() {
            return Err(Unanswerable::Gone);
        }
        let Some(ending) = Ending::of(answer) else {
            if let Some(prompt) = &mut movement.prompt {
                prompt.ignored = true;
            }
            draft.record(Entry::Movement { movement: Box::new(movement) });
            return Ok((Status::Queued, None));
        };
        let due = decide(draft, &world.payhero, &movement.reference, ending, true, now).unwrap_or_default();
        let status = draft.movement(&movement.reference).map_or(Status::Queued, |movement| movement.status);
        Ok((status, Some((movement.reference, due))))
    });
    let (status, announce) = found.unwrap_or_else(|fault| {
        tracing::error!(%fault, "the journal cannot be written");
        Err(Unanswerable::Gone)
    })?;
    if let Some((reference, due)) = announce {
        send_later(world, &reference, due);
    }
    Ok(status)
}

/// Ends a transaction, unless it has ended, and announces it.
pub(crate) fn settle(world: &Arc<World>, reference: &str, ending: Ending) {
    match world.change(|draft| decide(draft, &world.payhero, reference, ending, true, now_ms())) {
        Ok(due) => send_later(world, reference, due.unwrap_or_default()),
        Err(fault) => tracing::error!(%fault, "the journal cannot be written"),
    }
}
