//! Every published value, declared once: where it goes, what it is, and how it is had from a snapshot.
//!
//! Topics, and later discovery, REST, metrics and the table in the documentation, come from here. Leaf names, units and
//! formats are GivTCP's, spelling included (`Invertor_…`), since people's dashboards hang on them.

mod entries;
mod families;
mod layout;
mod lookup;
mod page;
mod quantity;
mod raw;
mod role;
mod smoothing;
mod tree;

pub use entries::{AIO, BATTERY, EMS_INVERTER, Entry, METER, MODULE, PERIOD, PLANT, STACK, Source};
pub use families::Families;
pub use layout::{Layout, as_json, leaf_json};
pub use lookup::quantity_of;
pub use page::values_page;
pub use quantity::Quantity;
pub use role::Role;
pub use smoothing::Smoother;
pub use tree::{Leaf, Notice, Payload, Tree};

#[cfg(test)]
mod tests;
