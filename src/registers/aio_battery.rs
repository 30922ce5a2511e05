//! A battery module of an all-in-one, at 0x50 and on: its page is that of a module of any high-voltage stack.

pub use super::hv_bmu::FIELDS;
