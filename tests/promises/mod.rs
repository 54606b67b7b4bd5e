//! One file a promise; its name is the sentence.

mod a_killed_command_loses_nothing;
mod answers_come_in_the_form_asked_for;
mod clusterings_are_judged;
mod clusters_can_be_edited;
mod datasets_are_edited_in_place;
mod each_picture_has_its_vector;
mod edits_can_be_tried_made_and_undone;
mod exports_never_overwrite_and_never_escape;
mod fiftyone_datasets_come_in_and_go_out;
mod import_again_adds_only_what_is_new;
mod import_reads_every_format;
mod import_survives_hostile_folders;
mod maps_are_drawn;
mod methods_check_their_arguments;
mod mistakes_are_explained;
mod own_vectors_are_taken_whole_or_not_at_all;
mod runs_can_be_listed_repeated_and_deleted;
mod several_processes_share_a_store;
mod streams_stay_clean;
mod the_architecture_page_is_true;
mod the_demo_does_the_whole_job;
mod the_guide_works;
mod the_machine_says_no;
mod the_reference_is_fresh;
mod views_are_kept_by_name;
