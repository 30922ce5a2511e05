use std::fmt;

/// Ten characters that name a device or a data adapter on the wire.
///
/// It holds whatever arrived, since frames with NULs inside a serial have been seen; whether it is a real one is
/// asked with [`Serial::is_plausible`].
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Serial([u8; 10]);

impl Serial {
    /// The adapter serial that a client shows; dongles accept any.
    pub const CLIENT: Self = Self(*b"AB1234G567");
    /// Ten NULs, as in a null reply.
    pub const BLANK: Self = Self([0; 10]);

    /// The bytes as they arrived.
    pub const fn new(bytes: [u8; 10]) -> Self {
        Self(bytes)
    }

    /// From text, as the protocol shortens and pads: the last ten characters, padded on the left with `*`.
    pub fn from_text(text: &str) -> Self {
        let bytes = text.as_bytes();
        let tail = &bytes[bytes.len().saturating_sub(10)..];
        let mut out = [b'*'; 10];
        out[10 - tail.len()..].copy_from_slice(tail);
        Self(out)
    }

    /// From five registers, high byte first.
    pub fn from_registers(registers: [u16; 5]) -> Self {
        let mut out = [0; 10];
        for (pair, register) in out.chunks_exact_mut(2).zip(registers) {
            pair.copy_from_slice(&register.to_be_bytes());
        }
        Self(out)
    }

    /// As five registers, high byte first.
    pub fn registers(self) -> [u16; 5] {
        let b = self.0;
        [0, 2, 4, 6, 8].map(|i| u16::from_be_bytes([b[i], b[i + 1]]))
    }

    /// The bytes.
    pub const fn bytes(&self) -> &[u8; 10] {
        &self.0
    }

    /// Ten capitals or digits in one of the vendor's two shapes, `AA9999A999` or `AAA9999999` (the latter on plant
    /// controllers).
    pub fn is_plausible(&self) -> bool {
        let shape = self.0.map(|b| match b {
            b'A'..=b'Z' => b'A',
            b'0'..=b'9' => b'9',
            _ => b'?',
        });
        matches!(&shape, b"AA9999A999" | b"AAA9999999")
    }
}

/// The text with another word for each serial number that stands alone in it, whatever its case.
pub fn replace_serials(text: &str, mut with: impl FnMut(&str, Serial) -> String) -> String {
    let mut out = String::with_capacity(text.len());
    for piece in text.split_inclusive(|c: char| !c.is_ascii_alphanumeric()) {
        let word = piece.trim_end_matches(|c: char| !c.is_ascii_alphanumeric());
        // The first letter may belong to what stands before it, as in `\nSA2114G047`.
        let skipped = usize::from(word.len() == 11 && out.ends_with('\\'));
        let (before, word) = word.split_at(skipped);
        let serial = word.to_ascii_uppercase().parse().ok().filter(Serial::is_plausible);
        out.push_str(before);
        match serial {
            Some(serial) => out.push_str(&with(word, serial)),
            None => out.push_str(word),
        }
        out.push_str(&piece[before.len() + word.len()..]);
    }
    out
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &byte in &self.0 {
            match byte {
                b'!'..=b'~' => fmt::Write::write_char(f, byte as char)?,
                _ => fmt::Write::write_char(f, '?')?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Serial({self})")
    }
}

impl std::str::FromStr for Serial {
    type Err = String;

    /// Exactly ten ASCII characters.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match <[u8; 10]>::try_from(text.as_bytes()) {
            Ok(bytes) if text.is_ascii() => Ok(Self(bytes)),
            _ => Err(format!("a serial has ten ASCII characters: {text:?}")),
        }
    }
}
