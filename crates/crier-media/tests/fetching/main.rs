//! Fetching images from hosts on the loopback (feed 7.4, section 12): what is asked, what each answer means, and where the worst
//! of them is left.

mod answers;
mod detours;
mod forbidden;
mod hosts;
mod spellings;
mod world;
