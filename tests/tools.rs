//! Against other tools and the real glibc: `mtrace(1)`, `addr2line`, and programs compiled here.
//!
//! A test whose tools are missing on a machine is ignored, and its name says what it needs.

#![allow(clippy::unwrap_used)] // a test that cannot go on fails

#[path = "record/blame.rs"]
mod blame;
#[path = "record/built.rs"]
mod built;
#[path = "record/capture.rs"]
mod capture;
#[path = "record/changed.rs"]
mod changed;
#[path = "it/common.rs"]
mod common;
#[path = "record/counted.rs"]
mod counted;
#[path = "record/gate.rs"]
mod gate;
#[path = "record/glibc.rs"]
mod glibc;
#[path = "record/guarded.rs"]
mod guarded;
#[path = "live/kin.rs"]
mod kin;
#[path = "record/programs.rs"]
mod programs;
#[path = "record/recorder.rs"]
mod recorder;
#[path = "record/replaced.rs"]
mod replaced;
#[path = "record/said.rs"]
mod said;
#[path = "record/split_lines.rs"]
mod split_lines;
#[path = "record/stacks.rs"]
mod stacks;
#[path = "record/unwind.rs"]
mod unwind;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use common::{
    file_of, has_tool, json, linked, live, mtrace_diff, output_of, plain_libc, site, stdout_of,
};
use libtest_mimic::{Arguments, Trial};
use serde_json::Value;
use tempfile::TempDir;

