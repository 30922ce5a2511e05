//! What the fuzz targets share: true plants from the simulator, what must hold of what is published, and seeds.

pub mod published;
pub mod reader;
pub mod seeds;
pub mod truth;
