//! Addresses and their meaning: one table a device family, one line a field; the image of what was read; and the pure
//! plan of which blocks to read.
//!
//! The facts are the vendor's, as collected and tested by those who came before: register lists of the
//! `givenergy-modbus` library 2.13.0 held against captures of real plants. No I/O, no clock.

pub mod aio_battery;
mod build;
pub mod ems;
pub mod enums;
mod field;
pub mod gateway;
pub mod gateway_v2;
pub mod hv_bcu;
pub mod hv_bmu;
mod image;
mod kind;
pub mod lv_battery;
pub mod lv_bcu;
pub mod meter;
pub mod meter_product;
pub mod plan;
pub mod single_phase;
pub mod three_phase;
mod value;

pub use field::{Field, RawStyle};
pub use image::{Commit, RegisterImage, View};
pub use kind::{Kind, Unit};
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

/// The fields of a family that has those of another beside its own: `base` without those that `own` has by the same name
/// and without those that are `absent`, then `own`.
fn inherited(
    base: &'static [&'static Field],
    own: &'static [&'static Field],
    absent: &'static [&'static str],
) -> Vec<&'static Field> {
    let kept =
        base.iter().filter(|field| !absent.contains(&field.name) && own.iter().all(|own| own.name != field.name));
    kept.chain(own).copied().collect()
}

#[cfg(test)]
mod tests;
