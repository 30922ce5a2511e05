mod allowed;
mod families;
mod fixture;
mod parsing;
mod planning;
mod properties;
mod read_back;
