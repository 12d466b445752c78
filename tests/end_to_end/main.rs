//! The program as its users meet it: a process, its files, its sockets.
//!
//! One file for each behaviour. A test configures the program, does something to it from outside, and asserts what each
//! side saw: the sink, the client, the log records. [`kit`] has the process, the sink and the waiting.

#![allow(clippy::unwrap_used, reason = "a failed unwrap fails the test")]

mod kit;

mod a_configuration_that_is_broken_is_refused_with_its_places;
mod a_known_queue_costs_no_question;
mod a_plugin_is_swapped_and_taken_back;
mod a_plugin_that_panics_costs_one_message;
mod a_pool_that_a_plugin_makes_up_defers_mail;
mod a_program_that_cannot_start_says_why;
mod a_refusal_for_good_bounces;
mod a_refused_message_is_retried_when_due;
mod a_reload_changes_everything_or_nothing;
mod a_tenant_has_a_component_of_its_own;
mod a_tenant_is_named_only_by_its_identities;
mod a_token_is_an_identity;
mod an_author_ships_a_policy_in_any_language;
mod an_injection_is_judged_for_each_recipient;
mod an_unknown_tenant_is_refused;
mod health_and_numbers_are_served;
mod hostile_tenants_and_honest_mail;
mod large_messages_arrive_as_they_were_sent;
mod mail_goes_where_the_dns_says;
mod mail_stays_on_this_machine;
mod mail_that_was_put_off_waits_as_a_plugin_has_it;
mod many_recipients_get_one_message_each;
mod messages_do_not_get_smuggled;
mod messages_expire;
mod nothing_is_lost_by_a_kill;
mod nothing_is_lost_by_a_restart;
mod plugins_hear_of_records;
mod plugins_use_what_they_were_granted;
mod pools_may_be_known_to_a_plugin_alone;
mod rates_are_kept;
mod recipients_of_one_message_end_one_by_one;
mod relaying_is_for_relay_hosts;
mod scheduled_mail_waits;
mod sessions_are_judged_by_plugins;
mod several_listeners_have_their_own_rules;
mod sources_take_turns_by_weight;
mod the_demo_tells_its_story_to_the_end;
mod the_guide_example_over_http;
mod the_guide_example_over_smtp;
mod the_guides_policies_run_as_plugins;
mod what_plugins_are_asked_is_recorded_and_replayed;
