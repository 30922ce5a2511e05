mod allowed;
mod families;
pub(crate) mod fixture;
mod parsing;
mod planning;
mod properties;
mod read_back;
