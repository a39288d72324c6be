//! The id that makes a call that creates or charges safe to repeat.

use uuid::Uuid;

/// A new `request_id`: keep it and send it again to repeat a call whose answer was lost.
pub fn new_request_id() -> String {
    Uuid::new_v4().to_string()
}

pub(crate) fn fill(request_id: &mut String) {
    if request_id.is_empty() {
        *request_id = new_request_id();
    }
}
