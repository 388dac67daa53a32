//! The suite that every store must pass, one promise a function. `store::conformance!` makes a test of each.
//!
//! A store's own tests give it a way to open a fresh store:
//!
//! ```ignore
//! async fn fresh() -> (TempDir, Arc<dyn Store>) { … } // with a queue limit of conformance::QUEUE_LIMIT
//! store::conformance!(fresh);
//! ```
#![allow(
    clippy::unwrap_used,
    clippy::missing_panics_doc,
    reason = "these are tests: a panic is how they fail"
)]

pub mod accepting;
pub mod attempts;
pub mod concurrency;
pub mod deployments;
pub mod given;
pub mod journal;
pub mod left;
pub mod random_walk;
pub mod reading;
pub mod requests;
pub mod revisions;
pub mod waiting;

/// What the stores under test must be opened with.
pub const QUEUE_LIMIT: u64 = 300;

/// Makes a test of every promise. `$fresh` is an async function that answers whatever must live as long as the store,
/// and the store as `Arc<dyn Store>`.
#[macro_export]
macro_rules! conformance {
    ($fresh:path) => {
        $crate::conformance!($fresh:
            accepting::a_new_conversation_is_queued_where_a_deployment_is_active,
            accepting::without_an_active_deployment_it_is_held_until_there_is_one,
            accepting::the_same_again_is_the_same_run,
            accepting::other_content_under_the_same_id_is_a_conflict_that_keeps_the_first,
            accepting::an_id_is_anothers_in_another_project_environment_or_source,
            accepting::twice_in_one_call_is_one_run,
            accepting::a_full_queue_keeps_nothing_and_still_knows_what_it_has,
            accepting::a_call_is_answered_in_order_and_may_be_empty,
            attempts::due_runs_are_claimed_oldest_first,
            attempts::a_claimed_run_is_not_claimed_again,
            attempts::a_failed_attempt_backs_off_and_keeps_its_logs,
            attempts::a_run_whose_attempts_are_used_up_is_a_dead_letter,
            attempts::a_stale_epoch_changes_nothing,
            attempts::an_interrupted_attempt_is_marked_and_the_run_goes_on,
            attempts::a_released_run_goes_on_uncounted,
            attempts::a_run_that_must_be_alone_is_claimed_alone_or_not_at_all,
            attempts::an_outage_waits_and_parking_needs_a_decision,
            attempts::a_run_that_waits_for_a_host_comes_due_by_itself,
            attempts::retries_stay_on_the_deployment_that_began,
            attempts::a_report_for_another_attempt_is_refused_whole,
            attempts::a_failed_attempt_without_a_report_tells_its_code,
            attempts::a_stranded_run_is_told_until_it_goes_on,
            concurrency::many_callers_accept_and_each_conversation_is_one_run,
            concurrency::many_claimers_never_share_a_run,
            concurrency::the_same_conversation_from_many_callers_is_one_run,
            deployments::records_are_kept_once_and_listed_newest_first,
            deployments::only_a_projects_own_deployment_is_activated,
            deployments::activating_frees_what_was_held_there_and_only_there,
            deployments::api_keys_are_found_by_hash_until_revoked_and_after,
            journal::records_come_back_in_order_as_they_were,
            journal::only_the_attempt_that_is_under_way_begins_something,
            journal::what_was_begun_is_concluded_also_when_its_epoch_is_over,
            journal::a_number_is_taken_once,
            journal::a_decision_is_a_record_and_a_step_or_neither,
            left::a_return_keeps_everything_that_the_attempt_left,
            left::results_of_a_later_return_replace_the_earlier,
            left::a_retry_queues_only_what_was_not_queued_before,
            random_walk::every_step_is_what_the_rules_say,
            revisions::what_a_source_tells_later_is_a_revision,
            revisions::our_own_api_has_no_revisions,
            revisions::many_revisions_at_once_are_all_kept_up_to_their_limit,
            reading::listings_filter_by_everything_that_they_offer,
            reading::pages_go_through_all_runs_once,
            reading::metrics_of_every_type_come_back_as_written,
            reading::a_conversation_is_found_by_its_external_id_in_every_project,
            reading::a_conversation_is_found_by_our_own_id,
            reading::what_is_not_there_is_none,
            reading::health_counts_runs_by_state,
            reading::the_next_due_time_is_told,
            reading::after_closing_nothing_is_answered,
            requests::cancelling_ends_the_run_and_its_attempt,
            requests::what_a_cancelled_attempt_logged_is_kept,
            requests::cancelling_what_is_over_is_refused,
            requests::a_retry_by_hand_starts_anew_on_the_deployment_asked_for,
            requests::what_succeeded_is_run_again_only_on_purpose,
            requests::an_unknown_run_is_told,
            waiting::pauses_are_kept_until_they_are_lifted,
            waiting::runs_that_wait_are_let_go_on_one_after_the_other,
            waiting::runs_that_are_due_for_a_host_that_is_out_are_not_due_all_at_once,
        );
    };
    ($fresh:path: $($topic:ident :: $promise:ident),+ $(,)?) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $promise() {
                let (_kept, store) = $fresh().await;
                $crate::conformance::$topic::$promise(store).await;
            }
        )+
    };
}
