//! The conformance examples: they parse, none of them goes missing, and the frames are what they say.

use milter_vectors::{Class, Mark, Packet, Side, examples};

#[test]
fn conformance_examples() {
    let examples = examples();
    assert_eq!(examples.len(), 168);
    let count = |sender, class| {
        examples.iter().filter(|example| (example.sender, example.class) == (sender, class)).count()
    };
    use Class::{Invalid, Prefix, Sequence, Tolerated, Unsupported, Valid};
    let classes = [Valid, Tolerated, Invalid, Unsupported, Sequence, Prefix];
    assert_eq!(classes.map(|class| count(Side::Mta, class)), [55, 3, 21, 0, 9, 1]);
    assert_eq!(classes.map(|class| count(Side::Filter, class)), [54, 0, 17, 2, 6, 0]);

    assert!(examples.is_sorted_by_key(|example| example.statement));
    assert_eq!((examples[0].statement, examples[167].statement), (1, 138));
    for example in examples.iter().filter(|example| matches!(example.class, Valid | Tolerated | Unsupported))
    {
        let [frame] = &example.frames[..] else { panic!("line {}: one frame was expected", example.line) };
        let packet = Packet {
            side: example.sender,
            letter: frame[4],
            payload: frame[5..].to_vec(),
            mark: Mark::Legal,
            line: 0,
        };
        assert_eq!(packet.wire(), *frame, "line {}", example.line);
    }
}