fn main() {
    let mut arguments = Arguments::from_args();
    // Many of these wait for a program that waits.
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    arguments
        .test_threads
        .get_or_insert(cores + cores.div_ceil(2));
    let trials = vec![
        // First what waits the longest.
        trial(
            "capture_script_ends_the_program",
            &["gcc", "busybox"],
            capture::ends_the_program,
        ),
        trial(
            "capture_script_ends_when_the_user_wants_it",
            &["gcc", "busybox"],
            capture::ends_when_the_user_wants_it,
        ),
        trial(
            "lines_of_a_cxx_program_are_blamed_as_its_source_says",
            &["g++"],
            blame::lines_of_a_cxx_program,
        ),
        trial(
            "lines_of_a_cxx_program_on_arm_are_blamed_as_its_source_says",
            &[
                "arm-linux-gnueabihf-gcc",
                "arm-linux-gnueabihf-g++",
                "qemu-arm",
            ],
            blame::lines_of_a_cxx_program_on_arm,
        ),
        trial(
            "lines_of_a_glib_program_are_blamed_as_its_source_says",
            &["gcc", "pkg-config:glib-2.0"],
            blame::lines_of_a_glib_program,
        ),
        trial(
            "two_leaks_through_one_wrapper_are_two_rows",
            &["gcc"],
            blame::wrappers_of_every_shape,
        ),
        trial(
            "a_renamed_caller_and_a_split_function_make_nothing_new",
            &["gcc"],
            blame::renamed_and_split_callers,
        ),
        trial(
            "a_function_with_another_signature_or_scope_is_the_same",
            &["g++"],
            changed::a_function_with_another_signature_or_scope_is_the_same,
        ),
        trial(
            "builds_of_one_build_id_and_size_are_two",
            &["g++"],
            changed::builds_of_one_build_id_and_size_are_two,
        ),
        trial(
            "of_several_overloads_none_is_taken_for_another",
            &["g++"],
            changed::of_several_overloads_none_is_taken_for_another,
        ),
        trial(
            "a_function_that_moved_to_another_library_is_the_same",
            &["gcc"],
            changed::a_function_that_moved_to_another_library_is_the_same,
        ),
        trial(
            "an_inline_function_of_a_header_that_another_module_has_is_the_same",
            &["g++"],
            changed::an_inline_function_of_a_header_that_another_module_has_is_the_same,
        ),
        trial(
            "rows_that_split_or_merge_say_so",
            &["gcc"],
            blame::rows_that_split_or_merge_say_so,
        ),
        trial(
            "recursion_that_is_inlined_otherwise_makes_nothing_new",
            &["gcc"],
            blame::recursion_that_is_inlined_otherwise,
        ),
        trial(
            "cxx_and_threads_agree_with_glibcs_log",
            &["gcc", "g++"],
            blame::agree_with_glibc,
        ),
        trial(
            "a_filter_says_what_cut_stacks_may_belong_to_it",
            &["gcc"],
            blame::cut_stacks_are_counted,
        ),
        trial(
            "unwind_rows_equal_readelf",
            &["gcc", "readelf"],
            unwind::rows_equal_readelf,
        ),
        trial(
            "figures_are_those_of_the_source",
            &["gcc"],
            recorder::figures_are_those_of_the_source,
        ),
        trial(
            "a_long_quiet_run_stays_in_its_window",
            &["gcc"],
            guarded::a_long_quiet_run_stays_in_its_window,
        ),
        trial(
            "tables_grow_and_shrink_in_their_own_memory",
            &["gcc"],
            guarded::tables_grow_and_shrink_in_their_own_memory,
        ),
        trial(
            "a_log_that_ends_amid_an_entry_harms_nothing",
            &["gcc"],
            guarded::a_log_that_ends_amid_an_entry_harms_nothing,
        ),
        trial(
            "children_leave_the_window_of_their_parent_alone",
            &["gcc"],
            guarded::children_leave_the_window_of_their_parent_alone,
        ),
        trial(
            "a_program_that_is_given_and_not_used_is_said",
            &["gcc"],
            said::a_program_that_is_given_and_not_used_is_said,
        ),
        trial(
            "a_leak_below_cut_stacks_is_not_fixed",
            &["gcc"],
            said::a_leak_below_cut_stacks_is_not_fixed,
        ),
        trial(
            "a_recording_is_not_spoken_of_as_a_log",
            &["gcc"],
            said::a_recording_is_not_spoken_of_as_a_log,
        ),
        trial(
            "debug_information_is_missed_where_it_would_help",
            &["gcc", "g++"],
            said::debug_information_is_missed_where_it_would_help,
        ),
        trial(
            "a_table_that_is_not_needed_is_said",
            &["gcc"],
            said::a_table_that_is_not_needed_is_said,
        ),
        trial(
            "two_programs_of_one_library_are_two",
            &["g++"],
            said::two_programs_of_one_library_are_two,
        ),
        trial(
            "an_error_fits_the_terminal",
            &["script", "stty"],
            said::an_error_fits_the_terminal,
        ),
        trial(
            "every_way_to_get_memory",
            &["gcc"],
            recorder::every_way_to_get_memory,
        ),
        trial(
            "threads_and_their_frees",
            &["gcc"],
            recorder::threads_and_their_frees,
        ),
        trial(
            "children_have_recordings_of_their_own",
            &["gcc"],
            recorder::children_have_recordings_of_their_own,
        ),
        trial(
            "children_that_are_not_judged_are_named",
            &["gcc"],
            gate::children_that_are_not_judged_are_named,
        ),
        trial(
            "a_line_of_a_template_is_judged_in_all_its_instances",
            &["g++"],
            gate::a_line_of_a_template_is_judged_in_all_its_instances,
        ),
        trial(
            "a_line_that_is_inlined_is_judged_in_all_its_callers",
            &["gcc"],
            gate::a_line_that_is_inlined_is_judged_in_all_its_callers,
        ),
        trial(
            "what_a_wrapper_keeps_itself_is_judged_in_all_its_callers",
            &["gcc"],
            gate::what_a_wrapper_keeps_itself_is_judged_in_all_its_callers,
        ),
        trial(
            "a_library_without_a_build_id_has_names",
            &["gcc"],
            gate::a_library_without_a_build_id_has_names,
        ),
        trial(
            "a_function_without_lines_is_judged_in_all_its_rows",
            &["gcc", "strip"],
            gate::a_function_without_lines_is_judged_in_all_its_rows,
        ),
        trial(
            "growth_without_a_verdict_that_another_caller_lost_is_named",
            &["gcc"],
            gate::growth_without_a_verdict_that_another_caller_lost_is_named,
        ),
        trial(
            "what_one_call_in_a_line_lost_hides_no_leak_of_another",
            &["gcc"],
            gate::what_one_call_in_a_line_lost_hides_no_leak_of_another,
        ),
        trial(
            "what_one_caller_lost_hides_nothing_that_was_held",
            &["gcc"],
            gate::what_one_caller_lost_hides_nothing_that_was_held,
        ),
        trial(
            "a_summary_that_was_counted_too_seldom_is_named",
            &["gcc"],
            gate::a_summary_that_was_counted_too_seldom_is_named,
        ),
        trial(
            "equal_runs_have_held_the_same",
            &["gcc"],
            gate::equal_runs_have_held_the_same,
        ),
        trial(
            "what_one_caller_lost_hides_no_leak_of_another",
            &["gcc"],
            gate::what_one_caller_lost_hides_no_leak_of_another,
        ),
        trial(
            "an_own_library_or_header_with_a_librarys_names_is_judged",
            &["gcc"],
            gate::an_own_library_or_header_with_a_librarys_names_is_judged,
        ),
        trial(
            "what_one_caller_lost_hides_no_leak_of_a_wrapper",
            &["gcc"],
            gate::what_one_caller_lost_hides_no_leak_of_a_wrapper,
        ),
        trial(
            "what_callers_of_a_wrapper_held_until_the_exit_is_summed",
            &["gcc"],
            gate::what_callers_of_a_wrapper_held_until_the_exit_is_summed,
        ),
        trial(
            "a_function_of_the_program_with_a_librarys_name_is_its_own",
            &["gcc"],
            gate::a_function_of_the_program_with_a_librarys_name_is_its_own,
        ),
        trial(
            "a_run_that_did_not_do_its_work_is_said",
            &["gcc"],
            gate::a_run_that_did_not_do_its_work_is_said,
        ),
        trial(
            "a_process_that_went_on_unrecorded_is_said",
            &["gcc"],
            gate::a_process_that_went_on_unrecorded_is_said,
        ),
        trial(
            "a_crash_after_a_failure_or_an_early_one_is_said",
            &["gcc"],
            gate::a_crash_after_a_failure_or_an_early_one_is_said,
        ),
        trial(
            "a_program_that_had_to_be_killed_is_said",
            &["gcc"],
            gate::a_program_that_had_to_be_killed_is_said,
        ),
        trial(
            "with_glibc_what_launched_a_daemon_is_compared",
            &["gcc"],
            gate::with_glibc_what_launched_a_daemon_is_compared,
        ),
        trial(
            "what_a_long_stop_frees_was_leaked",
            &["gcc"],
            gate::what_a_long_stop_frees_was_leaked,
        ),
        trial(
            "a_daemon_that_is_killed_is_said",
            &["gcc"],
            gate::a_daemon_that_is_killed_is_said,
        ),
        trial(
            "what_is_allocated_past_the_recorder_is_said",
            &["gcc"],
            gate::what_is_allocated_past_the_recorder_is_said,
        ),
        trial(
            "frees_of_a_parents_blocks_are_no_sign_of_another_allocator",
            &["gcc"],
            gate::frees_of_a_parents_blocks_are_no_sign_of_another_allocator,
        ),
        trial(
            "an_allocator_of_the_programs_own_is_said",
            &["gcc"],
            gate::an_allocator_of_the_programs_own_is_said,
        ),
        trial(
            "huge_blocks_have_their_size",
            &["gcc"],
            counted::huge_blocks_have_their_size,
        ),
        trial(
            "recordings_made_by_hand_know_each_other",
            &["gcc"],
            gate::recordings_made_by_hand_know_each_other,
        ),
        trial(
            "what_is_started_with_another_environment_is_recorded",
            &["gcc"],
            gate::what_is_started_with_another_environment_is_recorded,
        ),
        trial(
            "a_line_of_a_header_is_judged_in_all_plug_ins",
            &["gcc"],
            gate::a_line_of_a_header_is_judged_in_all_plug_ins,
        ),
        trial(
            "with_glibc_a_capture_made_by_hand_is_not_written_over",
            &["gcc"],
            glibc::a_capture_made_by_hand_is_not_written_over,
        ),
        trial(
            "a_daemon_of_its_own_session_is_followed_and_judged",
            &["gcc"],
            gate::a_daemon_of_its_own_session_is_followed_and_judged,
        ),
        trial(
            "a_pool_that_is_gone_hides_no_new_leak",
            &["gcc"],
            gate::a_pool_that_is_gone_hides_no_new_leak,
        ),
        trial(
            "a_filter_that_keeps_nothing_is_no_pass",
            &["gcc"],
            gate::a_filter_that_keeps_nothing_is_no_pass,
        ),
        trial(
            "code_made_at_run_time_is_judged_as_a_whole",
            &["gcc"],
            gate::code_made_at_run_time_is_judged_as_a_whole,
        ),
        trial(
            "a_summary_loses_nothing_however_the_program_ends",
            &["gcc"],
            gate::a_summary_loses_nothing_however_the_program_ends,
        ),
        trial(
            "counts_of_a_child_are_not_its_parents",
            &["gcc"],
            gate::counts_of_a_child_are_not_its_parents,
        ),
        trial(
            "a_summary_without_its_last_counts_is_partial",
            &["gcc"],
            gate::a_summary_without_its_last_counts_is_partial,
        ),
        trial(
            "a_recording_is_no_second_run_of_itself",
            &["gcc"],
            gate::a_recording_is_no_second_run_of_itself,
        ),
        trial(
            "a_recording_that_fails_leaves_no_earlier_one",
            &["gcc"],
            gate::a_recording_that_fails_leaves_no_earlier_one,
        ),
        trial(
            "a_map_does_not_make_one_file_of_two",
            &["gcc"],
            gate::a_map_does_not_make_one_file_of_two,
        ),
        trial(
            "what_was_run_before_exec_is_no_child",
            &["gcc"],
            gate::what_was_run_before_exec_is_no_child,
        ),
        trial(
            "what_replaces_what_was_level_is_named",
            &["gcc"],
            replaced::what_replaces_what_was_level_is_named,
        ),
        trial(
            "what_leaks_faster_in_place_of_a_table_is_named",
            &["gcc"],
            replaced::what_leaks_faster_in_place_of_a_table_is_named,
        ),
        trial(
            "batches_that_go_again_are_no_rate",
            &["gcc"],
            replaced::batches_that_go_again_are_no_rate,
        ),
        trial(
            "what_replaces_a_table_is_named",
            &["gcc"],
            replaced::what_replaces_a_table_is_named,
        ),
        trial(
            "what_replaces_a_table_by_its_bytes_is_named",
            &["gcc"],
            replaced::what_replaces_a_table_by_its_bytes_is_named,
        ),
        trial(
            "what_replaces_a_table_is_named_in_a_summary",
            &["gcc"],
            replaced::what_replaces_a_table_is_named_in_a_summary,
        ),
        trial(
            "a_buffer_that_grew_to_twice_its_size_is_no_less_for_the_exit",
            &["gcc"],
            replaced::a_buffer_that_grew_to_twice_its_size_is_no_less_for_the_exit,
        ),
        trial(
            "a_peak_of_the_first_run_hides_nothing",
            &["gcc"],
            replaced::a_peak_of_the_first_run_hides_nothing,
        ),
        trial(
            "what_one_caller_held_hides_nothing_of_another",
            &["gcc"],
            replaced::what_one_caller_held_hides_nothing_of_another,
        ),
        trial(
            "an_operator_new_of_a_class_is_a_wrapper",
            &["g++"],
            replaced::an_operator_new_of_a_class_is_a_wrapper,
        ),
        trial(
            "what_was_leaked_before_a_daemon_was_one_is_named",
            &["gcc"],
            gate::what_was_leaked_before_a_daemon_was_one_is_named,
        ),
        trial(
            "a_helper_that_goes_on_is_not_the_run",
            &["gcc"],
            gate::a_helper_that_goes_on_is_not_the_run,
        ),
        trial(
            "a_fork_that_cannot_be_recorded_is_named",
            &["gcc"],
            gate::a_fork_that_cannot_be_recorded_is_named,
        ),
        trial(
            "a_line_that_was_split_leaks_no_more",
            &["gcc"],
            split_lines::a_line_that_was_split_leaks_no_more,
        ),
        trial(
            "a_line_that_was_split_and_leaks_fails",
            &["gcc"],
            split_lines::a_line_that_was_split_and_leaks_fails,
        ),
        trial(
            "what_a_caller_drops_late_hides_no_leak_of_another",
            &["gcc"],
            replaced::what_a_caller_drops_late_hides_no_leak_of_another,
        ),
        trial(
            "a_fork_that_glibc_cannot_log_is_named",
            &["gcc"],
            gate::a_fork_that_glibc_cannot_log_is_named,
        ),
        trial(
            "too_few_counts_are_refused_if_strict",
            &["gcc"],
            replaced::too_few_counts_are_refused_if_strict,
        ),
        trial(
            "events_behind_a_pause_have_their_time",
            &["gcc"],
            recorder::events_behind_a_pause_have_their_time,
        ),
        trial(
            "a_daemon_that_ends_by_itself_is_the_run",
            &["gcc"],
            recorder::a_daemon_that_ends_by_itself_is_the_run,
        ),
        trial(
            "a_caller_that_lost_less_than_half_hides_no_leak_of_another",
            &["gcc"],
            replaced::a_caller_that_lost_less_than_half_hides_no_leak_of_another,
        ),
        trial(
            "what_is_kept_after_the_start_in_place_of_a_table_is_named",
            &["gcc"],
            replaced::what_is_kept_after_the_start_in_place_of_a_table_is_named,
        ),
        trial(
            "a_longer_run_of_a_leak_beside_what_expires_fails",
            &["gcc"],
            replaced::a_longer_run_of_a_leak_beside_what_expires_fails,
        ),
        trial(
            "a_killed_program_loses_nothing",
            &["gcc"],
            recorder::a_killed_program_loses_nothing,
        ),
        trial(
            "closed_descriptors_harm_neither_side",
            &["gcc"],
            recorder::closed_descriptors_harm_neither_side,
        ),
        trial(
            "plugins_that_take_turns_keep_their_names",
            &["gcc"],
            recorder::plugins_that_take_turns_keep_their_names,
        ),
        trial(
            "handlers_that_allocate_break_nothing",
            &["gcc"],
            recorder::handlers_that_allocate_break_nothing,
        ),
        trial(
            "a_quiet_end_belongs_to_the_run",
            &["gcc"],
            recorder::a_quiet_end_belongs_to_the_run,
        ),
        trial(
            "a_process_that_began_late_ends_with_its_run",
            &["gcc"],
            recorder::a_process_that_began_late_ends_with_its_run,
        ),
        trial(
            "an_allocator_that_calls_itself_loses_nothing",
            &["gcc"],
            recorder::an_allocator_that_calls_itself_loses_nothing,
        ),
        trial(
            "a_narrow_stack_is_wide_enough",
            &["gcc"],
            recorder::a_narrow_stack_is_wide_enough,
        ),
        trial(
            "a_deep_stack_keeps_its_inner_end",
            &["gcc"],
            recorder::a_deep_stack_keeps_its_inner_end,
        ),
        trial(
            "cxx_is_shown_at_its_own_lines",
            &["g++"],
            recorder::cxx_is_shown_at_its_own_lines,
        ),
        trial(
            "a_plugin_may_bring_the_cxx_library_along",
            &["g++"],
            recorder::a_plugin_may_bring_the_cxx_library_along,
        ),
        trial(
            "a_run_is_ended_as_it_was_asked",
            &["gcc"],
            recorder::a_run_is_ended_as_it_was_asked,
        ),
        trial(
            "two_runs_and_their_comparison_are_one_command",
            &["gcc"],
            recorder::two_runs_and_their_comparison_are_one_command,
        ),
        trial(
            "what_cannot_be_recorded_is_said",
            &["gcc"],
            recorder::what_cannot_be_recorded_is_said,
        ),
        trial(
            "a_log_that_may_not_grow_ends_and_says_so",
            &["gcc"],
            recorder::a_log_that_may_not_grow_ends_and_says_so,
        ),
        trial(
            "a_limit_for_files_ends_the_recording_alone",
            &["gcc"],
            recorder::a_limit_for_files_ends_the_recording_alone,
        ),
        trial(
            "a_recording_becomes_an_mtrace_log",
            &["gcc"],
            recorder::a_recording_becomes_an_mtrace_log,
        ),
        trial(
            "a_pipe_takes_a_recording",
            &["gcc"],
            recorder::a_pipe_takes_a_recording,
        ),
        trial(
            "one_run_is_compared_with_itself",
            &["gcc"],
            recorder::one_run_is_compared_with_itself,
        ),
        trial(
            "the_recorder_is_built_for_other_machines",
            &["gcc"],
            recorder::the_recorder_is_built_for_other_machines,
        ),
        trial(
            "jq_counts_as_under_valgrind",
            &["/usr/bin/jq", "valgrind"],
            programs::jq_counts_as_under_valgrind,
        ),
        trial(
            "sqlite_counts_as_under_valgrind",
            &["/usr/bin/sqlite3", "valgrind"],
            programs::sqlite_counts_as_under_valgrind,
        ),
        trial(
            "python_counts_as_under_valgrind",
            &["/usr/bin/python3", "valgrind"],
            programs::python_counts_as_under_valgrind,
        ),
        trial(
            "git_and_its_children",
            &["/usr/bin/git", "valgrind"],
            programs::git_and_its_children,
        ),
        trial(
            "mosquitto_keeps_what_its_clients_retain",
            &["/usr/sbin/mosquitto", "mosquitto_pub"],
            programs::mosquitto_keeps_what_its_clients_retain,
        ),
        trial(
            "nginx_and_its_workers",
            &["/usr/sbin/nginx"],
            programs::nginx_and_its_workers,
        ),
        trial(
            "arm_under_qemu",
            &["qemu-arm", "arm-linux-gnueabihf-gcc"],
            programs::arm_under_qemu,
        ),
        trial(
            "aarch64_under_qemu",
            &["qemu-aarch64", "aarch64-linux-gnu-gcc"],
            programs::aarch64_under_qemu,
        ),
        trial(
            "a_recording_comes_through_a_pipe",
            &["gcc"],
            programs::a_recording_comes_through_a_pipe,
        ),
        trial("a_musl_program", &["musl-gcc"], programs::a_musl_program),
        trial(
            "python_leaves_what_was_counted",
            &["gcc", "python3", "valgrind"],
            counted::python_leaves_what_was_counted,
        ),
        trial(
            "python_threads_free_for_each_other",
            &["gcc", "python3"],
            counted::python_threads_free_for_each_other,
        ),
        trial(
            "jq_leaves_what_was_counted",
            &["gcc", "jq", "valgrind"],
            counted::jq_leaves_what_was_counted,
        ),
        trial(
            "sqlite_leaves_what_was_counted",
            &["gcc", "sqlite3", "valgrind"],
            counted::sqlite_leaves_what_was_counted,
        ),
        trial(
            "git_leaves_what_was_counted",
            &["gcc", "git"],
            counted::git_leaves_what_was_counted,
        ),
        trial(
            "mosquitto_holds_what_was_counted",
            &["gcc", "mosquitto", "mosquitto_pub"],
            counted::mosquitto_holds_what_was_counted,
        ),
        trial(
            "nginx_and_its_workers_hold_what_was_counted",
            &["gcc", "nginx"],
            counted::nginx_and_its_workers_hold_what_was_counted,
        ),
        trial(
            "a_musl_program_is_recorded",
            &["musl-gcc"],
            counted::a_musl_program_is_recorded,
        ),
        trial(
            "leaks_behind_wrappers_stand_at_their_lines",
            &["gcc"],
            stacks::leaks_behind_wrappers,
        ),
        trial(
            "a_changed_caller_makes_no_new_leak",
            &["gcc"],
            stacks::changed_callers,
        ),
        trial(
            "leaks_behind_wrappers_stand_at_their_lines_on_arm",
            &["arm-linux-gnueabihf-gcc", "qemu-arm"],
            stacks::on_arm,
        ),
        trial(
            "a_tree_of_callers_shares_what_they_have_in_common",
            &["gcc"],
            stacks::trees,
        ),
        trial("stacks_are_saved_and_read_again", &["gcc"], stacks::saved),
        trial(
            "a_stripped_program_is_shown_at_the_calls_of_its_wrappers",
            &["gcc", "strip", "addr2line"],
            stacks::stripped,
        ),
        trial(
            "lines_of_a_recording_and_of_glibc_have_the_same_figures",
            &["gcc"],
            stacks::with_glibc,
        ),
        trial(
            "what_is_below_a_function_is_kept",
            &["gcc"],
            stacks::filters,
        ),
        trial(
            "a_log_without_stacks_tells_wrappers_by_size",
            &["gcc"],
            stacks::without_stacks,
        ),
        trial("cxx_containers_are_passed_over", &["g++"], stacks::cxx),
        trial(
            "glib_is_passed_over",
            &["gcc", "pkg-config:glib-2.0"],
            stacks::glib,
        ),
        trial(
            "with_glibc_news_are_lines_of_the_program",
            &["g++", "mtrace"],
            glibc::news_are_lines_of_the_program,
        ),
        trial(
            "with_glibc_a_child_has_a_log_of_its_own",
            &["gcc"],
            glibc::a_child_has_a_log_of_its_own,
        ),
        trial(
            "with_glibc_a_daemon_is_ended",
            &["gcc"],
            glibc::a_daemon_is_ended,
        ),
        trial(
            "with_glibc_what_glibc_lacks_is_refused",
            &["gcc"],
            glibc::what_glibc_lacks_is_refused,
        ),
        trial(
            "with_glibc_a_musl_program_has_no_mtrace",
            &["musl-gcc"],
            glibc::a_musl_program_has_no_mtrace,
        ),
        trial(
            "capture_script_leaves_a_run",
            &["gcc", "busybox"],
            capture::leaves_a_run,
        ),
        trial(
            "capture_script_keeps_input_and_words",
            &["gcc", "busybox"],
            capture::keeps_input_and_words,
        ),
        trial(
            "capture_script_tells_processes_apart",
            &["gcc", "busybox"],
            capture::tells_processes_apart,
        ),
        trial(
            "capture_script_writes_an_archive",
            &["gcc", "busybox"],
            capture::writes_an_archive,
        ),
        trial(
            "capture_script_passes_settings_on",
            &["gcc", "busybox"],
            capture::passes_settings_on,
        ),
        trial(
            "capture_script_says_what_is_wrong",
            &["gcc", "busybox"],
            capture::says_what_is_wrong,
        ),
        trial(
            "capture_script_passes_shellcheck",
            &["shellcheck"],
            capture::passes_shellcheck,
        ),
        trial(
            "show_format_mtrace_equals_mtrace",
            &["mtrace"],
            show_format_mtrace_equals_mtrace,
        ),
        trial(
            "threaded_logs_differ_only_where_mtrace_is_wrong",
            &["mtrace"],
            threaded_logs,
        ),
        trial(
            "names_and_lines_equal_addr2line",
            &["addr2line"],
            names_and_lines_equal_addr2line,
        ),
        trial("a_live_program", &["gcc"], a_live_program),
        trial(
            "a_live_program_in_a_path_that_can_hold_anything",
            &["gcc"],
            a_strange_path,
        ),
        trial(
            "a_live_program_at_a_fixed_address",
            &["gcc"],
            a_fixed_address,
        ),
        trial(
            "a_live_cxx_program_stands_at_operator_new",
            &["g++"],
            a_live_cxx_program,
        ),
        trial("a_live_threaded_program", &["gcc"], a_live_threaded_program),
        trial(
            "threads_that_are_never_joined_leak_in_the_loader",
            &["gcc"],
            unjoined_threads,
        ),
        trial(
            "a_program_that_changes_its_title_is_one_module",
            &["gcc"],
            changed_titles,
        ),
        trial(
            "a_name_of_many_callers_is_kept_once_and_cut",
            &["gcc"],
            endless_name,
        ),
        trial(
            "line_tables_that_unpack_without_end_are_refused",
            &["gcc", "objcopy"],
            endless_lines,
        ),
        trial("a_program_that_never_ends_well", &["gcc"], a_killed_program),
        trial("a_library_behind_a_link", &["gcc"], a_library_behind_a_link),
        trial(
            "a_wrapper_is_a_site_in_each_of_its_callers",
            &["gcc"],
            inlined_wrapper,
        ),
        trial(
            "a_library_that_was_replaced_is_not_believed",
            &["gcc"],
            replaced_library,
        ),
        trial(
            "a_library_that_was_updated_lends_no_names",
            &["gcc"],
            updated_library,
        ),
        trial(
            "split_debug_information_without_its_files_is_said",
            &["gcc"],
            split_without_files,
        ),
        trial(
            "debug_entries_nested_without_end_overflow_nothing",
            &["gcc", "nm"],
            deep_debug_entries,
        ),
        trial("a_live_fork_is_said", &["gcc"], live_fork),
        trial(
            "a_fork_without_a_half_record_is_said_where_addresses_tell",
            &["gcc"],
            fork_with_empty_buffer,
        ),
        trial(
            "a_fixed_build_id_makes_no_two_builds_one",
            &["gcc"],
            fixed_build_id,
        ),
        trial(
            "a_line_inlined_twice_into_one_function_is_told_apart",
            &["gcc"],
            inlined_twice,
        ),
        trial(
            "no_row_looks_like_another_whatever_rows_are",
            &["gcc"],
            inlined_at_every_grouping,
        ),
        trial(
            "a_way_that_leaks_where_its_line_does_not_is_said",
            &["gcc"],
            way_that_leaks,
        ),
        trial(
            "no_name_in_a_chain_is_mangled",
            &["g++"],
            chains_without_mangled_names,
        ),
        trial(
            "a_freed_sibling_takes_no_growth_away",
            &["gcc"],
            freed_sibling,
        ),
        trial(
            "a_static_function_of_another_file_is_another",
            &["gcc"],
            other_static,
        ),
        trial(
            "figures_of_a_live_fork_are_not_judged",
            &["gcc"],
            live_fork_at_the_gate,
        ),
        trial("a_live_daemon_that_closes_the_log", &["gcc"], live_daemon),
        trial(
            "separate_debug_files",
            &["gcc", "objcopy", "strip", "readelf"],
            separate_debug_files,
        ),
        trial(
            "lines_that_mtrace_looked_up_meet_those_of_a_log",
            &["mtrace", "addr2line"],
            lines_of_mtrace,
        ),
        trial(
            "a_program_stripped_of_lines_keeps_its_symbols",
            &["gcc", "strip"],
            stripped_of_lines,
        ),
        trial(
            "a_library_that_both_runs_loaded_is_not_another",
            &["gcc"],
            kin::quiet_library,
        ),
        trial(
            "a_file_that_both_builds_have_is_not_another",
            &["gcc"],
            kin::quiet_file,
        ),
        trial(
            "a_call_of_an_unchanged_function_is_not_another",
            &["gcc", "strip"],
            kin::quiet_call,
        ),
        trial(
            "lambdas_and_nested_functions_are_of_their_functions",
            &["gcc", "g++"],
            kin::nested_functions,
        ),
        trial(
            "static_functions_that_are_spelled_alike_are_two",
            &["gcc", "strip"],
            kin::namesakes,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit();
}

/// A test that is ignored, and says so, where a tool is missing.
fn trial(name: &str, tools: &[&str], test: fn()) -> Trial {
    let missing: Vec<&str> = tools
        .iter()
        .copied()
        .filter(|tool| !has_tool(tool))
        .collect();
    let name = match missing.as_slice() {
        [] => name.to_owned(),
        missing => format!("{name} (needs {})", missing.join(", ")),
    };
    Trial::test(name, move || {
        test();
        Ok(())
    })
    .with_ignored_flag(!missing.is_empty())
}

const SINGLE_THREADED: [&str; 8] = [
    "aarch64-glibc2.36",
    "s390x-glibc2.36",
    "armhf-glibc2.31",
    "armhf-glibc2.36",
    "armhf-static",
    "mips-glibc2.36",
    "amd64-nonpie",
    "amd64-cxx",
];

fn sorted_lines(text: &str) -> Vec<&str> {
    let mut lines: Vec<&str> = text.lines().collect();
    lines.sort_unstable();
    lines
}

fn mtrace(log: &Path) -> String {
    // mtrace exits with 1 where anything is left.
    String::from_utf8(output_of(Command::new("mtrace").arg(log)).stdout).unwrap()
}

fn show_format_mtrace_equals_mtrace() {
    for set in SINGLE_THREADED {
        for run in [format!("{set}/run0"), format!("{set}/run1")] {
            let ours = stdout_of(mtrace_diff().args(["show", &run, "--format", "mtrace"]));
            let theirs = mtrace(&file_of(&run, ".log"));
            assert!(theirs.contains("Memory not freed"), "{run}");
            assert_eq!(sorted_lines(&ours), sorted_lines(&theirs), "{run}");
        }
    }
    // Frees of blocks that are older than the log, a zero size, and nothing left.
    let log = "= Start\n@ a:[0x1] - 0x99\n@ a:[0x2] < 0x98\n@ a:[0x2] > 0x20 0x8\n@ a:[0x3] + 0x30 0\n@ a:[0x4] ! 0x20 0x7fff\n= End\n";
    let directory = TempDir::new().unwrap();
    for (name, text) in [
        ("odd.log", log),
        (
            "none.log",
            "= Start\n@ a:[0x1] + 0x10 0x8\n@ a:[0x1] - 0x10\n= End\n",
        ),
    ] {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        let ours =
            stdout_of(mtrace_diff().args(["show", path.to_str().unwrap(), "--format", "mtrace"]));
        assert_eq!(sorted_lines(&ours), sorted_lines(&mtrace(&path)), "{name}");
    }
}

/// What `mtrace PROGRAM LOG` printed, against a log: it gives lines, and neither functions nor modules.
fn lines_of_mtrace() {
    let (run0, run1) = ("armhf-static/run0", "armhf-static/run1");
    let program = file_of(run0, "collector");
    let printed = output_of(Command::new("mtrace").args([&program, &file_of(run0, ".log")])).stdout;
    let directory = TempDir::new().unwrap();
    let result = directory.path().join("mtrace0.result");
    fs::write(&result, printed).unwrap();
    let result = result.to_str().unwrap();
    let alone = json(&["show", result]);
    let both = json(&[result, run1]);
    // collector.c: 20 blocks of 64 bytes a minute, 12 of 16, and 3 of 100 in the shorter run.
    for (function, run0, run1) in [
        ("index_add", (40, 40 * 64), Some((60, 60 * 64))),
        ("config_load", (12, 12 * 16), Some((12, 12 * 16))),
        ("history_grow", (1, 160), Some((1, 240))),
    ] {
        let site = site(&both, function);
        assert_eq!(live(site), [Some(run0), run1], "{function}");
        assert_eq!(site["module"], "collector");
        let line = |other: &&Value| other["line"] == site["line"] && other["module"].is_null();
        let in_alone = alone["sites"]
            .as_array()
            .unwrap()
            .iter()
            .find(line)
            .unwrap();
        assert_eq!(live(in_alone), [Some(run0)], "{function}");
        assert_eq!(in_alone["function"], Value::Null);
    }
}

fn threaded_logs() {
    for run in ["amd64-threads/run0", "amd64-threads/run1"] {
        let ours = stdout_of(mtrace_diff().args(["show", run, "--format", "mtrace"]));
        let theirs = mtrace(&file_of(run, ".log"));
        // What it calls duplicates and blocks that were never allocated are frees logged late.
        assert!(theirs.contains(" duplicate: ") && !ours.contains("never alloc'd"));
        let of_job_keep = |text: &str| {
            text.lines()
                .filter(|line| line.contains("0x20  at"))
                .count()
        };
        assert_eq!(of_job_keep(&ours), if run.ends_with('0') { 16 } else { 24 });
    }
}

/// Every named site of the program, in both runs, looked up by addr2line at the byte before.
fn names_and_lines_equal_addr2line() {
    let mut checked = 0;
    for (set, program) in [
        ("armhf-glibc2.31", "app"),
        ("armhf-glibc2.36", "app"),
        ("mips-glibc2.36", "app"),
        ("armhf-static", "collector"),
        ("aarch64-glibc2.36", "collector"),
        ("s390x-glibc2.36", "collector"),
        ("amd64-nonpie", "collector"),
        ("amd64-cxx", "sessions"),
        ("amd64-threads", "workers"),
    ] {
        for run in 0..2 {
            let name = if program == "app" {
                format!("app{run}")
            } else {
                program.to_owned()
            };
            let directory = format!("{set}/run{run}");
            let document = json(&["show", &directory]);
            let sites = document["sites"].as_array().unwrap();
            for site in sites
                .iter()
                .filter(|site| site["module"] == name.as_str() && !site["line"].is_null())
            {
                for address in site["runs"][0]["addresses"].as_array().unwrap() {
                    let program = file_of(&directory, &name);
                    let theirs = addr2line(&program, address.as_str().unwrap());
                    assert_same_frames(&frames_of(site), &theirs);
                    checked += 1;
                }
            }
        }
    }
    assert!(checked > 40, "only {checked} addresses were compared");
}

/// Equal, but for one thing: of a static C++ function addr2line has the full name only where
/// nothing is inlined into it, and the bare one of DWARF elsewhere.
fn assert_same_frames(ours: &[(String, String)], theirs: &[(String, String)]) {
    let mut ours = ours.to_vec();
    if let (Some((our_name, _)), Some((their_name, _))) = (ours.last_mut(), theirs.last()) {
        let bare = our_name
            .split('(')
            .next()
            .unwrap()
            .rsplit("::")
            .next()
            .unwrap();
        if bare == their_name {
            *our_name = their_name.clone();
        }
    }
    assert_eq!(ours, theirs);
}

/// Function, file and line of each frame, innermost first.
fn frames_of(site: &Value) -> Vec<(String, String)> {
    let frames = site["frames"].as_array().unwrap().iter().map(|frame| {
        let place = format!("{}:{}", frame["file"].as_str().unwrap(), frame["line"]);
        (frame["function"].as_str().unwrap().to_owned(), place)
    });
    frames.collect()
}

fn addr2line(program: &Path, return_address: &str) -> Vec<(String, String)> {
    let address = u64::from_str_radix(return_address.trim_start_matches("0x"), 16).unwrap() - 1;
    let text = stdout_of(
        Command::new("addr2line")
            .args(["-f", "-i", "-C", "-e"])
            .arg(program)
            .arg(format!("{address:#x}")),
    );
    let lines: Vec<&str> = text.lines().collect();
    let without_discriminator =
        |place: &str| place.split(" (").next().unwrap_or_default().to_owned();
    lines
        .chunks(2)
        .map(|pair| (pair[0].to_owned(), without_discriminator(pair[1])))
        .collect()
}

/// A program compiled and run here, with its capture.
struct Live {
    directory: TempDir,
    run: PathBuf,
}

/// What every live program has: mtrace() at the start, its own maps saved at the end.
const PRELUDE: &str = r#"
#include <mcheck.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "save_maps.h"
"#;

impl Live {
    /// Compiles `source` behind the prelude with `compiler`, runs it as `name` under mtrace, and
    /// expects it to end with `status`.
    fn new(compiler: &[&str], name: &str, source: &str, status: Option<i32>) -> Self {
        let directory = TempDir::new().unwrap();
        let extension = if compiler[0] == "g++" { "cc" } else { "c" };
        let run = directory
            .path()
            .join("run")
            .join(name)
            .parent()
            .unwrap()
            .to_path_buf();
        fs::create_dir_all(&run).unwrap();
        let path = directory.path().join("live").with_extension(extension);
        fs::write(&path, format!("{PRELUDE}\n#line 1\n{source}")).unwrap();
        let program = run.join(Path::new(name).file_name().unwrap());
        let include = common::testdata().join("src");
        stdout_of(
            Command::new(compiler[0])
                .args(&compiler[1..])
                .arg("-g")
                .arg("-I")
                .arg(include)
                .arg("-o")
                .arg(&program)
                .arg(&path),
        );
        let live = Live { directory, run };
        live.trace(&program, status);
        live
    }

    fn trace(&self, program: &Path, status: Option<i32>) {
        let start = self.directory.path().join("run");
        let relative = Path::new(".").join(program.strip_prefix(&start).unwrap());
        let output = output_of(
            Command::new(&relative)
                .current_dir(&start)
                .env("LD_PRELOAD", "libc_malloc_debug.so.0")
                .env("MALLOC_TRACE", self.run.join("mtrace.log"))
                .env("MAPS", self.run.join("maps")),
        );
        assert_eq!(
            output.status.code(),
            status,
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
    }

    fn show(&self) -> Value {
        json(&["show", self.run.to_str().unwrap()])
    }
}

const LEAKS: &str = r#"
__attribute__((noinline)) static void lose(int n) {
    char *volatile block = malloc(n);
    (void)block;
}
__attribute__((noinline)) static void grow(void) {
    char *volatile block = malloc(10);
    block = realloc(block, 100000);
    (void)block;
}
int main(void) {
    mtrace();
    for (int i = 0; i < 7; i++)
        lose(100);
    grow();
    free(malloc(5));
    if (getenv("MAPS"))
        save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}
"#;

fn check_leaks(document: &Value) {
    let lose = site(document, "lose");
    assert_eq!(live(lose), [Some((7, 700))]);
    assert_eq!(lose["line"], 3);
    // realloc moved the block: it is the realloc's now.
    let lines: BTreeMap<u64, Value> = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|site| site["function"] == "grow")
        .map(|site| (site["line"].as_u64().unwrap(), site["runs"][0].clone()))
        .collect();
    assert_eq!(lines[&7]["live"]["blocks"], 0);
    assert_eq!(
        lines[&8]["live"],
        serde_json::json!({"blocks": 1, "bytes": 100_000})
    );
    assert_eq!(document["runs"][0]["warnings"], Value::Array(vec![]));
}

fn a_live_program() {
    check_leaks(&Live::new(&["gcc", "-O1"], "app", LEAKS, Some(0)).show());
}

fn a_fixed_address() {
    let live = Live::new(&["gcc", "-O1", "-no-pie"], "app", LEAKS, Some(0));
    check_leaks(&live.show());
}

fn a_strange_path() {
    let live = Live::new(
        &["gcc", "-O1"],
        "sp ace/a:b/le(a)k[0x1] + 0x1 0x2",
        LEAKS,
        Some(0),
    );
    let document = live.show();
    check_leaks(&document);
    assert_eq!(site(&document, "lose")["module"], "le(a)k[0x1] + 0x1 0x2");
}

fn a_live_cxx_program() {
    let source = r#"
struct Session { char bytes[40]; };
__attribute__((noinline)) static void open_session() { Session *volatile s = new Session; (void)s; }
int main() { mtrace(); for (int i = 0; i < 9; i++) open_session(); save_maps(getenv("MAPS")); muntrace(); }
"#;
    let document = Live::new(&["g++", "-O1"], "app", source, Some(0)).show();
    // One frame is all that the log has: the immediate caller of malloc.
    let new = site(&document, "operator new(unsigned long)");
    assert_eq!(live(new), [Some((9, 360))]);
    assert!(new["module"].as_str().unwrap().starts_with("libstdc++.so"));
}

fn a_live_threaded_program() {
    let source = r#"
#include <pthread.h>
#include <malloc.h>
static void *work(void *unused) {
    for (int i = 0; i < 2000; i++) {
        char *volatile block = malloc(3000);
        free(block);
    }
    return malloc(77);
}
int main(void) {
    pthread_t threads[6];
    mallopt(M_ARENA_MAX, 1);
    mtrace();
    for (int i = 0; i < 6; i++) pthread_create(&threads[i], NULL, work, NULL);
    for (int i = 0; i < 6; i++) pthread_join(threads[i], NULL);
    save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}
"#;
    let document = Live::new(&["gcc", "-O1", "-pthread"], "app", source, Some(0)).show();
    let mut of_work: Vec<(u64, u64)> = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|site| site["function"] == "work")
        .map(|site| {
            (
                site["runs"][0]["allocations"].as_u64().unwrap(),
                site["runs"][0]["live"]["blocks"].as_u64().unwrap(),
            )
        })
        .collect();
    of_work.sort_unstable();
    assert_eq!(of_work, [(6, 6), (12000, 0)]);
}

/// The loader allocates the static storage of each thread; only a join gives it back.
fn unjoined_threads() {
    let source = |threads: u32| {
        format!(
            r#"
#include <pthread.h>
static void *nothing(void *p) {{ return p; }}
int main(void) {{
    mtrace();
    for (int i = 0; i < {threads}; i++) {{
        pthread_t thread;
        if (pthread_create(&thread, NULL, nothing, NULL)) return 1;
    }}
    save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}}
"#
        )
    };
    let runs = [100, 400].map(|threads| {
        Live::new(
            &["gcc", "-O1", "-pthread"],
            "app",
            &source(threads),
            Some(0),
        )
    });
    let [first, last] = [0, 1].map(|run: usize| runs[run].run.to_str().unwrap());
    let output = output_of(mtrace_diff().args([first, last, "--fail-above", "200"]));
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let document = json(&[first, last]);
    let grown = &document["sites"][0];
    assert!(grown["module"].as_str().unwrap().starts_with("ld-linux"));
    let blocks = live(grown).into_iter().map(|run| run.unwrap().0);
    assert_eq!(blocks.collect::<Vec<u64>>(), [100, 400]);
    let (_link, other) = linked(first);
    let other = other.to_str().unwrap();
    let output = output_of(mtrace_diff().args([other, first, "--fail-above", "0"]));
    assert_eq!(output.status.code(), Some(0));
}

/// Shows a run as JSON with so many KiB of memory.
fn show_within(kib: u64, run: &Path) -> Value {
    let limits = format!("ulimit -v {kib}; ulimit -c 0; exec \"$0\" \"$@\"");
    let mut shell = Command::new("sh");
    shell
        .args(["-c", &limits])
        .arg(mtrace_diff().get_program())
        .args(["show", "--format", "json"])
        .arg(run);
    serde_json::from_str(&stdout_of(&mut shell)).unwrap()
}

/// A function with a name of 300 KB is inlined into 300 others.
fn endless_name() {
    let name = "n".repeat(300_000);
    let mut source = format!(
        "void *volatile g;\nstatic inline __attribute__((always_inline)) void {name}(void) {{ g = malloc(8); }}\n\
         #define LOSE {name}()\n"
    );
    for n in 0..300 {
        source += &format!("__attribute__((noinline)) void f{n}(void) {{ LOSE; }}\n");
    }
    source += "int main(void) { mtrace();\n";
    (0..300).for_each(|n| source += &format!("f{n}();\n"));
    source += "save_maps(getenv(\"MAPS\")); muntrace(); }\n";
    let live = Live::new(&["gcc", "-O1"], "app", &source, Some(0));
    let document = show_within(600_000, &live.run);
    let sites = document["sites"].as_array().unwrap();
    let functions = |site: &Value| site["frames"][0]["function"].as_str().unwrap().to_owned();
    let cut: Vec<String> = sites.iter().map(functions).collect();
    assert_eq!(cut.len(), 300);
    assert!(cut.iter().all(|name| name == &cut[0] && name.len() <= 1024));
    assert!(cut[0].starts_with("nnn") && cut[0].contains("…[300000 bytes, "));
}

/// A line table of 32 MB, most of which are rows for one address, packed to some hundred KB.
fn endless_lines() {
    let live = Live::new(&["gcc", "-O1"], "app", LEAKS, Some(0));
    let (program, section) = (live.run.join("app"), live.run.join("line"));
    let objcopy = |arguments: &[String]| {
        stdout_of(Command::new("objcopy").args(arguments).arg(&program));
    };
    objcopy(&[
        "--dump-section".to_owned(),
        format!(".debug_line={}", section.display()),
    ]);
    let table = fs::read(&section).unwrap();
    // DWARF 5: the length of the unit, the version, two sizes, the length of the header.
    let word = |at: usize| u32::from_le_bytes(table[at..at + 4].try_into().unwrap());
    assert_eq!(u16::from_le_bytes([table[4], table[5]]), 5);
    let header = 12 + word(8) as usize;
    let end = 4 + word(0) as usize;
    // Special opcodes that no packer makes small, then as many rows as there are bytes.
    let mut state = 1u32;
    let noise = (0..300_000).map(|_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        0x80 | (state >> 25) as u8
    });
    let mut hostile = table[..end].to_vec();
    hostile.splice(
        header..header,
        noise.chain(std::iter::repeat_n(1, 32 << 20)),
    );
    let length = hostile.len() as u32 - 4;
    hostile[..4].copy_from_slice(&length.to_le_bytes());
    fs::write(&section, hostile).unwrap();
    objcopy(&[
        "--update-section".to_owned(),
        format!(".debug_line={}", section.display()),
    ]);
    objcopy(&["--compress-debug-sections=zlib".to_owned()]);
    fs::remove_file(&section).unwrap();
    assert!(fs::metadata(&program).unwrap().len() < 1_000_000);
    let document = show_within(700_000, &live.run);
    // Its symbols are still good.
    assert_eq!(live_blocks(site(&document, "lose")), 7);
    let warnings = document["runs"][0]["warnings"].as_array().unwrap();
    assert!(
        warnings
            .iter()
            .any(|warning| warning["code"] == "debug-info-refused"),
        "{warnings:#?}"
    );
}

