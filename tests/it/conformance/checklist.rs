//! Bad input of every sort that was ever asked about, with the tests that prove what becomes of it. A test that is renamed or taken away
//! fails here.

use crate::tree::repository;

/// What may come in, and the tests about it. The numbers are those of the negative vectors for security event tokens.
const LIST: &[(&str, &[&str])] = &[
    (
        "n1, n2, n3: no algorithm, HMAC with the public key, the figure of RFC 8935",
        &["n1_n2_n3_other_algorithms_are_refused_before_any_key_is_looked_at"],
    ),
    (
        "n4, n5: another type of token, an ID token",
        &["n4_n5_a_token_of_another_type_is_refused"],
    ),
    (
        "n6: exp and sub",
        &[
            "n6_exp_and_sub_are_refused",
            "n6_exp_sub_and_a_missing_kid_are_taken_in_the_older_form",
        ],
    ),
    ("n7: another issuer", &["n7_another_issuer_is_refused_byte_for_byte"]),
    (
        "n8: a missing or foreign audience",
        &["n8_a_missing_or_foreign_audience_is_refused"],
    ),
    (
        "n9: times far away",
        &[
            "n9_a_time_that_is_none_or_lies_ahead_is_refused",
            "times_far_away_are_judged_as_the_protocol_says",
        ],
    ),
    (
        "n10: a jti that names nothing or too much",
        &["n10_a_jti_that_names_nothing_or_too_much_is_refused"],
    ),
    (
        "n11: no event, several, none at all",
        &["n11_anything_but_one_event_is_refused"],
    ),
    (
        "n12: unknown kids, a hundred at once",
        &["n12_a_hundred_unknown_kids_at_once_lead_to_one_fetch"],
    ),
    (
        "n13: an issuer that fails while a kid is unknown",
        &[
            "n13_an_unknown_kid_while_the_issuer_fails_is_put_off",
            "an_endpoint_that_fails_or_answers_rubbish_is_our_trouble_and_harms_nothing_known",
        ],
    ),
    (
        "n14: rotation",
        &[
            "n14_after_a_rotation_the_new_key_is_taken_and_the_old_one_refused",
            "keys_are_rotated_without_a_restart_and_one_that_is_gone_is_refused",
        ],
    ),
    ("n15: a flipped bit", &["n15_a_flipped_bit_is_seen"]),
    (
        "n16: keys too weak or for something else",
        &[
            "n16_keys_that_are_too_weak_or_for_something_else_are_refused",
            "a_key_is_used_for_what_it_is_for_alone",
        ],
    ),
    ("n17: keys in the header", &["n17_keys_in_the_header_are_never_used"]),
    (
        "n18: a repetition; the same jti with another body",
        &[
            "n18_a_repetition_has_the_same_key_and_digest_and_other_content_another_digest",
            "a_delivery_that_comes_again_is_answered_alike_and_leads_to_one_case",
            "another_delivery_under_a_used_key_is_refused_and_recorded_as_an_attack",
        ],
    ),
    (
        "n19: the store is down",
        &[
            "a_store_that_fails_is_our_trouble_and_nothing_of_the_delivery_stays",
            "a_full_disk_refuses_what_is_new_keeps_what_is_there_and_resumes_by_itself",
        ],
    ),
    (
        "n20: another content type, GET, 10 MB, a slow body",
        &[
            "n20_http_faults_have_the_answers_of_http",
            "what_http_says_of_a_delivery_is_checked_and_on_record",
            "a_slow_body_is_answered_with_408_and_closed",
        ],
    ),
    (
        "n21: a verification with a state that nobody asked for",
        &["n21_a_verification_state_that_nobody_asked_for_is_refused"],
    ),
    (
        "n22: a poll with a name that is not the jti, and bad among good",
        &["what_is_bad_is_told_and_on_record_and_what_stands_beside_it_is_taken"],
    ),
    ("n23: a member named twice", &["n23_a_member_named_twice_is_refused"]),
    (
        "n24: a crash between the commit and the answer",
        &[
            "a_power_cut_before_the_commit_gives_no_yes_and_one_after_it_loses_nothing",
            "nothing_is_acknowledged_before_the_commit_and_a_power_cut_loses_nothing",
        ],
    ),
    (
        "headers that stand twice",
        &[
            "what_http_says_of_a_delivery_is_checked_and_on_record",
            "a_header_that_is_missing_or_stands_twice_is_refused",
        ],
    ),
    (
        "two lengths, and lengths that are none",
        &["two_lengths_and_a_body_that_breaks_off_are_refused"],
    ),
    (
        "claims and members that stand twice",
        &["every_bad_delivery_is_refused_and_on_record_without_its_body"],
    ),
    (
        "a body that is too large, or packed",
        &[
            "a_body_over_the_sources_cap_is_413_and_not_delivered",
            "a_body_that_is_declared_too_large_is_413_before_its_body_is_sent",
            "an_encoded_body_is_415",
        ],
    ),
    (
        "JSON that nests deep, bytes that are no text, a body that is cut",
        &[
            "a_body_that_is_cut_or_not_utf_8_or_nests_deep_is_refused",
            "two_lengths_and_a_body_that_breaks_off_are_refused",
        ],
    ),
    (
        "a signature over a body that was written anew",
        &["every_bad_delivery_is_refused_and_on_record_without_its_body"],
    ),
    (
        "a SCIM filter nested a thousand deep",
        &["depth_length_and_width_are_bounded"],
    ),
    (
        "CSV with formula cells",
        &[
            "a_formula_is_text",
            "formula_cells_are_disarmed_and_come_back_as_they_were",
            "rows_that_are_bad_are_put_aside_and_those_beside_them_are_taken",
        ],
    ),
    (
        "file names with line breaks",
        &[
            "a_name_with_line_breaks_and_escapes_is_shown_escaped_and_archived",
            "what_is_no_file_of_leavers_is_put_aside_on_record_and_half_a_row_is_nobody",
        ],
    ),
    (
        "half a file, the same file again",
        &[
            "a_half_written_file_waits_for_its_rest",
            "a_file_that_comes_again_is_harmless_also_after_a_power_cut",
            "a_file_stays_where_it_is_until_it_is_stored",
        ],
    ),
    ("whatever else", &["whatever_comes_is_read_or_refused"]),
];

#[test]
fn every_sort_of_bad_input_has_its_tests() {
    let tree = repository();
    for (what, tests) in LIST {
        assert!(!tests.is_empty(), "{what}");
        for test in *tests {
            let there = format!("fn {test}(");
            let found = tree.iter().any(|file| file.is_rust() && file.text.contains(&there));
            assert!(found, "{what}: there is no test {test}");
        }
    }
}
