//! Signing in and staying signed in, for staff, owners and operators. The platform's own row is the tenant of operators.

pub mod code;
pub mod link;
mod password;
mod refresh;
mod sign_in;
mod token;
mod user;

pub use password::Passwords;
pub use refresh::{is_live, refresh, sign_out};
pub use sign_in::{SignedIn, Tokens, sign_in};
pub use token::{Claims, TokenKeys};
pub use user::{NewUser, User, create as create_user, get as get_user};
