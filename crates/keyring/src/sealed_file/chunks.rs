use super::SealedFileError;
use super::header::{FileKey, Header, Opener, Whom};
use crate::gcm::TAG_LEN;
use aead_stream::{DecryptorBE32, EncryptorBE32};
use aes_gcm::{Aes256Gcm, KeyInit};
use sha2::{Digest, Sha256};
use std::io::{self, Read, Write};
use zeroize::Zeroizing;

/// Plain bytes of a chunk.
const CHUNK: usize = 64 * 1024;

/// Writes a sealed file; without [`Writer::finish`] it is one that was cut off.
pub struct Writer<W: Write> {
    out: W,
    header: Header,
    sealing: Sealing,
    chunk: Zeroizing<Vec<u8>>,
}

enum Sealing {
    Sealed(Box<EncryptorBE32<Aes256Gcm>>),
    Plain(u32),
}

impl<W: Write> Writer<W> {
    /// Writes the header of a file of a kind, such as `countersign backup 1`.
    ///
    /// # Errors
    /// The passphrase or key cannot be used, or nothing can be written.
    pub fn begin(out: W, kind: &str, whom: &Whom) -> Result<Self, SealedFileError> {
        let (header, key) = Header::new(kind, whom)?;
        Self::under(out, header, key)
    }

    pub(super) fn under(mut out: W, header: Header, key: FileKey) -> Result<Self, SealedFileError> {
        let sealing = match key {
            Some(key) => {
                let cipher =
                    Aes256Gcm::new_from_slice(&key).map_err(|_| SealedFileError::Malformed)?;
                // The key seals this one file, so its nonces need no random part.
                Sealing::Sealed(Box::new(EncryptorBE32::from_aead(cipher, &[0; 7].into())))
            }
            None => Sealing::Plain(0),
        };
        out.write_all(header.text().as_bytes())?;
        Ok(Self {
            out,
            header,
            sealing,
            chunk: Zeroizing::new(Vec::with_capacity(CHUNK + TAG_LEN)),
        })
    }

    /// Writes the last chunk and gives the output back.
    ///
    /// # Errors
    /// It cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        let about = self.header.text().as_bytes();
        match self.sealing {
            Sealing::Sealed(sealing) => sealing
                .encrypt_last_in_place(about, &mut *self.chunk)
                .map_err(|_| too_long())?,
            Sealing::Plain(at) => {
                let tag = check(about, at, true, &self.chunk);
                self.chunk.extend_from_slice(&tag);
            }
        }
        self.out.write_all(&self.chunk)?;
        self.out.flush()?;
        Ok(self.out)
    }

    fn write_chunk(&mut self) -> io::Result<()> {
        let about = self.header.text().as_bytes();
        match &mut self.sealing {
            Sealing::Sealed(sealing) => sealing
                .encrypt_next_in_place(about, &mut *self.chunk)
                .map_err(|_| too_long())?,
            Sealing::Plain(at) => {
                let tag = check(about, *at, false, &self.chunk);
                self.chunk.extend_from_slice(&tag);
                *at = at.checked_add(1).ok_or_else(too_long)?;
            }
        }
        self.out.write_all(&self.chunk)?;
        self.chunk.clear();
        Ok(())
    }
}