fn live_blocks(site: &Value) -> u64 {
    live(site)[0].unwrap().0
}

/// As redis, nginx and postgres do, and worse.
fn changed_titles() {
    let source = |blocks: u32| {
        format!(
            r#"
#include <sys/prctl.h>
__attribute__((noinline)) static void lose(int n) {{
    char *volatile block = malloc(n);
    (void)block;
}}
int main(int argc, char **argv) {{
    static char maps[4096];
    const char *titles[] = {{
        "redis-server *:16379", "nginx: worker process", "postgres: writer (idle) [local]:[0x12] + 0x5",
        "[kworker/0:1]", "/usr/sbin/other", "", "app: (lose+0x1a)", "./app",
    }};
    strcpy(maps, getenv("MAPS"));
    mtrace();
    for (int i = 0; i < 10; i++) lose(100);
    for (unsigned t = 0; t < sizeof titles / sizeof *titles; t++) {{
        strcpy(argv[0], titles[t]); /* the environment is behind it */
        prctl(PR_SET_NAME, titles[t]);
        for (int i = 0; i < {blocks}; i++) lose(100);
    }}
    save_maps(maps);
    muntrace();
    return argc - 1;
}}
"#
        )
    };
    for flags in [&["gcc", "-O1"][..], &["gcc", "-O1", "-no-pie"]] {
        let runs = [2, 3].map(|blocks| Live::new(flags, "app", &source(blocks), Some(0)));
        let log = fs::read_to_string(runs[0].run.join("mtrace.log")).unwrap();
        assert!(log.contains("@ redis-server *:16379:["), "{log}");
        // Ten at the start, and then two or three under each of eight titles.
        let expected = [Some((26, 2600)), Some((34, 3400))];
        let check = |arguments: &[&str]| {
            let document = json(arguments);
            let lose = site(&document, "lose");
            assert_eq!(live(lose), expected, "{document:#}");
            assert_eq!((&lose["module"], &lose["line"]), (&"app".into(), &4.into()));
            assert_eq!(
                document["sites"].as_array().unwrap().len(),
                1,
                "{document:#}"
            );
        };
        let paths: Vec<&str> = runs.iter().map(|run| run.run.to_str().unwrap()).collect();
        check(&paths);
        // Without the maps a title that is a path of its own cannot be told from a plug-in.
        for run in &runs {
            fs::remove_file(run.run.join("maps")).unwrap();
        }
        let document = json(&paths);
        let of_path = Some((2, 200));
        assert_eq!(live(site(&document, "lose"))[0], Some((24, 2400)));
        let sites = document["sites"].as_array().unwrap().iter();
        let other: Vec<&Value> = sites.filter(|site| site["module"] == "other").collect();
        assert_eq!(live(other[0])[0], of_path);
    }
}

