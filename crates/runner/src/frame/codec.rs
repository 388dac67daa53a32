//! Frames as bytes: length, kind, payload.

use std::io;

use bytes::{Buf, BytesMut};
use minicbor::{Decode, Encode};

use super::{FROM_CHILD_MAX, FromChild, HEADER, LOG_MAX, SMALL_MAX, TO_CHILD_MAX, kind};

/// Why a child's bytes are not a frame.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FrameError {
    /// Larger than its kind may be.
    #[error("a frame of kind {kind} and {length} bytes; at most {limit} are allowed")]
    TooLarge {
        /// The kind it gave.
        kind: u8,
        /// The length it gave.
        length: usize,
        /// The limit.
        limit: usize,
    },
    /// No such kind comes from a child.
    #[error("a frame of kind {0}, which no child sends")]
    Kind(u8),
    /// Its payload is not what its kind holds.
    #[error("a frame of kind {kind} that does not decode: {error}")]
    Payload {
        /// The kind.
        kind: u8,
        /// What the decoder said.
        error: String,
    },
}

/// Takes the first whole frame off `buffer`, if there is one.
///
/// # Errors
/// [`FrameError`]; what follows in the buffer is then of no use.
pub fn decode(buffer: &mut BytesMut) -> Result<Option<FromChild>, FrameError> {
    let Some(header) = buffer.first_chunk::<HEADER>() else {
        return Ok(None);
    };
    let length = u32::from_be_bytes([header[0], header[1], header[2], header[3]]) as usize;
    let kind = header[4];
    let limit = match kind {
        kind::LOG => LOG_MAX,
        kind::LANE | kind::CLOSE | kind::DROPPED => SMALL_MAX,
        kind::EFFECT | kind::RESULT => FROM_CHILD_MAX,
        other => return Err(FrameError::Kind(other)),
    };
    if length > limit {
        return Err(FrameError::TooLarge { kind, length, limit });
    }
    if buffer.len() < HEADER + length {
        buffer.reserve(HEADER + length - buffer.len());
        return Ok(None);
    }
    buffer.advance(HEADER);
    let payload = buffer.split_to(length);
    let frame = match kind {
        kind::LOG => FromChild::Log(payload_of(kind, &payload)?),
        kind::EFFECT => FromChild::Effect(payload_of(kind, &payload)?),
        kind::LANE => FromChild::Lane(payload_of(kind, &payload)?),
        kind::CLOSE => FromChild::Close(payload_of(kind, &payload)?),
        kind::DROPPED => FromChild::Dropped(payload_of(kind, &payload)?),
        _ => FromChild::Result(Box::new(payload_of(kind, &payload)?)),
    };
    Ok(Some(frame))
}

fn payload_of<'a, T: Decode<'a, ()>>(kind: u8, payload: &'a [u8]) -> Result<T, FrameError> {
    let mut decoder = minicbor::Decoder::new(payload);
    let error = |error: String| FrameError::Payload { kind, error };
    let value = decoder.decode().map_err(|e| error(e.to_string()))?;
    if decoder.position() != payload.len() {
        return Err(error("bytes after its end".to_owned()));
    }
    Ok(value)
}

/// Writes a frame to a child.
///
/// # Errors
/// `InvalidInput` if it is larger than [`TO_CHILD_MAX`].
pub fn encode<T: Encode<()>>(kind: u8, value: &T) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; HEADER];
    minicbor::encode(value, &mut bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error.to_string()))?;
    let length = bytes.len() - HEADER;
    if length > TO_CHILD_MAX {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("a frame of {length} bytes to a child"),
        ));
    }
    let length = u32::try_from(length).map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    bytes[..4].copy_from_slice(&length.to_be_bytes());
    bytes[4] = kind;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::super::Log;
    use super::*;

    fn log() -> Log {
        Log {
            level: "info".into(),
            content: "hello".into(),
            is_pii: false,
            time_ns: 1,
            logger: "print".into(),
            fields: None,
        }
    }

    #[test]
    fn a_frame_that_comes_in_pieces_is_read_once_whole() {
        let bytes = encode(kind::LOG, &log()).unwrap();
        let mut buffer = BytesMut::new();
        for byte in &bytes[..bytes.len() - 1] {
            buffer.extend_from_slice(&[*byte]);
            assert!(decode(&mut buffer).unwrap().is_none());
        }
        buffer.extend_from_slice(&bytes[bytes.len() - 1..]);
        assert!(matches!(decode(&mut buffer), Ok(Some(FromChild::Log(entry))) if entry.content == "hello"));
        assert!(buffer.is_empty());
    }

    #[test]
    fn a_length_that_lies_is_refused_before_anything_is_set_aside() {
        let mut buffer = BytesMut::from(&[0xff, 0xff, 0xff, 0xff, kind::RESULT][..]);
        assert!(matches!(decode(&mut buffer), Err(FrameError::TooLarge { .. })));
        let mut buffer = BytesMut::from(&[0, 0, 0, 1, kind::START, 0][..]);
        assert_eq!(decode(&mut buffer).err(), Some(FrameError::Kind(kind::START)));
    }

    #[test]
    fn rubbish_inside_a_frame_is_refused() {
        let mut buffer = BytesMut::from(&[0, 0, 0, 3, kind::LOG, 1, 2, 3][..]);
        assert!(matches!(decode(&mut buffer), Err(FrameError::Payload { .. })));
    }

    #[test]
    fn every_input_of_the_fuzzers_corpus_reads_alike_whole_and_in_pieces() {
        let corpus = concat!(env!("CARGO_MANIFEST_DIR"), "/fuzz/corpus/frames");
        let mut inputs = 0;
        for entry in std::fs::read_dir(corpus).unwrap() {
            let bytes = std::fs::read(entry.unwrap().path()).unwrap();
            let read = |step: usize| {
                let mut buffer = BytesMut::new();
                let mut seen = Vec::new();
                for piece in bytes[1..].chunks(step) {
                    buffer.extend_from_slice(piece);
                    loop {
                        match decode(&mut buffer) {
                            Ok(Some(frame)) => seen.push(format!("{frame:?}")),
                            Ok(None) => break,
                            Err(error) => return (seen, Some(error)),
                        }
                    }
                }
                (seen, None)
            };
            assert_eq!(read(1), read(bytes.len()));
            inputs += 1;
        }
        assert!(inputs >= 9);
    }
}
