//! The host's side of the Extism calling convention, as far as this guest needs it, and the one function that this guest wants of its host.

mod env {
    #[link(wasm_import_module = "extism:host/env")]
    extern "C" {
        #[link_name = "alloc"]
        pub fn kernel_alloc(length: u64) -> u64;
        #[link_name = "free"]
        pub fn kernel_free(handle: u64);
        #[link_name = "length"]
        pub fn kernel_length(handle: u64) -> u64;
        pub fn load_u8(handle: u64) -> u32;
        pub fn load_u64(handle: u64) -> u64;
        pub fn store_u8(handle: u64, value: u32);
        pub fn store_u64(handle: u64, value: u64);
        pub fn input_length() -> u64;
        pub fn input_load_u8(offset: u64) -> u32;
        pub fn input_load_u64(offset: u64) -> u64;
        pub fn output_set(handle: u64, length: u64);
        pub fn error_set(handle: u64);
        pub fn config_get(key: u64) -> u64;
        pub fn log_debug(message: u64);
        pub fn http_request(request: u64, body: u64) -> u64;
        pub fn http_status_code() -> i32;
    }
}

#[link(wasm_import_module = "extism:host/user")]
extern "C" {
    /// Takes the handles of a text and of a language's name, gives the handle of a text that is ours.
    pub fn translate(text: u64, language: u64) -> u64;
}

/// A block of kernel memory that is freed when this is dropped.
pub struct Block(u64);

impl Block {
    /// A block with a copy of bytes.
    pub fn of(bytes: &[u8]) -> Block {
        let handle = unsafe { env::kernel_alloc(bytes.len() as u64) };
        let words = bytes.chunks_exact(8);
        let rest = words.remainder();
        let mut at = handle;
        for word in words {
            unsafe { env::store_u64(at, u64::from_le_bytes(word.try_into().unwrap())) };
            at += 8;
        }
        for &byte in rest {
            unsafe { env::store_u8(at, u32::from(byte)) };
            at += 1;
        }
        Block(handle)
    }

    /// Takes over a block that the host made.
    pub fn from_handle(handle: u64) -> Block {
        Block(handle)
    }

    pub fn handle(&self) -> u64 {
        self.0
    }

    /// Gives the block away: who gets the handle frees it.
    pub fn into_handle(self) -> u64 {
        let handle = self.0;
        std::mem::forget(self);
        handle
    }

    pub fn to_vec(&self) -> Vec<u8> {
        let length = unsafe { env::kernel_length(self.0) };
        read(length, |at| unsafe { env::load_u64(self.0 + at) }, |at| unsafe { env::load_u8(self.0 + at) })
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        if self.0 != 0 {
            unsafe { env::kernel_free(self.0) };
        }
    }
}

// Eight bytes a call as long as there are eight: the reader of words traps past the end.
fn read(length: u64, word: impl Fn(u64) -> u64, byte: impl Fn(u64) -> u32) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(length as usize);
    let mut at = 0;
    while at + 8 <= length {
        bytes.extend_from_slice(&word(at).to_le_bytes());
        at += 8;
    }
    while at < length {
        bytes.push(byte(at) as u8);
        at += 1;
    }
    bytes
}

pub fn input() -> Vec<u8> {
    read(unsafe { env::input_length() }, |at| unsafe { env::input_load_u64(at) }, |at| unsafe { env::input_load_u8(at) })
}

pub fn set_output(bytes: &[u8]) {
    unsafe { env::output_set(Block::of(bytes).into_handle(), bytes.len() as u64) };
}

pub fn set_error(message: &str) {
    unsafe { env::error_set(Block::of(message.as_bytes()).into_handle()) };
}

/// The host frees the message.
pub fn log_debug(message: &str) {
    unsafe { env::log_debug(Block::of(message.as_bytes()).into_handle()) };
}

pub fn config(key: &str) -> Option<String> {
    let key = Block::of(key.as_bytes());
    let value = unsafe { env::config_get(key.handle()) };
    if value == 0 {
        return None;
    }
    Some(String::from_utf8_lossy(&Block::from_handle(value).to_vec()).into_owned())
}

/// Sends a request without a body. The host frees the request's block.
pub fn http(request: &str) -> (i32, Vec<u8>) {
    let response = Block::from_handle(unsafe { env::http_request(Block::of(request.as_bytes()).into_handle(), 0) });
    (unsafe { env::http_status_code() }, response.to_vec())
}
