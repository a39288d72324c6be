//! Who people are: passwords, sign-ins, codes and links, for staff, owners, operators and customers alike. The platform's own row is
//! the tenant of operators. Rows of customers themselves are another slice's.

pub mod code;
pub mod invitation;
mod keys;
pub mod link;
mod password;
pub mod passwords;
mod refresh;
pub mod sending;
mod session;
mod sign_in;
pub mod sign_ins;
pub mod staff;
mod tidy;
mod token;
mod user;

pub use keys::{keep_current as keep_keys_current, key_loads, read_token, reseal_keys, rotate_keys};
pub use password::{Passwords, tell_of_groups};
pub use refresh::refresh;
pub use session::{Grant, LIVES as SESSION_LIVES, Live, Tokens, by_cookie, by_token, end_all, open_session, sign_out, sign_out_cookie};
pub use sign_in::{SignedIn, check_password, sign_in};
pub use tidy::tidy;
pub use token::{Claims, KeyInfo, TokenKeys};
pub use user::{
    NewUser, User, UserChange, all_of as all_users, change as change_user, create as create_user, disable, drop_email, find_by_identifier, get as get_user,
    is_password, lock as lock_user, set_password, taken,
};