fn a_killed_program() {
    let source = r#"
int main(void) {
    mtrace();
    for (int i = 0; i < 1000; i++) { char *volatile block = malloc(50); (void)block; }
    save_maps(getenv("MAPS"));
    _exit(3);
}
"#;
    let live = Live::new(&["gcc", "-O1"], "app", source, Some(3));
    let document = live.show();
    let anomalies = &document["runs"][0]["anomalies"];
    assert_eq!(anomalies["missing_end"], true);
    // The log is cut at a multiple of its buffer; what is whole counts.
    let log = fs::read(live.run.join("mtrace.log")).unwrap();
    let whole = log.iter().filter(|&&b| b == b'\n').count() as u64 - 1;
    assert_eq!(anomalies["truncated_tail"], !log.ends_with(b"\n"));
    assert_eq!(document["runs"][0]["live"]["blocks"], whole);
    assert!(whole > 900, "{whole}");
}

/// A library that the log names by its link and the maps by its file.
fn a_library_behind_a_link() {
    let directory = TempDir::new().unwrap();
    let lib = directory.path().join("lib");
    fs::create_dir(&lib).unwrap();
    fs::write(
        directory.path().join("lib.c"),
        "#include <stdlib.h>\nvoid *lib_get(int n) {\n    void *volatile block = malloc(n);\n    return block;\n}\n",
    )
    .unwrap();
    stdout_of(
        Command::new("gcc")
            .args(["-g", "-shared", "-fPIC", "-Wl,-soname,libget.so.1", "-o"])
            .arg(lib.join("libget.so.1.2.3"))
            .arg(directory.path().join("lib.c")),
    );
    std::os::unix::fs::symlink("libget.so.1.2.3", lib.join("libget.so.1")).unwrap();
    let source = r#"
void *lib_get(int n);
int main(void) { mtrace(); for (int i = 0; i < 5; i++) lib_get(30); save_maps(getenv("MAPS")); muntrace(); return 0; }
"#;
    let so = lib.join("libget.so.1");
    let rpath = format!("-Wl,-rpath,{}", lib.display());
    let wrapped = Live::new_with_library(source, &[so.to_str().unwrap(), &rpath]);
    let get = |document: &Value| {
        let site = site(document, "lib_get").clone();
        assert_eq!(live(&site), [Some((5, 150))]);
        assert_eq!(site["module"], "libget.so.1");
        site["line"].clone()
    };
    // At its path on this machine, where the maps agree with it.
    assert_eq!(get(&wrapped.show()), 3);
    // Gone from there: the log's own symbol is left, and a warning says what is missing.
    let elsewhere = directory.path().join("moved");
    fs::rename(&lib, &elsewhere).unwrap();
    let document = wrapped.show();
    assert!(get(&document).is_null());
    let codes: Vec<&Value> = document["runs"][0]["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|w| &w["code"])
        .collect();
    assert_eq!(codes, ["modules-not-found"]);
    // Its file alone, in the run directory: its soname says whose it is.
    let alone = wrapped.run.join("libget.so.1.2.3");
    fs::copy(elsewhere.join("libget.so.1.2.3"), &alone).unwrap();
    assert_eq!(get(&wrapped.show()), 3);
    fs::remove_file(alone).unwrap();
    // In a sysroot, at the target's path.
    let sysroot = directory.path().join("root");
    let inside = sysroot.join(lib.strip_prefix("/").unwrap());
    fs::create_dir_all(inside.parent().unwrap()).unwrap();
    fs::rename(&elsewhere, &inside).unwrap();
    let run = wrapped.run.to_str().unwrap();
    assert_eq!(
        get(&json(&[
            "show",
            run,
            "--sysroot",
            sysroot.to_str().unwrap()
        ])),
        3
    );
}

impl Live {
    fn new_with_library(source: &str, link: &[&str]) -> Self {
        // gcc wants libraries behind the source that needs them, which -Wl,--no-as-needed spares.
        let compiler: Vec<&str> = ["gcc", "-O1", "-Wl,--no-as-needed"]
            .iter()
            .copied()
            .chain(link.iter().copied())
            .collect();
        Live::new(&compiler, "app", source, Some(0))
    }
}

fn separate_debug_files() {
    let live = Live::new(&["gcc", "-O1", "-Wl,--build-id"], "app", LEAKS, Some(0));
    let program = live.run.join("app");
    let run = live.run.to_str().unwrap().to_owned();
    let outside = TempDir::new().unwrap();
    let debug = outside.path().join("app.debug");
    stdout_of(
        Command::new("objcopy")
            .arg("--only-keep-debug")
            .arg(&program)
            .arg(&debug),
    );
    stdout_of(Command::new("strip").arg(&program));
    let lines = |arguments: &[&str]| {
        let document = json(&[&["show", &run], arguments].concat());
        document["sites"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|site| site["function"] == "lose" && site["line"] == 3)
            .count()
    };
    assert_eq!(lines(&[]), 0);
    let document = json(&["show", &run]);
    assert_eq!(document["runs"][0]["warnings"][0]["code"], "no-debug-info");
    // By build id, below a directory laid out like /usr/lib/debug.
    let notes = stdout_of(Command::new("readelf").arg("-n").arg(&program));
    let id = notes
        .split("Build ID: ")
        .nth(1)
        .unwrap()
        .split_whitespace()
        .next()
        .unwrap();
    let by_id = outside.path().join("debug/.build-id").join(&id[..2]);
    fs::create_dir_all(&by_id).unwrap();
    fs::copy(&debug, by_id.join(format!("{}.debug", &id[2..]))).unwrap();
    assert_eq!(
        lines(&[
            "--debug-dir",
            outside.path().join("debug").to_str().unwrap()
        ]),
        1
    );
    // By .gnu_debuglink, next to the program; a debug file is no second executable.
    fs::copy(&debug, live.run.join("app.debug")).unwrap();
    let link = format!(
        "--add-gnu-debuglink={}",
        live.run.join("app.debug").display()
    );
    stdout_of(Command::new("objcopy").arg(link).arg(&program));
    assert_eq!(lines(&[]), 1);
    // A link whose file is another one is not followed.
    let other = Live::new(
        &["gcc", "-O0", "-DOTHER", "-Wl,--build-id"],
        "app",
        LEAKS,
        Some(0),
    );
    stdout_of(
        Command::new("objcopy")
            .arg("--only-keep-debug")
            .arg(other.run.join("app"))
            .arg(live.run.join("app.debug")),
    );
    assert_eq!(lines(&[]), 0);
}

fn stripped_of_lines() {
    let live = Live::new(&["gcc", "-O1"], "app", LEAKS, Some(0));
    let run = live.run.to_str().unwrap().to_owned();
    let program = live.run.join("app");
    stdout_of(Command::new("strip").arg("--strip-debug").arg(&program));
    let lose = site(&json(&["show", &run]), "lose").clone();
    assert_eq!(common::live(&lose), [Some((7, 700))]);
    assert!(lose["line"].is_null() && lose["file"].is_null());
    assert_eq!(lose["frames"].as_array().unwrap().len(), 1);
    // Stripped of everything: what is unknown is null, and the table says why.
    stdout_of(Command::new("strip").arg(&program));
    let document = json(&["show", &run]);
    let functions: Vec<&Value> = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|site| site["module"] == "app")
        .map(|site| &site["function"])
        .collect();
    assert!(
        functions.len() >= 3 && functions.iter().all(|f| f.is_null()),
        "{functions:?}"
    );
    assert!(stdout_of(mtrace_diff().args(["show", &run])).contains("? (no symbol)"));
}

