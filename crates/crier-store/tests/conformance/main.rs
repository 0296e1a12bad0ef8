//! Every promise of the store port, kept by every backend: a case is a plain async function that takes the port, its name
//! stands once in the list, and the macro expands backends × cases.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a helper that cannot go on has failed its test"
)]

mod apps;
mod audit;
mod backends;
mod beside;
mod copies;
mod developers;
mod doctor;
mod erasure;
mod files;
mod grants;
mod hooks;
mod mailboxes;
mod marks;
mod people;
mod pictures;
mod properties;
mod record;
mod sessions;
mod stories;
mod tokens;
mod units;
mod writer;

/// Each case on each backend. A backend makes a `World`: a store and the clock it goes by.
macro_rules! conformance {
    ($($room:ident { $($case:ident)+ })+) => {
        conformance!(@on sqlite_file, backends::sqlite_file, $($room { $($case)+ })+);
        conformance!(@on sqlite_in_memory, backends::sqlite_in_memory, $($room { $($case)+ })+);
        conformance!(@on cached_sqlite, backends::cached_sqlite, $($room { $($case)+ })+);
    };
    (@on $backend:ident, $make:path, $($room:ident { $($case:ident)+ })+) => {
        mod $backend {
            $(mod $room {
                $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn $case() {
                    use crate::*;
                    let world = $make().await;
                    crate::$room::$case(&world).await;
                })+
            })+
        }
    };
}

