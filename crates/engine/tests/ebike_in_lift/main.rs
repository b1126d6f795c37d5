//! E-bikes in lifts, as stories with exact times: what a camera and a controller say, and all that comes out.

#[path = "../story/mod.rs"]
mod story;

mod cameras;
mod ends;
mod holds;
mod judged;
mod lift;
