#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| milter_laws::targets::two_sides(octets));