conformance! {
    developers {
        test_people_and_others_are_kept_apart_whoever_asks
        a_developer_has_one_test_application_and_so_many_test_people
        people_of_an_application_come_newest_first_and_page_by_page
        sessions_of_a_user_with_an_application_come_newest_first
    }
    apps {
        an_application_comes_back_as_it_was_added
        a_changed_application_replaces_the_row_with_all_its_settings
        an_owner_of_so_many_applications_is_refused_one_more
        a_taken_id_key_name_or_canvas_is_refused
        a_name_is_found_without_regard_to_ascii_case
        an_application_is_found_by_its_canvas_name_alone
        a_missing_application_cannot_be_changed
        an_application_that_is_not_as_it_was_read_is_not_replaced
        disabling_an_application_ends_its_sessions
    }
    audit {
        an_act_leaves_one_entry_that_names_actor_and_subject
        a_change_tells_numbers_and_words_and_of_all_else_only_that_it_changed
        what_people_do_in_their_own_affairs_is_no_entry
        a_refused_or_repeated_unit_leaves_no_entry
        a_link_that_logs_in_is_told_when_it_is_made_and_when_it_is_used
        an_erasure_leaves_the_chain_whole_and_no_name_in_it
        entries_are_found_by_actor_and_subject_newest_first
    }
    people {
        a_user_comes_back_as_they_were_added
        a_taken_uid_or_name_is_refused
        a_row_that_is_not_as_it_was_read_is_not_replaced
        a_changed_password_ends_logins_and_links_and_no_session
        what_is_kept_on_a_user_is_told_without_its_keys
        disabling_a_user_ends_sessions_logins_and_links
        erasing_a_user_removes_everything_held_on_them
        an_owner_of_applications_is_not_erased
        nothing_is_added_for_a_user_who_does_not_exist
        a_login_lasts_until_it_is_removed
        a_login_link_is_used_once_and_not_after_its_time
    }
    sessions {
        a_session_comes_back_with_its_secret
        a_living_key_is_taken_and_an_ended_one_is_free
        the_last_session_of_a_user_and_an_application_is_found
        an_expired_session_makes_room_for_its_key
        a_given_again_key_gets_a_new_number_and_no_call_order
        ending_a_session_twice_changes_nothing_more
        a_moved_expiry_is_read_at_once_and_never_moves_back
        a_fixed_expiry_is_not_moved
    }
    hooks {
        a_post_and_its_session_stand_in_the_unit_of_the_acceptance_they_tell_of
        posts_of_one_user_keep_their_order_and_applications_take_turns
        too_many_posts_let_the_oldest_leave_and_old_ones_are_given_up
    }
    grants {
        an_acceptance_comes_back_and_is_replaced
        accepting_again_keeps_time_and_switches
        a_switch_is_moved_where_there_is_an_acceptance_and_makes_none
        two_switches_moved_at_once_both_move
        acceptances_are_listed_newest_first
        withdrawing_ends_the_users_sessions_of_that_application_alone
        withdrawing_voids_bound_tokens
    }
    tokens {
        a_token_is_bound_once_and_used_once
        an_expired_or_foreign_token_is_not_usable
        a_code_is_used_once_and_a_users_next_one_takes_its_place
        a_used_code_may_be_drawn_again_and_a_living_one_not
    }
    stories {
        a_story_comes_back_with_its_slots
        places_are_gapless_in_commit_order_also_after_refusals
        the_window_opens_after_exactly_twelve_hours
        a_clock_that_stepped_back_does_not_open_the_window
        an_exempt_story_neither_reads_nor_writes_the_window
        the_window_survives_withdrawal_and_is_of_one_application_and_user
        sixty_four_parallel_calls_publish_one_story
        pages_are_read_downwards_without_overlap
        a_story_is_put_away_by_its_own_user_alone
    }
    record {
        an_act_done_twice_counts_once_and_leaves_its_hour_and_day_when_it_is_undone
        of_a_past_only_what_ranking_looks_at_is_read
        acts_on_exempt_stories_count_nowhere
        views_are_numbered_without_gap_and_one_that_is_not_the_next_changes_nothing
        a_click_counts_once_and_only_on_a_page_that_was_served
        a_picture_that_is_ready_at_publication_is_an_event_of_the_same_unit
        more_addresses_than_a_user_may_have_are_refused
        erasing_a_user_leaves_nothing_of_their_record
    }
    erasure {
        a_story_that_is_taken_down_loses_text_and_slots_and_keeps_its_place
        an_erased_application_leaves_places_for_a_day_and_then_nothing_of_its_stories
        erasing_a_user_takes_their_acts_out_of_the_hours
    }
    pictures {
        all_slots_of_an_address_wait_on_one_job_and_become_ready_with_an_event_each
        an_icon_is_fetched_when_it_is_set_kept_while_it_is_shown_and_asked_for_again_after_a_day
        a_fresh_source_is_used_and_an_older_one_is_asked_with_its_validators
        a_final_failure_is_believed_for_its_time_and_a_delayed_job_comes_again
        applications_take_turns_and_busy_hosts_and_running_jobs_are_passed_over
        a_full_queue_fails_the_slot_and_not_the_story
        slots_are_filled_for_a_hundred_users_at_once
        pictures_of_live_stories_and_photos_are_not_evicted_and_the_least_used_go_first
        a_photo_is_its_owners_until_it_is_removed_and_equal_pictures_are_kept_once
        a_blocked_picture_goes_everywhere_and_its_image_is_refused_under_any_address
        erasing_a_user_removes_photos_and_what_only_their_stories_showed
        a_failed_slot_is_fetched_again_three_times_at_most_and_by_its_application_alone
        a_picture_of_our_own_site_is_read_from_the_books
    }
    marks {
        marked_values_are_read_back_greatest_last
        of_many_marks_the_128_greatest_are_kept
        a_synced_mark_and_a_live_one_are_read_together
        a_rule_that_compares_with_the_last_keeps_the_last
        a_reset_forgets_both_kinds_of_marks
    }
    mailboxes {
        a_message_and_its_head_come_back_as_they_were_written
        messages_are_read_by_number_and_piece_by_piece
        a_mark_moves_the_outcome_and_an_end_takes_the_text
        what_is_forgotten_is_gone_and_what_is_gone_is_not_moved
        withdrawing_empties_mailboxes_in_both_directions_of_that_application_alone
        erasing_a_user_removes_their_mailboxes_and_nothing_is_kept_for_them_later
        what_waits_to_and_from_a_user_is_told_with_what_is_kept_on_them
        writes_are_whole_or_absent_and_told_in_order
    }
    units {
        a_refused_condition_rolls_back_the_whole_unit
        a_repeated_unit_is_answered_and_not_applied_again
        a_refused_unit_may_be_tried_again_under_its_id
        every_write_leaves_its_changes_in_order
        a_ready_store_says_so
    }
}
