//! Where a backup is written to: plain or compressed, whole, cut, or with a bit flipped.

use std::io::{self, Write};

use super::compressed::Compressing;

/// The file being written.
pub struct Sink<W> {
    form: Form<W>,
    offered: u64,
    written: u64,
    flip_at: Option<u64>,
    cut_at: Option<u64>,
    is_cut: bool,
}

enum Form<W> {
    Plain(W),
    Compressed(Box<Compressing<W>>),
}

impl<W: Write> Sink<W> {
    pub fn plain(out: W) -> Sink<W> {
        Sink::over(Form::Plain(out))
    }

    /// With `flips_chunk`, a bit of a chunk with data is flipped behind its checksum.
    pub fn compressed(out: W, flips_chunk: bool) -> io::Result<Sink<W>> {
        Ok(Sink::over(Form::Compressed(Box::new(Compressing::begin(out, flips_chunk)?))))
    }

    fn over(form: Form<W>) -> Sink<W> {
        Sink { form, offered: 0, written: 0, flip_at: None, cut_at: None, is_cut: false }
    }

    /// Flips a bit of this logical byte.
    pub fn flip_at(&mut self, at: u64) {
        self.flip_at = Some(at);
    }

    /// Writes nothing from this logical byte on.
    pub fn cut_at(&mut self, at: u64) {
        self.cut_at = Some(at);
    }

    /// Bytes of the file.
    pub fn written(&self) -> u64 {
        match &self.form {
            Form::Plain(_) => self.written,
            Form::Compressed(compressing) => compressing.written(),
        }
    }

    /// Logical bytes, had nothing been cut.
    pub fn offered(&self) -> u64 {
        self.offered
    }

    pub fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        let from = self.offered;
        self.offered += bytes.len() as u64;
        let room = self.cut_at.map_or(u64::MAX, |cut_at| cut_at.saturating_sub(from));
        let kept = &bytes[..bytes.len().min(usize::try_from(room).unwrap_or(usize::MAX))];
        match self.flip_at.filter(|at| (from..from + kept.len() as u64).contains(at)) {
            Some(at) => {
                let mut flipped = kept.to_vec();
                flipped[(at - from) as usize] ^= 4;
                self.put(&flipped)?;
            }
            None => self.put(kept)?,
        }
        self.cut(kept.len() < bytes.len())
    }

    /// A file mark, which compressed backups have as it is.
    pub fn file_mark(&mut self, mark: &[u8]) -> io::Result<()> {
        let Form::Compressed(compressing) = &mut self.form else { return self.write_all(mark) };
        self.offered += mark.len() as u64;
        if self.is_cut { Ok(()) } else { compressing.file_mark(mark) }
    }

    /// A backup set begins.
    pub fn begin_set(&mut self) {
        if let Form::Compressed(compressing) = &mut self.form {
            compressing.begin_set();
        }
    }

    /// A block begins that compressed backups have an index of.
    pub fn note_block(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Compressed(compressing) if !self.is_cut => compressing.note_block(),
            _ => Ok(()),
        }
    }

    pub fn flush(&mut self) -> io::Result<()> {
        match &mut self.form {
            Form::Plain(out) => out.flush(),
            Form::Compressed(compressing) if self.is_cut => compressing.flush_file(),
            Form::Compressed(compressing) => compressing.flush(),
        }
    }

    fn put(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.written += bytes.len() as u64;
        match &mut self.form {
            Form::Plain(out) => out.write_all(bytes),
            Form::Compressed(compressing) => compressing.write(bytes),
        }
    }

    fn cut(&mut self, ends: bool) -> io::Result<()> {
        if !ends || self.is_cut {
            return Ok(());
        }
        self.is_cut = true;
        match &mut self.form {
            Form::Plain(_) => Ok(()),
            Form::Compressed(compressing) => compressing.break_off(),
        }
    }
}
