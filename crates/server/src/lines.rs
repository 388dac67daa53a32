//! A stream of bytes as lines, however it is cut into pieces.

use bytes::{Buf as _, Bytes, BytesMut};

/// One line that is not blank.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Line {
    /// Without its end (`\n` or `\r\n`).
    Whole(Bytes),
    /// It was longer than allowed; what it held is gone.
    TooLong,
}

/// Cuts lines out of pieces. Blank lines are counted and passed over; the last line needs no end.
pub(crate) struct Lines {
    pending: BytesMut,
    /// Up to here `pending` is known to hold no end of a line.
    searched: usize,
    /// The line that `pending` begins with has already lost its beginning.
    cut: bool,
    number: u64,
    longest: usize,
}

impl Lines {
    /// Lines of at most `longest` bytes, their ends not counted.
    pub fn new(longest: usize) -> Self {
        Self {
            pending: BytesMut::new(),
            searched: 0,
            cut: false,
            number: 0,
            longest,
        }
    }

    pub fn push(&mut self, piece: &[u8]) {
        self.pending.extend_from_slice(piece);
    }

    /// The next whole line with its number, from 1.
    pub fn next(&mut self) -> Option<(u64, Line)> {
        loop {
            let Some(length) = self.pending[self.searched..]
                .iter()
                .position(|byte| *byte == b'\n')
            else {
                self.searched = self.pending.len();
                // One more than allowed may yet be the `\r` of its end.
                if self.pending.len() > self.longest + 1 {
                    self.cut = true;
                    self.pending.clear();
                    self.searched = 0;
                }
                return None;
            };
            let line = self.pending.split_to(self.searched + length).freeze();
            self.pending.advance(1);
            self.searched = 0;
            if let Some(line) = self.end_of_line(line) {
                return Some((self.number, line));
            }
        }
    }

    /// Bytes that are kept for lines which were not given out.
    pub fn held(&self) -> usize {
        self.pending.len()
    }

    /// A line has begun and is not whole, once [`Self::next`] gives no more.
    pub fn in_a_line(&self) -> bool {
        self.cut || !self.pending.is_empty()
    }

    /// The number that the next line has.
    pub fn next_number(&self) -> u64 {
        self.number + 1
    }

    /// The last line, once nothing more comes, if it has no end of its own.
    pub fn last(&mut self) -> Option<(u64, Line)> {
        let line = self.pending.split().freeze();
        self.searched = 0;
        if line.is_empty() && !self.cut {
            return None;
        }
        self.end_of_line(line).map(|line| (self.number, line))
    }

    fn end_of_line(&mut self, line: Bytes) -> Option<Line> {
        self.number += 1;
        let was_cut = std::mem::take(&mut self.cut);
        let line = match line.last() {
            Some(b'\r') => line.slice(..line.len() - 1),
            _ => line,
        };
        if was_cut || line.len() > self.longest {
            return Some(Line::TooLong);
        }
        (!line.iter().all(u8::is_ascii_whitespace)).then_some(Line::Whole(line))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const LONGEST: usize = 8;

    fn cut(pieces: &[&[u8]]) -> Vec<(u64, Line)> {
        let mut lines = Lines::new(LONGEST);
        let mut found = Vec::new();
        for piece in pieces {
            lines.push(piece);
            found.extend(std::iter::from_fn(|| lines.next()));
            assert!(
                lines.pending.len() <= LONGEST + 1,
                "kept more than a line may be long"
            );
        }
        found.extend(lines.last());
        found
    }

    fn whole(number: u64, text: &'static str) -> (u64, Line) {
        (number, Line::Whole(Bytes::from_static(text.as_bytes())))
    }

    #[test]
    fn blank_lines_are_counted_and_passed_over() {
        assert_eq!(cut(&[b"\n{}\r\n \t\r\n\n[]"]), [whole(2, "{}"), whole(5, "[]")]);
    }

    #[test]
    fn a_line_may_be_as_long_as_is_allowed_and_no_longer() {
        assert_eq!(cut(&[b"12345678\r\n"]), [whole(1, "12345678")]);
        assert_eq!(cut(&[b"12345678"]), [whole(1, "12345678")]);
        assert_eq!(cut(&[b"123456789\nok\n"]), [(1, Line::TooLong), whole(2, "ok")]);
        assert_eq!(cut(&[b"123456789"]), [(1, Line::TooLong)]);
    }

    proptest! {
        #[test]
        fn it_does_not_matter_how_the_stream_is_cut(
            text in proptest::collection::vec(prop::sample::select(b"ab \r\n".to_vec()), 0..200),
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
        ) {
            let mut ends: Vec<usize> = cuts.iter().map(|cut| cut.index(text.len() + 1)).collect();
            ends.push(text.len());
            ends.sort_unstable();
            let mut pieces = Vec::new();
            let mut begin = 0;
            for end in ends {
                pieces.push(&text[begin..end]);
                begin = end;
            }
            prop_assert_eq!(cut(&pieces), expected(&text));
        }
    }

    /// The same by splitting the whole.
    fn expected(text: &[u8]) -> Vec<(u64, Line)> {
        let mut found = Vec::new();
        for (line, number) in text.split(|byte| *byte == b'\n').zip(1..) {
            let line = line.strip_suffix(b"\r").unwrap_or(line);
            if line.len() > LONGEST {
                found.push((number, Line::TooLong));
            } else if !line.iter().all(u8::is_ascii_whitespace) {
                found.push((number, Line::Whole(Bytes::copy_from_slice(line))));
            }
        }
        found
    }
}
