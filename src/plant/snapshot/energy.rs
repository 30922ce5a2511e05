//! Energy counters, declared once, so that what is done to all of them forgets none.

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// Energy counters of one plant, kWh; those that its family does not have stay `None`.
        #[derive(Clone, Debug, Default, PartialEq)]
        pub struct Energy {
            $($(#[$doc])* pub $name: Option<f64>,)*
        }

        impl Energy {
            /// The counters' names, in the order of [`Self::each`].
            pub const NAMES: &'static [&'static str] = &[$(stringify!($name),)*];

            /// Every counter with its name.
            pub fn each(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
                Self::NAMES.iter().copied().zip([$(self.$name,)*])
            }

            /// Every counter with its name, to be changed.
            pub fn each_mut(&mut self) -> impl Iterator<Item = (&'static str, &mut Option<f64>)> {
                Self::NAMES.iter().copied().zip([$(&mut self.$name,)*])
            }
        }
    };
}

counters! {
    /// From the sun.
    pv,
    /// From the first string, where strings are counted apart.
    pv_string_1,
    /// From the second string, where strings are counted apart.
    pv_string_2,
    /// From the grid.
    import,
    /// To the grid.
    export,
    /// To the grid by the second meter of a three-phase inverter.
    export_2,
    /// Into the inverter from the AC side.
    ac_charge,
    /// Out of a gateway's all-in-ones to the AC side.
    ac_discharge,
    /// Out of the inverter to the AC side.
    inverter,
    /// Into the battery.
    battery_charge,
    /// Out of the battery.
    battery_discharge,
    /// Through the battery, both ways.
    battery_throughput,
    /// Into the batteries of all inverters in parallel.
    parallel_charge,
    /// Out of the batteries of all inverters in parallel.
    parallel_discharge,
    /// Made by all generators behind a plant controller.
    generation,
    /// What the house used.
    load,
    /// What of the sun was not exported.
    self_consumption,
}
