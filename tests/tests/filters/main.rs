//! Eight filters as a user would write them, one a file, each run against a scripted MTA.
//!
//! They are the API's acceptance test: what is awkward here is awkward for everyone.

mod behind_postfix;
mod f1_dkim_signer;
mod f2_greylist;
mod f3_antivirus;
mod f4_alignment;
mod f5_strip_attachments;
mod f6_rate_limit;
mod f7_tag_subject;
mod f8_from_configuration;
