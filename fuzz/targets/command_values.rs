#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| milter_laws::targets::command_values(octets));
