//! Inputs drawn from the octets of a fuzzer: the same values that strategies make up for proptest.
//!
//! Whatever the octets are, they stand for some input, and where they end the smallest one is drawn. What has a list of
//! packets in it takes them as a [`Script`](crate::script::Script), which a fuzzer can cut and splice.

mod calls;
mod commands;
mod responses;
mod session;

use arbitrary::{Arbitrary, Result, Unstructured};
use proptest::collection::vec;
use proptest::prelude::*;
use std::fmt::Debug;
use std::ops::ControlFlow;

/// An input, as its fuzz target draws it.
///
/// # Panics
///
/// Never: each draw is defined for any octets.
pub fn drawn<'a, T: Arbitrary<'a>>(octets: &'a [u8]) -> T {
    T::arbitrary_take_rest(Unstructured::new(octets)).expect("any octets stand for an input")
}

/// The same for proptest, from so many octets.
pub fn any_drawn<T: for<'a> Arbitrary<'a> + Debug>(most: usize) -> impl Strategy<Value = T> {
    vec(any::<u8>(), 0..most).prop_map(|octets| drawn(&octets))
}

/// Any octets; now and then one that is repeated up to `most` times.
fn octets(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<u8>> {
    if u.arbitrary::<u8>()? == u8::MAX {
        let (octet, less) = (u.arbitrary()?, u.arbitrary::<u8>()?);
        return Ok(vec![octet; most.saturating_sub(usize::from(less % 8))]);
    }
    Ok(<&[u8]>::arbitrary(u)?.to_vec())
}

/// The same without NUL.
fn text(u: &mut Unstructured<'_>, most: usize) -> Result<Vec<u8>> {
    let mut text = octets(u, most)?;
    text.retain(|octet| *octet != 0);
    Ok(text)
}

/// The same for what is text to its caller too.
fn string(u: &mut Unstructured<'_>, most: usize) -> Result<String> {
    Ok(String::from_utf8_lossy(&octets(u, most)?).into_owned())
}

fn list<'a, T>(
    u: &mut Unstructured<'a>,
    most: u32,
    mut one: impl FnMut(&mut Unstructured<'a>) -> Result<T>,
) -> Result<Vec<T>> {
    let mut list = Vec::new();
    u.arbitrary_loop(None, Some(most), |u| {
        list.push(one(u)?);
        Ok(ControlFlow::Continue(()))
    })?;
    Ok(list)
}
