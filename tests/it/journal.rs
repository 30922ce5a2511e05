//! Real processes, ended at random moments while they run an override; what the next one finds is complete.
