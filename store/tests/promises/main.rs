//! What the store promises, one file a promise.

mod a_failed_write_ends_the_writing;
mod a_killed_writer_loses_nothing_acknowledged;
mod a_power_cut_loses_nothing_acknowledged;
#[cfg(unix)]
mod another_terminal_is_served_by_the_owner;
mod any_sequence_of_changes_reads_as_in_memory;
mod commits_are_read_back;
mod damage_is_found_and_repaired;
mod names_are_harmless;
mod newer_formats_are_refused;
mod readers_and_writers_do_not_disturb_each_other;
mod workload;
mod world;
