# Every test of milter-proto that needs no mail server, as arguments of cargo test, the fastest first. Sourced by
# tests/coverage, tests/mutants and tests/valgrind.

needs_no_mta='bad_input|captures_.*|conformance_.*|order_of_commands|pair|session_corners|trial_dialogue|two_sides_.*|values_of_messages'
named=$(cd tests/tests && ls -d ./*.rs ./*/main.rs | sed -E -e 's,^\./,,' -e 's,(/main)?\.rs$,,' \
    | grep -xE "$needs_no_mta" | sed 's/^/--test /' | tr '\n' ' ')

own_tests="-p milter-proto --tests"
laws="-p milter-laws --tests"
doc_tests="-p milter-proto --doc"
stories="-p milter-tests $named--test filters -- --skip behind_postfix"
