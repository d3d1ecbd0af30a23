// The host's side of the Extism calling convention, as far as these guests need it; written by hand, no library is linked.
//
// What crosses the border lies in the host's kernel memory, in blocks addressed by 64-bit handles. A handle is the offset of the block's first byte, so that
// handle + n is byte n. Reading 8 bytes past the end of a block's memory traps; reading one gives 0.
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HOST(name) __attribute__((import_module("extism:host/env"), import_name(#name))) extern
#define EXPORT(name) __attribute__((export_name(#name)))

typedef uint64_t handle;

HOST(alloc) handle kernel_alloc(uint64_t length);
HOST(free) void kernel_free(handle block);
HOST(length) uint64_t kernel_length(handle block);
HOST(load_u8) uint32_t kernel_load_u8(handle at);
HOST(load_u64) uint64_t kernel_load_u64(handle at);
HOST(store_u8) void kernel_store_u8(handle at, uint32_t value);
HOST(store_u64) void kernel_store_u64(handle at, uint64_t value);
HOST(input_length) uint64_t input_length(void);
HOST(input_load_u8) uint32_t input_load_u8(uint64_t offset);
HOST(input_load_u64) uint64_t input_load_u64(uint64_t offset);
HOST(output_set) void output_set(handle block, uint64_t length);
HOST(error_set) void error_set(handle message);
HOST(config_get) handle config_get(handle key);
HOST(var_get) handle var_get(handle key);
HOST(var_set) void var_set(handle key, handle value);
HOST(log_info) void log_info(handle message);

static inline size_t text_length(const char *text) {
    size_t length = 0;
    while (text[length] != 0) {
        length++;
    }
    return length;
}

// A block with a copy of bytes of our own memory; 0 for none.
static inline handle block_of(const void *bytes, size_t length) {
    handle block = kernel_alloc(length);
    const uint8_t *source = bytes;
    size_t i = 0;
    // Eight bytes a call: each call crosses the border.
    for (; i + 8 <= length; i += 8) {
        uint64_t word;
        __builtin_memcpy(&word, source + i, 8);
        kernel_store_u64(block + i, word);
    }
    for (; i < length; i++) {
        kernel_store_u8(block + i, source[i]);
    }
    return block;
}

static inline void copy_block(void *target, handle block, size_t length) {
    uint8_t *bytes = target;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word = kernel_load_u64(block + i);
        __builtin_memcpy(bytes + i, &word, 8);
    }
    for (; i < length; i++) {
        bytes[i] = (uint8_t)kernel_load_u8(block + i);
    }
}

static inline void copy_input(void *target, size_t length) {
    uint8_t *bytes = target;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        uint64_t word = input_load_u64(i);
        __builtin_memcpy(bytes + i, &word, 8);
    }
    for (; i < length; i++) {
        bytes[i] = (uint8_t)input_load_u8(i);
    }
}

static inline void set_output(const void *bytes, size_t length) {
    output_set(block_of(bytes, length), length);
}

// The call fails with this text; the caller returns the exit code.
static inline int32_t fail(const char *message) {
    error_set(block_of(message, text_length(message)));
    return 1;
}
