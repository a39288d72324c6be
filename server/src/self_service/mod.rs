//! What customers do for themselves: register, prove phone and mailbox, sign in, look after their account. What a customer is, and who
//! may become one, is decided in `customer`.

mod account;
mod change;
mod code;
mod email;
mod invitation;
mod login;
mod phone;
mod profile;
mod register;
mod words;

pub use account::{ProfileChange, close_account, update_profile};
pub use change::{confirm_phone_change, request_email_change, request_phone_change};
pub use email::{resend_verification_email, verify_email};
pub use invitation::accept_invitation;
pub use login::{LoggedIn, login};
pub use phone::{resend_otp, verify_phone};
pub use profile::{Profile, profile};
pub use register::{Registered, Registration, register};