/// Two callers of one wrapper that is inlined into both: the growth of one must not hide in the other.
fn inlined_wrapper() {
    let source = r#"
static inline __attribute__((always_inline)) void *xmalloc(int n) {
    void *volatile block = malloc(n);
    return block;
}
__attribute__((noinline)) static void cache(void) { void *volatile b = xmalloc(64); (void)b; }
__attribute__((noinline)) static void leak(void) { void *volatile b = xmalloc(64); (void)b; }
int main(void) {
    int second = getenv("MAPS") && strstr(getenv("MAPS"), "second") != NULL;
    mtrace();
    for (int i = 0; i < (second ? 0 : 30); i++) cache();
    for (int i = 0; i < (second ? 30 : 0); i++) leak();
    save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}
"#;
    let first = Live::new(&["gcc", "-O1"], "first/app", source, Some(0));
    let second = Live::new(&["gcc", "-O1"], "second/app", source, Some(0));
    let runs = [&first, &second].map(|live| live.run.to_str().unwrap().to_owned());
    let document = json(&[&runs[0], &runs[1]]);
    let sites = document["sites"].as_array().unwrap();
    let growth: Vec<i64> = sites
        .iter()
        .map(|s| s["growth"]["blocks"].as_i64().unwrap())
        .collect();
    assert_eq!(growth, [30, -30]);
    // The lines that called it, and it is inlined there.
    let rows: Vec<(&str, &str, &str)> = sites
        .iter()
        .map(|s| {
            [
                &s["function"],
                &s["via"][0]["function"],
                &s["frames"][0]["function"],
            ]
        })
        .map(|names| names.map(|name| name.as_str().unwrap()).into())
        .collect();
    assert_eq!(
        rows,
        [
            ("leak", "xmalloc", "xmalloc"),
            ("cache", "xmalloc", "xmalloc")
        ]
    );
    let status = output_of(mtrace_diff().args(&runs).args(["--fail-above", "5"])).status;
    assert_eq!(status.code(), Some(1));
    assert!(stdout_of(mtrace_diff().args(&runs)).contains("via xmalloc"));
}

