//! What every ledger, broker and ticket store promises, and what every connection may rely on: cases × backends.
//!
//! A case is a plain async function over a `World`; its name stands once in a list. Backends: mailboxes in memory,
//! and mailboxes that the books keep.

#![expect(
    clippy::unwrap_used,
    reason = "a helper that cannot go on has failed its case"
)]

mod admission;
mod books;
mod delivery;
mod drain;
mod durable;
mod ends;
mod figures;
mod floods;
mod ledger;
mod limits;
mod outcomes;
mod slow;
mod tickets;
mod world;

/// Expands a list of cases over the backends.
macro_rules! cases {
    ($($module:ident: $($case:ident),+ $(,)?);+ $(;)?) => {
        mod memory {
            $($(
                #[tokio::test]
                async fn $case() {
                    crate::world::in_mode(crate::world::Mode::Memory);
                    crate::$module::$case(crate::world::World::begin()).await;
                }
            )+)+
        }
        mod kept {
            $($(
                #[tokio::test]
                async fn $case() {
                    crate::world::in_mode(crate::world::Mode::Durable);
                    crate::$module::$case(crate::world::World::begin()).await;
                }
            )+)+
        }
    };
}

cases! {
    admission:
        admit_running_max_judges_so_many_hellos_at_once_and_the_next_as_one_ends,
        resumes_stand_before_new_connections_each_in_order_of_arrival,
        admit_places_max_refuses_the_one_behind_the_last_place,
        a_place_older_than_ten_seconds_is_refused,
        whoever_goes_away_while_waiting_gives_the_place_back_and_the_turn_too,
        a_refusal_for_load_names_the_backlog_over_the_rate_of_the_last_second,
        a_stop_sends_away_who_waits_without_calling_it_load,
        a_hello_that_waits_for_its_turn_is_not_waited_for_any_more;
    ledger:
        of_64_concurrent_equal_call_ids_exactly_one_passes,
        accepted_call_ids_survive_the_process,
        a_reset_session_may_carry_any_value_again,
        quota_is_charged_before_call_order_and_spent_by_its_refusal,
        never_more_calls_than_permitted_are_charged_at_once,
        a_store_that_fails_keeps_no_call_id;
    tickets:
        a_ticket_is_redeemed_once,
        tickets_outstanding_over_20_void_the_oldest,
        an_expired_ticket_is_void,
        tickets_end_with_their_session_and_their_grant;
    delivery:
        messages_arrive_in_commit_order_on_every_page,
        a_repeated_id_gives_the_first_outcome_and_spends_nothing,
        what_nobody_handles_waits_for_the_page_that_registers,
        one_page_alone_runs_a_message_for_one,
        a_focused_message_goes_to_the_page_with_the_focus,
        a_claim_is_released_when_its_page_is_gone,
        a_claim_lost_below_the_cursor_is_offered_to_its_page_again_when_that_comes_back_late,
        what_a_lagging_page_gets_from_one_that_ended_comes_in_its_order_and_once,
        one_avoids_a_connection_that_lags_for_another_page_s_sake,
        ttl_0_for_one_page_goes_to_it_at_once_and_to_nobody_later,
        a_resume_gets_what_it_missed_and_nothing_twice,
        an_unknown_epoch_is_a_gap_and_then_every_live_message,
        a_claim_that_expires_with_its_connection_is_told_below_the_cursor,
        many_claims_that_expire_with_their_connection_are_one_gap,
        an_unknown_epoch_is_told_before_what_its_successor_has_lost,
        an_expired_message_is_a_gap_for_the_page_that_missed_it,
        a_lagging_connection_reads_on_without_loss_or_double,
        a_replaced_message_is_cancelled,
        a_withdrawal_empties_mailboxes_and_outboxes,
        a_wait_ends_with_the_ack_or_with_its_time,
        a_wait_that_outlives_its_message_says_that_it_expired;
    outcomes:
        a_cancelled_message_leaves_mailbox_outboxes_and_pages_without_a_gap,
        cancelling_again_or_after_the_end_changes_nothing,
        what_a_page_has_acked_is_not_cancelled,
        a_page_that_had_started_may_still_ack_a_cancelled_message,
        a_cancelled_claim_goes_to_nobody_else,
        a_cancel_makes_room_for_a_connection_that_lagged,
        a_cancel_ends_the_wait,
        a_message_without_life_is_waited_for_until_its_pages_have_acked,
        a_page_within_its_grace_is_waited_for,
        a_timeline_names_every_page_of_a_message_for_all,
        a_timeline_tells_of_a_claim_that_moved,
        a_timeline_tells_what_waited_for_its_page_and_how_it_ended,
        a_message_pushed_out_of_its_ring_ends_as_dropped,
        an_outcome_is_told_to_its_application_and_its_sender_alone,
        a_repeated_ref_gives_the_first_outcome_on_any_connection_whatever_became_of_it,
        an_ack_of_a_page_that_the_message_was_not_for_counts_nothing,
        equal_refs_at_once_spend_the_quota_once;
    drain:
        a_restart_ends_every_connection_with_a_delay_of_its_own,
        drain_window_is_a_second_for_each_thousand_connections_and_no_longer_than_configured,
        a_handover_asks_every_connection_and_ends_what_is_left,
        a_handover_ends_as_soon_as_everybody_has_gone,
        whoever_comes_while_the_server_leaves_is_told_to_come_back;
    ends:
        floods_and_frames_over_their_bounds_end_with_their_code_and_are_counted,
        a_renewal_moves_the_end_and_past_it_the_bye_comes_within_a_second,
        a_span_that_ends_with_its_session_ends_with_4203_also_after_a_resume,
        a_resume_ends_the_connection_it_comes_from_and_no_other;
    slow:
        what_expires_in_an_outbox_is_a_gap_before_what_follows,
        what_expires_between_live_messages_is_a_gap_of_its_own,
        a_frame_whose_write_has_begun_is_finished_and_one_put_back_is_judged_again,
        pages_of_one_connection_are_told_of_what_each_was_owed,
        what_expires_makes_room_for_reading_on,
        ttl_0_waits_in_an_outbox_and_is_a_gap_for_a_lagging_page,
        a_withdrawn_senders_messages_leave_every_outbox_stored_or_not,
        a_reader_behind_the_ring_gets_one_gap_and_goes_on_at_the_oldest,
        a_reader_that_takes_a_byte_every_29_seconds_is_never_cut,
        the_transport_tries_once_more_before_a_connection_is_cut;
    floods:
        outbox_bytes_max_bounds_the_answers_of_any_array_and_each_is_told,
        a_name_longer_than_a_frame_is_told_by_its_beginning,
        who_waits_for_room_is_woken_by_whatever_makes_it,
        room_is_made_by_a_withdrawal_too,
        what_is_asked_by_a_page_that_has_gone_is_done_and_not_answered,
        a_page_that_never_acks_holds_no_more_than_ring_and_status,
        recipient_rate_bounds_what_a_page_that_never_acks_can_be_sent,
        handlers_are_all_that_a_flood_of_registers_leaves_behind,
        what_a_withdrawal_drops_from_an_outbox_ends_as_revoked;
    figures:
        a_ping_is_timed_to_its_pong_once,
        a_withdrawal_is_timed_to_its_last_byte,
        a_withdrawal_that_ends_nobody_is_timed_too,
        messages_are_timed_to_their_first_hand_over_and_their_first_ack,
        what_is_offered_again_is_counted,
        pages_and_handlers_are_those_that_are_present,
        a_lagging_connection_is_seen_with_its_bytes;
    limits:
        rate_recipient_allows_a_thousand_at_once,
        mailbox_app_is_refused_when_full,
        mailbox_node_is_refused_when_full,
        connections_user_allows_32,
        connections_address_allows_its_bound,
        connections_of_the_process_are_bounded,
        hello_waiting_is_bounded,
        handlers_of_a_page_are_64,
        handlers_of_a_connection_are_256_and_a_hello_is_told_once_a_page,
        rate_send_allows_60_at_once,
        authorised_ends_after_its_span,
        ping_without_pong_ends_the_connection,
        no_progress_for_30_seconds_cuts,
        page_gone_after_its_grace,
        app_bytes_max_refuses_what_no_longer_fits,
        heads_max_lets_the_longest_unused_head_leave,
        heads_max_of_a_large_process_bounds_it_too,
        heads_max_spares_the_heads_of_live_messages_and_present_pages,
        pong_deadline_and_progress_deadline_are_kept_as_configured,
        app_waiters_max_and_waiters_max_answer_at_once,
        status_items_max_and_status_keep_forget_records,
        ledger_sessions_max_forgets_nothing_that_the_store_knows,
        ticket_life_decides_which_tickets_a_withdrawal_voids;
}
