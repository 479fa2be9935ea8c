//! Whether decoding is linear: what one step costs, a step being a packet that comes whole or an octet that comes alone.

use crate::codec::{self, Lender};
use crate::seen::Seen;
use crate::time;
use milter_proto::MAX_PAYLOAD;

/// What each row decodes, at least.
const TOTAL: usize = 64 << 20;
const READ: usize = 64 * 1024;
const ROUNDS: usize = 5;

/// A row of the table.
#[derive(Debug)]
#[non_exhaustive]
pub struct Row {
    /// What is decoded.
    pub what: &'static str,
    /// Nanoseconds of a step.
    pub nanoseconds: f64,
    /// How many times that of the first row.
    pub ratio: f64,
}

/// Steps of 64 MiB each; full packets, which the others are compared with, first.
pub fn table() -> Vec<Row> {
    let by_packet = |payload: usize| {
        let packet = packet(payload);
        let count = READ.div_ceil(packet.len());
        (packet.repeat(count), READ, count)
    };
    let by_octet = |payload: usize| {
        let packet = packet(payload);
        let steps = packet.len();
        (packet, 1, steps)
    };
    let rows = [
        ("full body packets", by_packet(MAX_PAYLOAD)),
        ("body packets of one octet", by_packet(1)),
        ("full body packets in single octets", by_octet(MAX_PAYLOAD)),
        ("one body packet of 64 MiB in single octets", by_octet(TOTAL)),
    ];
    let mut runs: Vec<Box<dyn FnMut() -> Seen + '_>> = Vec::new();
    for (_, (bytes, fragment, _)) in &rows {
        let mut lender = Lender::default();
        runs.push(Box::new(move || {
            let mut seen = Seen::default();
            for _ in 0..repetitions(bytes) {
                codec::packets(bytes, *fragment, &mut lender, |packet| seen += codec::command(packet));
            }
            seen
        }));
    }
    let timings = time::compare(&mut runs, ROUNDS);
    let steps = |row: usize| {
        let (_, (bytes, _, steps)) = &rows[row];
        (repetitions(bytes) * steps) as f64
    };
    timings
        .iter()
        .enumerate()
        .map(|(row, timing)| Row {
            what: rows[row].0,
            nanoseconds: timing.nanoseconds / steps(row),
            ratio: timing.ratio * steps(0) / steps(row),
        })
        .collect()
}

fn repetitions(bytes: &[u8]) -> usize {
    TOTAL.div_ceil(bytes.len())
}

/// A body packet; one that is larger than what can be built has to be accepted by a limit.
fn packet(payload: usize) -> Vec<u8> {
    let length = u32::try_from(payload + 1).expect("fits into a length word");
    let mut bytes = length.to_be_bytes().to_vec();
    bytes.push(b'B');
    bytes.resize(bytes.len() + payload, b'x');
    bytes
}
