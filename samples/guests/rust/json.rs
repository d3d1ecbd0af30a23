//! One pass over a JSON text (RFC 8259), which is checked and written again.

const MAX_DEPTH: u32 = 128;

pub struct Error {
    offset: usize,
    what: &'static str,
}

impl Error {
    // Not the Display trait: the machinery of formatting would be a third of the module.
    pub fn to_string(&self) -> String {
        ["invalid JSON at byte ", &self.offset.to_string(), ": ", self.what].concat()
    }
}

/// The text without white space, each string value replaced.
pub fn rewrite(text: &[u8], replace: impl FnMut(&str) -> String) -> Result<String, Error> {
    let mut rewriter = Rewriter { text, at: 0, output: String::with_capacity(text.len()), replace };
    rewriter.value(0)?;
    rewriter.skip_space();
    if rewriter.at < text.len() {
        return rewriter.fail("expected the end");
    }
    Ok(rewriter.output)
}

/// A text as a JSON string.
pub fn write_string(output: &mut String, text: &str) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    output.push('"');
    for c in text.chars() {
        match c {
            '"' => output.push_str("\\\""),
            '\\' => output.push_str("\\\\"),
            '\n' => output.push_str("\\n"),
            '\r' => output.push_str("\\r"),
            '\t' => output.push_str("\\t"),
            c if c < ' ' => {
                output.push_str("\\u00");
                output.push(DIGITS[c as usize >> 4] as char);
                output.push(DIGITS[c as usize & 15] as char);
            }
            c => output.push(c),
        }
    }
    output.push('"');
}

struct Rewriter<'a, F> {
    text: &'a [u8],
    at: usize,
    output: String,
    replace: F,
}

impl<F: FnMut(&str) -> String> Rewriter<'_, F> {
    fn fail<T>(&self, what: &'static str) -> Result<T, Error> {
        Err(Error { offset: self.at, what })
    }

    fn peek(&self) -> u8 {
        // A NUL is no token, so it can stand for the end.
        self.text.get(self.at).copied().unwrap_or(0)
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), b' ' | b'\t' | b'\n' | b'\r') {
            self.at += 1;
        }
    }

    fn value(&mut self, depth: u32) -> Result<(), Error> {
        self.skip_space();
        match self.peek() {
            b'{' | b'[' if depth == MAX_DEPTH => self.fail("nested too deeply"),
            b'{' => self.members(b'}', depth, true),
            b'[' => self.members(b']', depth, false),
            b'"' => {
                let text = self.string()?;
                let replaced = (self.replace)(&text);
                write_string(&mut self.output, &replaced);
                Ok(())
            }
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            b'-' | b'0'..=b'9' => self.number(),
            _ => self.fail("expected a value"),
        }
    }

    fn members(&mut self, end: u8, depth: u32, named: bool) -> Result<(), Error> {
        self.copy();
        self.skip_space();
        if self.peek() == end {
            self.copy();
            return Ok(());
        }
        loop {
            if named {
                self.skip_space();
                if self.peek() != b'"' {
                    return self.fail("expected a name");
                }
                let name = self.string()?;
                write_string(&mut self.output, &name);
                self.skip_space();
                if self.peek() != b':' {
                    return self.fail("expected ':'");
                }
                self.copy();
            }
            self.value(depth + 1)?;
            self.skip_space();
            match self.peek() {
                b',' => self.copy(),
                byte if byte == end => {
                    self.copy();
                    return Ok(());
                }
                _ => return self.fail("expected ',' or the end of the object or array"),
            }
        }
    }

    fn copy(&mut self) {
        self.output.push(self.text[self.at] as char);
        self.at += 1;
    }

    fn word(&mut self, word: &str) -> Result<(), Error> {
        if !self.text[self.at..].starts_with(word.as_bytes()) {
            return self.fail("expected a value");
        }
        self.output.push_str(word);
        self.at += word.len();
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == b'-' {
            self.copy();
        }
        if self.peek() == b'0' {
            self.copy();
        } else {
            self.digits()?;
        }
        if self.peek() == b'.' {
            self.copy();
            self.digits()?;
        }
        if matches!(self.peek(), b'e' | b'E') {
            self.copy();
            if matches!(self.peek(), b'+' | b'-') {
                self.copy();
            }
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), Error> {
        if !self.peek().is_ascii_digit() {
            return self.fail("expected a digit");
        }
        while self.peek().is_ascii_digit() {
            self.copy();
        }
        Ok(())
    }

    fn string(&mut self) -> Result<String, Error> {
        let mut bytes = Vec::new();
        self.at += 1;
        loop {
            match self.peek() {
                b'"' => {
                    self.at += 1;
                    break;
                }
                b'\\' => {
                    self.at += 1;
                    let c = self.escape()?;
                    bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
                }
                0..=31 => return self.fail("expected the end of a string"),
                byte => {
                    bytes.push(byte);
                    self.at += 1;
                }
            }
        }
        String::from_utf8(bytes).or_else(|_| self.fail("a string is not UTF-8"))
    }

    fn escape(&mut self) -> Result<char, Error> {
        let byte = self.peek();
        self.at += 1;
        Ok(match byte {
            b'"' | b'\\' | b'/' => byte as char,
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                let mut unit = self.hex()?;
                // A pair of surrogates is one character; half a pair is none.
                if (0xD800..0xDC00).contains(&unit) && self.text[self.at..].starts_with(b"\\u") {
                    self.at += 2;
                    let low = self.hex()?;
                    if (0xDC00..0xE000).contains(&low) {
                        unit = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
                    }
                }
                match char::from_u32(unit) {
                    Some(c) => c,
                    None => return self.fail("half a surrogate pair"),
                }
            }
            _ => return self.fail("unknown escape"),
        })
    }

    fn hex(&mut self) -> Result<u32, Error> {
        let mut unit = 0;
        for _ in 0..4 {
            match (self.peek() as char).to_digit(16) {
                Some(digit) => unit = unit << 4 | digit,
                None => return self.fail("expected four hexadecimal digits"),
            }
            self.at += 1;
        }
        Ok(unit)
    }
}
