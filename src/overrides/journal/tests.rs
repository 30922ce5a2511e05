mod copies;
mod crashes;
mod fixture;
mod places;
mod power_cuts;
mod steps;
