mod accepting;
mod families;
pub(crate) mod fixture;
mod formulas;
mod nothing_unread;
mod probing;