/// At its path on this machine, but built anew since: another function is where the calls came from.
fn replaced_library() {
    let directory = TempDir::new().unwrap();
    let lib = directory.path().join("libget.so");
    let build = |source: &str| {
        let path = directory.path().join("lib.c");
        fs::write(&path, source).unwrap();
        stdout_of(
            Command::new("gcc")
                .args(["-g", "-O1", "-shared", "-fPIC", "-o"])
                .arg(&lib)
                .arg(&path),
        );
    };
    let get = "#include <stdlib.h>\nvoid *lib_get(int n) {\n    void *volatile block = malloc(n);\n    return block;\n}\n";
    build(get);
    let source = r#"
void *lib_get(int n);
int main(void) { mtrace(); for (int i = 0; i < 5; i++) lib_get(30); save_maps(getenv("MAPS")); muntrace(); return 0; }
"#;
    let rpath = format!("-Wl,-rpath,{}", directory.path().display());
    let live = Live::new_with_library(source, &[lib.to_str().unwrap(), &rpath]);
    let line = |document: &Value| site(document, "lib_get")["line"].clone();
    assert_eq!(line(&live.show()), 3);
    let other = "int other(int n) {\n    int sum = 0;\n    for (int i = 0; i < n; i++) sum = sum * 31 + i * n;\n    return sum ^ n;\n}\n";
    build(&format!("{other}{}", other.replace("other", "another")));
    let document = live.show();
    assert!(line(&document).is_null());
    let warnings = document["runs"][0]["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|w| w["code"] == "module-refused"),
        "{warnings:?}"
    );
    // In a sysroot it is the user's word against the log's: used, and said.
    let root = directory.path().join("root");
    let inside = root.join(directory.path().strip_prefix("/").unwrap());
    fs::create_dir_all(&inside).unwrap();
    fs::copy(&lib, inside.join("libget.so")).unwrap();
    let run = live.run.to_str().unwrap();
    let document = json(&["show", run, "--sysroot", root.to_str().unwrap()]);
    let warnings = document["runs"][0]["warnings"].as_array().unwrap();
    assert!(
        warnings.iter().any(|w| w["code"] == "module-does-not-fit"),
        "{warnings:?}"
    );
}

/// At its path on this machine, with calls at the same places: only inode and time tell that it did not run.
fn updated_library() {
    let directory = TempDir::new().unwrap();
    let lib = directory.path().join("libget.so");
    let build = |functions: [&str; 2]| {
        let path = directory.path().join("lib.c");
        let function = |name| {
            format!(
                "void *{name}(int n) {{\n    void *volatile block = malloc(n);\n    return block;\n}}\n"
            )
        };
        let source = functions.map(function).concat();
        fs::write(&path, format!("#include <stdlib.h>\n{source}")).unwrap();
        let new = directory.path().join("new.so");
        let mut gcc = Command::new("gcc");
        gcc.args(["-g", "-O1", "-shared", "-fPIC", "-o"]).arg(&new);
        stdout_of(gcc.arg(&path));
        fs::rename(new, &lib).unwrap();
    };
    build(["conn_new", "page_new"]);
    let source = r#"
void *conn_new(int n);
void *page_new(int n);
int main(void) {
    mtrace();
    for (int i = 0; i < 5; i++) conn_new(30);
    for (int i = 0; i < 9; i++) page_new(30);
    save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}
"#;
    let rpath = format!("-Wl,-rpath,{}", directory.path().display());
    let run = Live::new_with_library(source, &[lib.to_str().unwrap(), &rpath]);
    let is_refused = |document: &Value| {
        let warnings = document["runs"][0]["warnings"].as_array().unwrap();
        warnings.iter().any(|w| w["code"] == "module-refused")
    };
    assert!(!is_refused(&run.show()));
    assert_eq!(live(site(&run.show(), "conn_new")), [Some((5, 150))]);
    build(["page_new", "conn_new"]);
    let document = run.show();
    assert!(is_refused(&document), "{document:#}");
    let sites = document["sites"].as_array().unwrap();
    assert!(
        sites.iter().all(|site| site["line"].is_null()),
        "{document:#}"
    );
    // Where it was put is no matter in a run directory: there it is the user's word.
    fs::copy(&lib, run.run.join("libget.so")).unwrap();
    assert!(!is_refused(&run.show()));
}

