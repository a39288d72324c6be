//! The stand-ins as a merchant meets them: over HTTP, with the bodies of PayHero's and Africa's Talking's own pages.

mod asking;
mod callbacks;
mod collecting;
mod messages;
mod paying_out;
mod restart;
mod stand;