impl<W: Write> Write for Writer<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A full chunk waits for the next byte: only then is it known not to be the last.
        if self.chunk.len() == CHUNK && !bytes.is_empty() {
            self.write_chunk()?;
        }
        let taken = bytes.len().min(CHUNK - self.chunk.len());
        self.chunk
            .extend_from_slice(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// Reads a sealed file. The end is told only after the last chunk has proven itself; everything else is an error.
pub struct Reader<R: Read> {
    input: R,
    header: Header,
    opening: Option<Opening>,
    /// Bytes of the file after the chunk at hand: the first of the next one, or none at the end.
    ahead: Vec<u8>,
    chunk: Zeroizing<Vec<u8>>,
    given: usize,
}

enum Opening {
    Sealed(Box<DecryptorBE32<Aes256Gcm>>),
    Plain(u32),
}

impl<R: Read> Reader<R> {
    /// Opens what follows a header.
    ///
    /// # Errors
    /// `opener` does not open it.
    pub fn open(
        mut input: R,
        kind: &str,
        header: Header,
        opener: &Opener,
    ) -> Result<Self, SealedFileError> {
        let opening = match header.open(kind, opener)? {
            Some(key) => {
                let cipher =
                    Aes256Gcm::new_from_slice(&key).map_err(|_| SealedFileError::Malformed)?;
                Opening::Sealed(Box::new(DecryptorBE32::from_aead(cipher, &[0; 7].into())))
            }
            None => Opening::Plain(0),
        };
        let ahead = fill(&mut input, Vec::new())?;
        Ok(Self {
            input,
            header,
            opening: Some(opening),
            ahead,
            chunk: Zeroizing::default(),
            given: 0,
        })
    }

    /// Opens the next chunk; false after the last.
    fn next(&mut self) -> io::Result<bool> {
        let Some(opening) = self.opening.take() else {
            return Ok(false);
        };
        let chunk = std::mem::take(&mut self.ahead);
        let is_last = chunk.len() < CHUNK + TAG_LEN + 1;
        let (mut chunk, ahead) = split(chunk);
        self.ahead = if is_last {
            ahead
        } else {
            fill(&mut self.input, ahead)?
        };
        let about = self.header.text().as_bytes();
        self.opening = match opening {
            Opening::Sealed(opening) if is_last => {
                opening
                    .decrypt_last_in_place(about, &mut chunk)
                    .map_err(|_| spoilt())?;
                None
            }
            Opening::Sealed(mut opening) => {
                opening
                    .decrypt_next_in_place(about, &mut chunk)
                    .map_err(|_| spoilt())?;
                Some(Opening::Sealed(opening))
            }
            Opening::Plain(at) => {
                let Some((plain, tag)) = chunk.split_last_chunk::<TAG_LEN>() else {
                    return Err(spoilt());
                };
                if *tag != check(about, at, is_last, plain) {
                    return Err(spoilt());
                }
                let length = plain.len();
                chunk.truncate(length);
                (!is_last)
                    .then(|| at.checked_add(1).map(Opening::Plain).ok_or_else(spoilt))
                    .transpose()?
            }
        };
        (self.chunk, self.given) = (Zeroizing::new(chunk), 0);
        Ok(true)
    }
}

impl<R: Read> Read for Reader<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.given >= self.chunk.len() {
            if !self.next()? {
                return Ok(0);
            }
        }
        let rest = self.chunk.get(self.given..).unwrap_or_default();
        let taken = rest.len().min(into.len());
        if let (Some(to), Some(from)) = (into.get_mut(..taken), rest.get(..taken)) {
            to.copy_from_slice(from);
        }
        self.given += taken;
        Ok(taken)
    }
}

/// One byte more than a chunk, or all that is left: whether a chunk is the last shows only in what follows it.
fn fill(input: &mut impl Read, mut start: Vec<u8>) -> io::Result<Vec<u8>> {
    let wanted = CHUNK + TAG_LEN + 1 - start.len();
    start.reserve_exact(wanted);
    input.take(wanted as u64).read_to_end(&mut start)?;
    Ok(start)
}

fn split(mut chunk: Vec<u8>) -> (Vec<u8>, Vec<u8>) {
    let at = chunk.len().min(CHUNK + TAG_LEN);
    let ahead = chunk.split_off(at);
    (chunk, ahead)
}

/// The tag of a chunk that is not encrypted: it finds accidents, not intent.
fn check(header: &[u8], at: u32, last: bool, chunk: &[u8]) -> [u8; TAG_LEN] {
    let mut hash = Sha256::new();
    hash.update(header);
    hash.update(at.to_be_bytes());
    hash.update([u8::from(last)]);
    hash.update(chunk);
    let digest: [u8; 32] = hash.finalize().into();
    let mut tag = [0; TAG_LEN];
    tag.copy_from_slice(digest.split_at(TAG_LEN).0);
    tag
}

fn spoilt() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidData,
        "the file was cut off or changed, or its disk failed",
    )
}

fn too_long() -> io::Error {
    io::Error::new(io::ErrorKind::FileTooLarge, "the file is full (256 TiB)")
}