fn split_without_files() {
    let source = r#"
static inline __attribute__((always_inline)) void *xmalloc(int n) {
    void *volatile block = malloc(n);
    return block;
}
__attribute__((noinline)) void load(int users, int items) {
    for (int i = 0; i < users; i++) xmalloc(64);
    for (int i = 0; i < items; i++) xmalloc(64);
}
int main(void) {
    mtrace();
    load(5, 9);
    save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}
"#;
    let whole = Live::new(&["gcc", "-O2", "-gsplit-dwarf"], "app", source, Some(0));
    let is_said = |document: &Value| {
        let warnings = document["runs"][0]["warnings"].as_array().unwrap();
        warnings.iter().any(|w| w["code"] == "no-split-debug-info")
    };
    let blocks = |document: &Value| -> Vec<u64> {
        let sites = document["sites"].as_array().unwrap().iter();
        sites.map(|site| live(site)[0].unwrap().0).collect()
    };
    let document = whole.show();
    assert!(!is_said(&document));
    assert_eq!(blocks(&document), [9, 5]);
    let parts =
        [whole.run.as_path(), whole.run.parent().unwrap()].map(|at| fs::read_dir(at).unwrap());
    let parts = parts
        .into_iter()
        .flatten()
        .map(|entry| entry.unwrap().path());
    for part in parts.filter(|path| path.extension().is_some_and(|e| e == "dwo")) {
        fs::remove_file(part).unwrap();
    }
    let document = whole.show();
    assert!(is_said(&document), "{document:#}");
    // Two calls are two sites still.
    assert_eq!(blocks(&document), [9, 5], "{document:#}");
}

/// A child that goes on writing into the log of its parent.
const FORKS: &str = r#"
#include <sys/wait.h>
int main(void) {
    mtrace();
    for (int i = 0; i < 200; i++) { char *volatile b = malloc(40); (void)b; }
    pid_t child = fork();
    for (int i = 0; i < 200; i++) { char *volatile b = malloc(40); (void)b; }
    if (child == 0)
        return 0;
    wait(NULL);
    save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}
"#;

fn live_fork() {
    let live = Live::new(&["gcc", "-O1"], "app", FORKS, Some(0));
    let document = live.show();
    let warnings = document["runs"][0]["warnings"].as_array().unwrap();
    let codes: Vec<&str> = warnings
        .iter()
        .map(|w| w["code"].as_str().unwrap())
        .collect();
    // Both allocate at the same addresses of two heaps: what it can come to is said, not counted as one.
    assert!(
        document["runs"][0]["anomalies"]["live_address_reused"]
            .as_u64()
            .unwrap()
            > 100,
        "{codes:?}"
    );
    assert!(codes.contains(&"fork"), "{codes:?}");
}

/// Nothing of the log waits to be written when this forks. The child keeps blocks and ends; then its parent allocates as many
/// at the same addresses of its own heap, and frees them, or does nothing of the kind.
const FORKS_IN_TURN: &str = r#"
#include <sys/wait.h>
int main(void) {
    static char *blocks[48];
    mtrace();
    for (int i = 0; i < 100; i++) { char *volatile b = malloc(40); (void)b; }
    fflush(NULL);
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 48; i++) { char *volatile b = malloc(40); (void)b; }
        return 0;
    }
    wait(NULL);
    for (int i = 0; i < WORK; i++) blocks[i] = malloc(40);
    for (int i = 0; i < WORK; i++) free(blocks[i]);
    save_maps(getenv("MAPS"));
    muntrace();
    return 0;
}
"#;

fn fork_with_empty_buffer() {
    let of = |work: &str| {
        let compiler = ["gcc", "-O1", work];
        let live = Live::new(&compiler, "app", FORKS_IN_TURN, Some(0));
        let document = live.show();
        let run = &document["runs"][0];
        let warnings = run["warnings"].as_array().unwrap().iter();
        let codes = warnings.map(|warning| warning["code"].as_str().unwrap().to_owned());
        let blocks = run["live"]["blocks"].as_u64().unwrap();
        (blocks, codes.collect::<Vec<String>>())
    };
    // Both processes hold the 48 addresses at one time: the figures are those of neither, and that is said.
    let (blocks, codes) = of("-DWORK=48");
    assert!(
        blocks > 100 && codes.contains(&"fork".to_owned()),
        "{blocks} {codes:?}"
    );
    // What shows nowhere is in the chapter on limits: the child has addresses that its parent never had.
    let (blocks, codes) = of("-DWORK=0");
    assert!(
        blocks > 100 && !codes.contains(&"fork".to_owned()),
        "{blocks} {codes:?}"
    );
    let limits = include_str!("../src/guide/limits.md");
    assert!(limits.contains("a child that allocates while its parent does not"));
}

/// Compiles a program, records a run of it, and gives the arguments that show that run.
fn recorded(directory: &TempDir, compiler: &str, name: &str, source: &str) -> Vec<String> {
    let path = directory.path().join(name);
    fs::write(&path, source).unwrap();
    let [program, run] = ["app", "run"].map(|name| directory.path().join(name));
    let mut compile = Command::new(compiler);
    stdout_of(compile.args(["-g", "-O2", "-o"]).args([&program, &path]));
    let mut record = mtrace_diff();
    stdout_of(
        record
            .args(["record", "-q", "-o"])
            .arg(&run)
            .arg("--")
            .arg(&program),
    );
    let plain = plain_libc().iter().map(|word| word.to_str().unwrap());
    let show = ["show", run.to_str().unwrap()];
    show.into_iter().chain(plain).map(str::to_owned).collect()
}

/// A line that is inlined at two places of one function, of which one is there twice.
fn inlined_at_every_grouping() {
    let source = "#include <stdlib.h>
void *volatile kept;
static inline __attribute__((always_inline)) void grab(unsigned long size) { kept = malloc(size); }
__attribute__((noinline)) void conn_new(int round) {
    grab(32);
    if (round % 2 == 0) grab(40); grab(48);
}
int main(void) { for (int i = 0; i < 100; i++) conn_new(i); return 0; }
";
    let directory = TempDir::new().unwrap();
    let show = recorded(&directory, "gcc", "two.c", source);
    for (by, rows) in [("line", 2), ("address", 3), ("stack", 2)] {
        let table = stdout_of(mtrace_diff().args(&show).args(["--by", by]));
        let shown = table
            .lines()
            .filter_map(|line| Some(line.split_once("grab ")?.1.trim_end()));
        let shown: Vec<&str> = shown.collect();
        let different: std::collections::BTreeSet<&str> = shown.iter().copied().collect();
        assert_eq!(
            (shown.len(), different.len()),
            (rows, rows),
            "{by}: {table}"
        );
    }
    let table = stdout_of(mtrace_diff().args(&show));
    for (row, blocks) in [("grab ← conn_new:5", "100"), ("grab ← conn_new:6", "150")] {
        let line = table.lines().find(|line| line.contains(row)).unwrap();
        // Behind rank and verdict.
        assert_eq!(line.split_whitespace().nth(2), Some(blocks), "{table}");
    }
}

/// One way to a line leaks 250 blocks, and another one frees one of its 300 for each of them.
fn way_that_leaks() {
    let source = "#include <stdlib.h>
#include <unistd.h>
struct item { struct item *next; long data[4]; };
static struct item *list_a, *list_b;
__attribute__((noinline)) struct item *item_new(struct item *next, int n) {
    struct item *i = malloc(sizeof *i); i->next = next; i->data[0] = n; return i;
}
__attribute__((noinline)) void session(int n) { list_a = item_new(list_a, n); }
__attribute__((noinline)) void table(int n) { list_b = item_new(list_b, n); }
int main(void) {
    for (int i = 0; i < 300; i++) table(i);
    for (int i = 0; i < 2000; i++) {
        if (i % 8 == 0) { session(i); struct item *n = list_b->next; free(list_b); list_b = n; }
        usleep(300);
    }
    return 0;
}
";
    let directory = TempDir::new().unwrap();
    let show = recorded(&directory, "gcc", "ways.c", source);
    let mut by_stack = mtrace_diff();
    let by_stack = stdout_of(by_stack.args(&show).args(["--by", "stack"]));
    let row = by_stack
        .lines()
        .find(|line| line.contains("item_new"))
        .unwrap();
    assert!(row.contains("250") && row.contains("leak"), "{by_stack}");
    let says = "1 row leaks, though its line as a whole does not: leaks are counted by line";
    assert!(by_stack.contains(says), "{by_stack}");
    assert!(!stdout_of(mtrace_diff().args(&show)).contains(says));
}

/// What the standard library's templates are called is long, and has conditions in it that few understand.
fn chains_without_mangled_names() {
    let source = "#include <map>
#include <memory>
#include <string>
#include <vector>
struct Session { long data[6]; std::string name; };
std::vector<std::shared_ptr<Session>> all;
std::map<int, std::unique_ptr<Session>> more;
int main() {
    for (int i = 0; i < 100; i++) {
        auto session = std::make_shared<Session>();
        session->name = std::string(40, 'a');
        all.push_back(session);
        more[i] = std::make_unique<Session>();
    }
    quick_exit(0);
}
";
    let source = format!("#include <cstdlib>\n{source}");
    let directory = TempDir::new().unwrap();
    let show = recorded(&directory, "g++", "shared.cc", &source);
    let chains = stdout_of(mtrace_diff().args(&show).args(["--inlines", "--all"]));
    assert!(chains.contains("std::make_shared<Session>"), "{chains}");
    assert!(!chains.contains("_Z"), "{chains}");
    let document = stdout_of(mtrace_diff().args(&show).args(["--format", "json"]));
    assert!(!document.contains("\"_Z"), "{document}");
}

