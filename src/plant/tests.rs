mod accepting;
pub(crate) mod fixture;
mod formulas;
mod nothing_unread;
mod probing;
