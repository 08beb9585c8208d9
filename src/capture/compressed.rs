//! Logs as they are: plain, or compressed by gzip, zstd or xz, told by their first bytes.
//!
//! Nothing is unpacked to disk, and no stream can ask for more memory than [`LARGEST_WINDOW`].

use std::io::{self, BufReader, Read};

use flate2::read::MultiGzDecoder;
use lzma_rust2::XzReader;
use ruzstd::decoding::{FrameDecoder, StreamingDecoder};

/// Window or dictionary of a stream, in bytes: what `zstd --ultra -22` and `xz -9` need, and some more.
const LARGEST_WINDOW: u64 = 256 << 20;

const GZIP: &[u8] = &[0x1f, 0x8b];
const ZSTD: &[u8] = &[0x28, 0xb5, 0x2f, 0xfd];
const XZ: &[u8] = &[0xfd, b'7', b'z', b'X', b'Z', 0];

/// Gives the text of a log, whichever of the forms it has.
pub fn plain<'a>(source: impl Read + Send + 'a) -> io::Result<Box<dyn Read + Send + 'a>> {
    let mut source = Peekable::new(source);
    let head = source.peek(XZ.len())?;
    let is = |magic: &[u8]| head.starts_with(magic);
    let (gzip, zstd, xz) = (is(GZIP), is(ZSTD) || is_skippable(head), is(XZ));
    Ok(if gzip {
        Box::new(MultiGzDecoder::new(BufReader::new(source)))
    } else if zstd {
        Box::new(ZstdFrames {
            source: Some(Peekable::new(BufReader::new(source))),
            decoder: None,
            given: 0,
        })
    } else if xz {
        let limit = (LARGEST_WINDOW >> 10) as u32;
        Box::new(XzReader::new_mem_limit(BufReader::new(source), true, limit))
    } else {
        Box::new(source)
    })
}

/// A zstd frame for other programs' use, as parallel compressors write them; it holds no data.
fn is_skippable(head: &[u8]) -> bool {
    matches!(head, [first, 0x2a, 0x4d, 0x18, ..] if first & 0xf0 == 0x50)
}

/// A reader whose next bytes can be looked at; a pipe gives them in pieces of any size.
struct Peekable<R> {
    peeked: Vec<u8>,
    inner: R,
}

impl<R: Read> Peekable<R> {
    fn new(inner: R) -> Self {
        let peeked = Vec::new();
        Peekable { peeked, inner }
    }

    /// The next `count` bytes, or all that are left.
    fn peek(&mut self, count: usize) -> io::Result<&[u8]> {
        let missing = count.saturating_sub(self.peeked.len()) as u64;
        self.inner
            .by_ref()
            .take(missing)
            .read_to_end(&mut self.peeked)?;
        Ok(&self.peeked)
    }
}

impl<R: Read> Read for Peekable<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.peeked.is_empty() {
            return self.inner.read(buffer);
        }
        let count = buffer.len().min(self.peeked.len());
        buffer[..count].copy_from_slice(&self.peeked[..count]);
        self.peeked.drain(..count);
        Ok(count)
    }
}

/// All frames of a zstd stream, one after the other; the decoder itself ends with its frame.
/// Exactly one of the two fields is there, until the end of the stream.
struct ZstdFrames<R: Read> {
    /// Before a frame.
    source: Option<Peekable<R>>,
    /// In one.
    decoder: Option<StreamingDecoder<Peekable<R>, FrameDecoder>>,
    /// Bytes of text that the frame has given.
    given: u64,
}

impl<R: Read> Read for ZstdFrames<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(decoder) = &mut self.decoder {
                let read = decoder.read(buffer)?;
                self.given = self.given.saturating_add(read as u64);
                if read > 0 || buffer.is_empty() {
                    return Ok(read);
                }
                check_frame(&decoder.decoder, self.given)?;
                self.source = self.decoder.take().map(StreamingDecoder::into_inner);
            }
            let Some(mut source) = self.source.take() else {
                return Ok(0);
            };
            let head = source.peek(8)?;
            match head {
                [] => return Ok(0),
                [_, _, _, _, a, b, c, d] if is_skippable(head) => {
                    let length = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
                    let skipped = io::copy(&mut source.by_ref().take(8 + length), &mut io::sink())?;
                    if skipped < 8 + length {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    self.source = Some(source);
                }
                _ => {
                    let decoder =
                        StreamingDecoder::new_with_max_window_size(source, LARGEST_WINDOW);
                    self.decoder = Some(decoder.map_err(io::Error::other)?);
                    self.given = 0;
                }
            }
        }
    }
}

/// A frame may say how long its text is, and end with a checksum of it; the decoder compares neither.
/// `given` is how many bytes came of it.
fn check_frame(decoder: &FrameDecoder, given: u64) -> io::Result<()> {
    let stored = decoder.get_checksum_from_data();
    if stored.is_some() && stored != decoder.get_calculated_checksum() {
        return Err(damaged(
            "the checksum of a zstd frame is not that of its text",
        ));
    }
    // 0 stands for a length that is not told, too.
    let told = decoder.content_size();
    if told != 0 && told != given {
        return Err(damaged("a zstd frame has not the length that it tells"));
    }
    Ok(())
}

fn damaged(what: &'static str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::trickle::Trickle;
    use std::io::Write;

    fn text(bytes: Vec<u8>) -> String {
        let mut out = String::new();
        plain(Trickle(io::Cursor::new(bytes)))
            .unwrap()
            .read_to_string(&mut out)
            .unwrap();
        out
    }

    fn gzip(text: &str) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(text.as_bytes()).unwrap();
        encoder.finish().unwrap()
    }

    fn zstd(text: &str) -> Vec<u8> {
        ruzstd::encoding::compress_to_vec(
            text.as_bytes(),
            ruzstd::encoding::CompressionLevel::Fastest,
        )
    }

    #[test]
    fn each_form_by_its_magic() {
        assert_eq!(text(b"= Start\n".to_vec()), "= Start\n");
        assert_eq!(text(b"=".to_vec()), "=");
        assert_eq!(text(Vec::new()), "");
        assert_eq!(text(gzip("= Start\n")), "= Start\n");
        assert_eq!(text(zstd("= Start\n")), "= Start\n");
    }

    #[test]
    fn streams_that_were_appended_to_one_another() {
        assert_eq!(text([gzip("one\n"), gzip("two\n")].concat()), "one\ntwo\n");
        let skippable = [&[0x52, 0x2a, 0x4d, 0x18, 3, 0, 0, 0][..], b"xyz"].concat();
        let frames = [skippable.clone(), zstd("one\n"), skippable, zstd("two\n")].concat();
        assert_eq!(text(frames), "one\ntwo\n");
    }

    #[test]
    fn a_window_of_gigabytes_is_refused() {
        // Magic, no single segment, window descriptor of 2^(10+31) bytes.
        let bomb = vec![0x28, 0xb5, 0x2f, 0xfd, 0x00, 31 << 3, 0x01, 0x00, 0x00];
        let mut out = Vec::new();
        assert!(
            plain(io::Cursor::new(bomb))
                .unwrap()
                .read_to_end(&mut out)
                .is_err()
        );
    }
}
