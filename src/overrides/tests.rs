mod ending;
mod fixture;
mod meetings;
mod recipes;
mod simulated;
mod undoing;
