//! The law of what an application says.

use milter_laws::application::{Filter, what_is_said_is_refused_or_canonical};
use milter_laws::config;
use milter_laws::drawn::any_drawn;
use proptest::proptest;

proptest! {
    #![proptest_config(config())]

    #[test]
    fn refused_or_canonical(filter in any_drawn::<Filter>(400)) {
        what_is_said_is_refused_or_canonical(&filter);
    }
}
