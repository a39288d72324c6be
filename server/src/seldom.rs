//! Telling an operator of a lasting trouble now and then, not once for each thing that it touches.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use chrono::TimeDelta;

use crate::clock::Time;

/// When this process told of what last.
#[derive(Default)]
pub struct Seldom(Mutex<HashMap<String, Time>>);

impl Seldom {
    /// Whether to tell of it now: the first time, and then at most once in `every`. Keys must be few: they are kept.
    pub fn tell(&self, key: &str, every: TimeDelta, now: Time) -> bool {
        let mut told = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if told.get(key).is_some_and(|last| now < *last + every) {
            return false;
        }
        told.insert(key.to_owned(), now);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_told_once_in_its_time() {
        let seldom = Seldom::default();
        let at = |seconds| Time::from_timestamp(seconds, 0).expect("a time");
        let minute = TimeDelta::minutes(1);
        let told: Vec<bool> = [0, 10, 59, 60, 61].into_iter().map(|seconds| seldom.tell("sms", minute, at(seconds))).collect();
        assert_eq!(told, [true, false, false, true, false]);
        assert!(seldom.tell("mail", minute, at(10)));
    }
}
