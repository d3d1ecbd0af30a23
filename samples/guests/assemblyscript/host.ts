// The host's side of the Extism calling convention, as far as this guest needs it.

// @ts-ignore: decorator
@external("extism:host/env", "alloc")
declare function kernelAlloc(length: u64): u64;
// @ts-ignore: decorator
@external("extism:host/env", "free")
declare function kernelFree(handle: u64): void;
// @ts-ignore: decorator
@external("extism:host/env", "length")
declare function kernelLength(handle: u64): u64;
// @ts-ignore: decorator
@external("extism:host/env", "load_u8")
declare function loadU8(handle: u64): i32;
// @ts-ignore: decorator
@external("extism:host/env", "store_u8")
declare function storeU8(handle: u64, value: i32): void;
// @ts-ignore: decorator
@external("extism:host/env", "store_u64")
declare function storeU64(handle: u64, value: u64): void;
// @ts-ignore: decorator
@external("extism:host/env", "input_length")
declare function inputLength(): u64;
// @ts-ignore: decorator
@external("extism:host/env", "input_load_u8")
declare function inputLoadU8(offset: u64): i32;
// @ts-ignore: decorator
@external("extism:host/env", "input_load_u64")
declare function inputLoadU64(offset: u64): u64;
// @ts-ignore: decorator
@external("extism:host/env", "output_set")
declare function outputSet(handle: u64, length: u64): void;
// @ts-ignore: decorator
@external("extism:host/env", "error_set")
declare function errorSet(handle: u64): void;
// @ts-ignore: decorator
@external("extism:host/env", "config_get")
declare function configGet(key: u64): u64;
// @ts-ignore: decorator
@external("extism:host/env", "get_log_level")
declare function getLogLevel(): i32;
// @ts-ignore: decorator
@external("extism:host/env", "log_info")
declare function kernelLogInfo(message: u64): void;
// @ts-ignore: decorator
@external("extism:host/env", "log_debug")
declare function kernelLogDebug(message: u64): void;

export const enum LogLevel { Trace, Debug, Info, Warn, Error }

// A block with a copy of bytes of our own memory, eight at a time as long as there are eight.
function blockOf(address: usize, length: i32): u64 {
  const block = kernelAlloc(length);
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    storeU64(block + at, load<u64>(address + at));
  }
  for (; at < length; at++) {
    storeU8(block + at, load<u8>(address + at));
  }
  return block;
}

function blockOfText(text: string): u64 {
  const bytes = String.UTF8.encode(text);
  return blockOf(changetype<usize>(bytes), bytes.byteLength);
}

export function input(): StaticArray<u8> {
  const length = i32(inputLength());
  const bytes = new StaticArray<u8>(length);
  const address = changetype<usize>(bytes);
  let at = 0;
  for (; at + 8 <= length; at += 8) {
    store<u64>(address + at, inputLoadU64(at));
  }
  for (; at < length; at++) {
    store<u8>(address + at, inputLoadU8(at));
  }
  return bytes;
}

export function setOutput(bytes: StaticArray<u8>): void {
  outputSet(blockOf(changetype<usize>(bytes), bytes.length), bytes.length);
}

// The call fails with this text; the caller returns the exit code.
export function fail(message: string): i32 {
  errorSet(blockOfText(message));
  return 1;
}

// A configured number of six digits at most; -1 when it is none.
export function configNumber(name: string, without: i32): i32 {
  const key = blockOfText(name);
  const value = configGet(key);
  // The key stays ours, the value is ours too.
  kernelFree(key);
  if (value == 0) {
    return without;
  }
  const length = i32(kernelLength(value));
  let number = length >= 1 && length <= 6 ? 0 : -1;
  for (let i = 0; number >= 0 && i < length; i++) {
    const digit = loadU8(value + i) - 0x30;
    number = digit >= 0 && digit <= 9 ? number * 10 + digit : -1;
  }
  kernelFree(value);
  return number;
}

export function logs(level: LogLevel): bool {
  return level >= getLogLevel();
}

export function logInfo(message: string): void {
  kernelLogInfo(blockOfText(message));
}

export function logDebug(message: string): void {
  kernelLogDebug(blockOfText(message));
}

// What a failed check of the runtime calls in place of the import env.abort: the message becomes the error text, which comes with the trap.
export function abort(message: string, fileName: string, line: u32, column: u32): void {
  errorSet(blockOfText(message + " in line " + line.toString()));
  unreachable();
}
