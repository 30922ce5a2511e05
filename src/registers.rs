//! Addresses and their meaning: one table a device family, one line a field; the image of what was read; and the pure
//! plan of which blocks to read.
//!
//! The facts are the vendor's, as collected and tested by those who came before: register lists of the
//! `givenergy-modbus` library 2.13.0 held against captures of real plants. No I/O, no clock.

mod build;
pub mod enums;
mod field;
mod image;
pub mod lv_battery;
pub mod lv_bcu;
pub mod meter;
pub mod meter_product;
pub mod plan;
pub mod single_phase;
mod value;

pub use field::{Field, Kind, RawStyle, Unit};
pub use image::{Commit, RegisterImage, View};
pub use value::{Slot, Value};

/// Makes a table: each line becomes a `static` of the field's own name, and all of them, in order, `FIELDS`.
macro_rules! table {
    ($($bank:ident { $($name:ident = $field:expr;)* })*) => {
        use $crate::registers::Field;
        $($(
            #[allow(non_upper_case_globals, missing_docs, reason = "a field is called what it is called in the field")]
            pub static $name: Field = $field.named(stringify!($name), $crate::frame::Bank::$bank);
        )*)*

        /// Every field of this family, in address order.
        pub static FIELDS: &[&Field] = &[$($(&$name,)*)*];
    };
}
pub(crate) use table;

#[cfg(test)]
mod tests;
