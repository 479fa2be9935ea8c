//! The milter protocol without I/O.
#![no_std]