/// One function with inlined calls in inlined calls, 200,000 deep, all of them around one call of malloc.
fn deep_debug_entries() {
    let range = ".quad .Lstart\n.quad .Lend - .Lstart\n";
    let abbreviations = [
        ".byte 1, 0x11, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0", // compile unit: name, low, high
        ".byte 2, 0x2e, 1, 0x03, 0x08, 0x11, 0x01, 0x12, 0x07, 0, 0", // subprogram: the same
        ".byte 3, 0x1d, 1, 0x11, 0x01, 0x12, 0x07, 0, 0", // inlined subroutine: low, high
        ".byte 0",
    ]
    .join("\n");
    let source = format!(
        ".text\n.globl main\nmain:\n.Lstart:\ncall malloc\n.Lreturn:\nret\n.Lend:\n.globl returned\nreturned = .Lreturn\n\
         .section .debug_abbrev,\"\",@progbits\n{abbreviations}\n\
         .section .debug_info,\"\",@progbits\n.long .Ldone - .Lversion\n.Lversion:\n.short 4\n.long 0\n.byte 8\n\
         .byte 1\n.asciz \"deep.c\"\n{range}.byte 2\n.asciz \"main\"\n{range}\
         .rept 200000\n.byte 3\n{range}.endr\n.zero 200002\n.Ldone:\n.section .note.GNU-stack,\"\",@progbits\n"
    );
    let directory = TempDir::new().unwrap();
    let (path, program) = (
        directory.path().join("deep.s"),
        directory.path().join("deep"),
    );
    fs::write(&path, source).unwrap();
    stdout_of(
        Command::new("gcc")
            .args(["-no-pie", "-o"])
            .arg(&program)
            .arg(&path),
    );
    let symbols = stdout_of(Command::new("nm").arg(&program));
    let line = symbols
        .lines()
        .find(|line| line.ends_with(" returned"))
        .unwrap();
    let address = u64::from_str_radix(line.split(' ').next().unwrap(), 16).unwrap();
    let log = directory.path().join("m.log");
    // Relative to the image base of a program at a fixed address on x86-64.
    let offset = address - 0x40_0000;
    fs::write(
        &log,
        format!("= Start\n@ ./deep:[{offset:#x}] + 0x10 0x20\n= End\n"),
    )
    .unwrap();
    let document = json(&[
        "show",
        log.to_str().unwrap(),
        "--exe",
        program.to_str().unwrap(),
    ]);
    // The bound leaves the debug information out; the symbol table still has the name.
    assert_eq!(live(site(&document, "main")), [Some((1, 32))]);
    assert_eq!(site(&document, "main")["named_by"], "symbols");
}

fn live_fork_at_the_gate() {
    let live = Live::new(&["gcc", "-O1"], "app", FORKS, Some(0));
    let run = live.run.to_str().unwrap();
    let (_link, other) = linked(run);
    for arguments in [
        vec!["show", run, "--fail-on", "double-free"],
        vec![other.to_str().unwrap(), run, "--fail-above", "0"],
    ] {
        let output = output_of(mtrace_diff().args(&arguments));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
        assert!(
            error.contains("two processes wrote into it after a fork"),
            "{error}"
        );
        assert!(error.contains("muntrace() first in the child"), "{error}");
    }
}

/// What is leaked after the descriptors are closed is not in the log: 1,000 blocks of 1,500.
fn live_daemon() {
    let source = r#"
#include <fcntl.h>
int main(void) {
    mtrace();
    for (int i = 0; i < 500; i++) { char *volatile b = malloc(40); (void)b; }
    save_maps(getenv("MAPS"));
    for (int fd = 3; fd < 256; fd++)
        close(fd);
    int other = open("/dev/null", O_WRONLY);
    for (int i = 0; i < 1000; i++) { char *volatile b = malloc(40); (void)b; }
    muntrace();
    return other < 0;
}
"#;
    let live = Live::new(&["gcc", "-O1"], "app", source, Some(0));
    let document = live.show();
    let run = &document["runs"][0];
    let blocks = run["live"]["blocks"].as_u64().unwrap();
    assert!((480..=500).contains(&blocks), "{blocks}");
    let warnings = run["warnings"].as_array().unwrap();
    let cut = warnings.iter().find(|w| w["code"] == "truncated-tail");
    let message = cut.unwrap()["message"].as_str().unwrap();
    assert!(message.contains("closed the log's descriptor"), "{message}");
    // A gate says so, or refuses.
    let path = live.run.to_str().unwrap();
    let (_link, other) = linked(path);
    let other = other.to_str().unwrap();
    let gate = |more: &[&str]| {
        output_of(
            mtrace_diff()
                .args([other, path, "--fail-above", "0"])
                .args(more),
        )
    };
    let passed = gate(&[]);
    let text = String::from_utf8(passed.stdout).unwrap();
    assert!(
        text.contains("figures of") && text.contains("are partial"),
        "{text}"
    );
    let refused = gate(&["--strict"]);
    let error = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2));
    assert!(
        error.contains("--strict") && error.contains("closed the log's descriptor"),
        "{error}"
    );
}

/// Two functions change places, and both builds are given one build id: `grow` leaks more than before.
fn fixed_build_id() {
    let source = |functions: &str, grow: u32, rest: u32| {
        format!(
            "void *volatile g;\n{functions}int main(void) {{ mtrace();\n\
             for (int i = 0; i < {grow}; i++) grow(24);\n\
             for (int i = 0; i < {rest}; i++) rest(24);\n\
             save_maps(getenv(\"MAPS\")); muntrace(); }}\n"
        )
    };
    let function =
        |name: &str| format!("__attribute__((noinline)) void {name}(int n) {{ g = malloc(n); }}\n");
    let (grow, rest) = (function("grow"), function("rest"));
    let compiler = ["gcc", "-O0", "-Wl,--build-id=0x12345678"];
    let first = Live::new(
        &compiler,
        "app",
        &source(&format!("{grow}{rest}"), 10, 100),
        Some(0),
    );
    let last = Live::new(
        &compiler,
        "app",
        &source(&format!("{rest}{grow}"), 100, 10),
        Some(0),
    );
    let runs = [first.run.to_str().unwrap(), last.run.to_str().unwrap()];
    let document = json(&runs);
    assert_eq!(
        live(site(&document, "grow")),
        [Some((10, 240)), Some((100, 2400))]
    );
    assert_eq!(
        live(site(&document, "rest")),
        [Some((100, 2400)), Some((10, 240))]
    );
    let warnings = document["warnings"].as_array().unwrap();
    assert!(
        warnings
            .iter()
            .any(|warning| warning["code"] == "false-builds"),
        "{warnings:#?}"
    );
    let output = output_of(mtrace_diff().args(runs).args(["--fail-above", "50"]));
    assert_eq!(output.status.code(), Some(1));
}

/// One line is inlined at two places of one function. One place is mended, the other leaks more: two rows, and
/// a person can tell which is which.
fn inlined_twice() {
    let source = |one: u32, two: u32| {
        format!(
            "void *volatile g;\nstatic inline __attribute__((always_inline)) void grab(void) {{ g = malloc(24); }}\n\
             __attribute__((noinline)) void both(int one, int two) {{\n\
             for (int i = 0; i < one; i++) grab();\n\
             for (int i = 0; i < two; i++) grab();\n}}\n\
             int main(void) {{ mtrace(); both({one}, {two}); save_maps(getenv(\"MAPS\")); muntrace(); }}\n"
        )
    };
    let first = Live::new(&["gcc", "-O1"], "app", &source(100, 10), Some(0));
    let last = Live::new(&["gcc", "-O1"], "app", &source(10, 100), Some(0));
    let runs = [first.run.to_str().unwrap(), last.run.to_str().unwrap()];
    let output = output_of(
        mtrace_diff()
            .args(runs)
            .args(["--all", "--fail-above", "0"]),
    );
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(1), "{text}");
    let rows: Vec<&str> = text
        .lines()
        .filter(|line| line.contains("grab ← both:"))
        .collect();
    assert!(rows.len() >= 2, "{text}");
    let place = |row: &str| {
        row.split("both:")
            .nth(1)
            .map(|rest| rest.split(' ').next().unwrap().to_owned())
    };
    assert_ne!(place(rows[0]), place(rows[1]), "{text}");
}

/// `init` of a file that is gone, and `init` of another that is new, are two.
fn other_static() {
    let main = "int x(void);\nint main(void) { mtrace(); x(); save_maps(getenv(\"MAPS\")); muntrace(); }\n";
    let part = |lines: u32, count: u32, size: u32| {
        format!(
            "#include <stdlib.h>\n{}void *volatile g;\nstatic void init(int n) {{ g = malloc(n); }}\n\
             int x(void) {{ for (int i = 0; i < {count}; i++) init({size}); return 0; }}\n",
            "\n".repeat(lines as usize)
        )
    };
    let directory = TempDir::new().unwrap();
    let built = |name: &str, text: String| {
        let path = directory.path().join(name);
        fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let old = built("old_net.c", part(0, 100, 24));
    let new = built("new_ui.c", part(5, 100, 4000));
    let first = Live::new(&["gcc", "-O0", &old], "app", main, Some(0));
    let last = Live::new(&["gcc", "-O0", &new], "app", main, Some(0));
    let runs = [first.run.to_str().unwrap(), last.run.to_str().unwrap()];
    let document = json(&runs);
    let inits = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|site| site["function"] == "init");
    let changes: Vec<&str> = inits.map(|site| site["change"].as_str().unwrap()).collect();
    assert_eq!(changes, ["new", "gone"], "{document:#}");
    let output = output_of(mtrace_diff().args(runs).args(["--fail-above", "0"]));
    assert_eq!(output.status.code(), Some(1));
}

/// The line of the leak stays; the one below it allocates only in the second build, and frees all.
fn freed_sibling() {
    let source = |count: u32, start: u32| {
        format!(
            "static volatile int extra = {start};\n\
             __attribute__((noinline)) static void work(int i) {{\n\
             void *volatile leak = malloc(64 + i);\n\
             if (i % 2 == 0) extra++;\n\
             if (extra > 30) {{ void *volatile t = malloc(32); free(t); }}\n\
             (void)leak;\n}}\n\
             int main(void) {{ mtrace(); for (int i = 0; i < {count}; i++) work(i); save_maps(getenv(\"MAPS\")); muntrace(); }}\n"
        )
    };
    let first = Live::new(&["gcc", "-O0"], "app", &source(40, 3), Some(0));
    let last = Live::new(&["gcc", "-O1"], "app", &source(60, 7), Some(0));
    let runs = [first.run.to_str().unwrap(), last.run.to_str().unwrap()];
    let document = json(&runs);
    let grown = document["sites"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|site| site["growth"]["blocks"] != 0);
    let grown: Vec<&Value> = grown.collect();
    assert_eq!(grown.len(), 1, "{document:#}");
    assert_eq!(
        (&grown[0]["change"], &grown[0]["growth"]["blocks"]),
        (&"grown".into(), &20.into())
    );
    // What the sibling asked for, freed or not, tells the two apart.
    let gate = |limit: &str| output_of(mtrace_diff().args(runs).args(["--fail-above", limit]));
    assert_eq!(gate("19").status.code(), Some(1));
    let passed = gate("20");
    assert_eq!(passed.status.code(), Some(0));
    // Compiled in the same way, the function is seen to be the same, and so are its calls.
    let last = Live::new(&["gcc", "-O0"], "app", &source(60, 7), Some(0));
    let runs = [runs[0], last.run.to_str().unwrap()];
    let passed = output_of(mtrace_diff().args(runs).args(["--fail-above", "20"]));
    assert_eq!(passed.status.code(), Some(0));
    let text = String::from_utf8(passed.stdout).unwrap();
    assert!(!text.contains("without being sure"), "{text}");
}
