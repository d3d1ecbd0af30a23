// Statistics of the words of a text, in C without a library.
//
//   word_stats "the cat and the hat"  ->  {"words":5,"distinct":4,"total":5,"top":[{"word":"the","count":2}, ...]}
//   forget                            ->  the running total begins anew
//
// Configuration: "top" (how many words are listed, 3) and "min_length" (shorter words do not count, 1). The variable "total" is the number of words of all calls
// to an instance. A word is a run of letters, digits, apostrophes and bytes of UTF-8; capitals of ASCII are taken as small letters.
#include "extism.h"

extern uint8_t __heap_base;

typedef struct {
    uint8_t *text;
    uint32_t length;
    uint32_t count;
    uint32_t hash;
} word;

// Memory of one call: it is taken from the end of what the module has, and given back by forgetting all of it at the next call.
static uint8_t *s_top;

static void *take(size_t size) {
    uint8_t *start = (uint8_t *)(((uintptr_t)s_top + 7) & ~(uintptr_t)7);
    size_t available = __builtin_wasm_memory_size(0) * 65536 - (uintptr_t)start;
    if (size > available) {
        size_t pages = (size - available + 65535) / 65536;
        if (__builtin_wasm_memory_grow(0, pages) == (size_t)-1) {
            return NULL;
        }
    }
    s_top = start + size;
    return start;
}

// A configured number, or what it is without; false when it is none.
static bool read_number(const char *name, uint32_t *value) {
    handle key = block_of(name, text_length(name));
    handle text = config_get(key);
    // The key stays ours, the value is ours too.
    kernel_free(key);
    if (text == 0) {
        return true;
    }
    uint64_t length = kernel_length(text);
    uint32_t number = 0;
    bool good = length > 0 && length <= 6;
    for (uint64_t i = 0; good && i < length; i++) {
        uint32_t digit = kernel_load_u8(text + i) - '0';
        good = digit <= 9;
        number = number * 10 + digit;
    }
    kernel_free(text);
    if (good) {
        *value = number;
    }
    return good;
}

static uint64_t load_total(void) {
    // The host frees the key.
    handle value = var_get(block_of("total", 5));
    uint64_t total = kernel_length(value) == 8 ? kernel_load_u64(value) : 0;
    kernel_free(value);
    return total;
}

static void save_total(uint64_t total) {
    // The host frees both.
    var_set(block_of("total", 5), block_of(&total, 8));
}

static bool is_word_byte(uint8_t byte) {
    uint8_t letter = byte | 0x20;
    return (letter >= 'a' && letter <= 'z') || (byte >= '0' && byte <= '9') || byte == '\'' || byte >= 0x80;
}

static bool same(const word *entry, const uint8_t *text, uint32_t length, uint32_t hash) {
    return entry->hash == hash && entry->length == length && __builtin_memcmp(entry->text, text, length) == 0;
}

// No library: what __builtin_memcmp becomes.
int memcmp(const void *left, const void *right, size_t length) {
    const uint8_t *a = left, *b = right;
    for (size_t i = 0; i < length; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return 0;
}

// More often first; then the earlier in the order of bytes, so that the output does not depend on the table.
static bool ranks_before(const word *a, const word *b) {
    if (a->count != b->count) {
        return a->count > b->count;
    }
    uint32_t shorter = a->length < b->length ? a->length : b->length;
    int order = memcmp(a->text, b->text, shorter);
    return order != 0 ? order < 0 : a->length < b->length;
}

static uint8_t *write_text(uint8_t *out, const char *text) {
    while (*text != 0) {
        *out++ = (uint8_t)*text++;
    }
    return out;
}

static uint8_t *write_number(uint8_t *out, uint64_t value) {
    uint8_t digits[20];
    int count = 0;
    do {
        digits[count++] = (uint8_t)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    while (count > 0) {
        *out++ = digits[--count];
    }
    return out;
}

EXPORT(word_stats) int32_t word_stats(void) {
    uint32_t top = 3, min_length = 1;
    if (!read_number("top", &top)) {
        return fail("the configuration 'top' is no number");
    }
    if (!read_number("min_length", &min_length)) {
        return fail("the configuration 'min_length' is no number");
    }

    s_top = &__heap_base;
    uint64_t size = input_length();
    if (size > 256 * 1024 * 1024) {
        return fail("the text is longer than 256 MiB");
    }
    uint32_t length = (uint32_t)size;
    // At most every second byte begins a word, so the table is half full at most, but for its largest size.
    uint32_t slots = 16;
    while (slots < length + 2 && slots < 1u << 20) {
        slots *= 2;
    }
    uint8_t *text = take(length);
    word *table = take(slots * sizeof(word));
    if (text == NULL || table == NULL) {
        return fail("the text does not fit into memory");
    }
    __builtin_memset(table, 0, slots * sizeof(word));
    copy_input(text, length);

    uint64_t words = 0;
    uint32_t distinct = 0;
    for (uint32_t i = 0; i < length;) {
        if (!is_word_byte(text[i])) {
            i++;
            continue;
        }
        uint32_t start = i;
        uint32_t hash = 2166136261u;
        for (; i < length && is_word_byte(text[i]); i++) {
            if (text[i] >= 'A' && text[i] <= 'Z') {
                text[i] |= 0x20;
            }
            hash = (hash ^ text[i]) * 16777619u;
        }
        if (i - start < min_length) {
            continue;
        }
        words++;
        uint32_t slot = hash & (slots - 1);
        while (table[slot].count != 0 && !same(&table[slot], text + start, i - start, hash)) {
            slot = (slot + 1) & (slots - 1);
        }
        if (table[slot].count++ == 0) {
            if (++distinct > slots - slots / 8) {
                return fail("the text has too many different words");
            }
            table[slot].text = text + start;
            table[slot].length = i - start;
            table[slot].hash = hash;
        }
    }

    uint64_t total = load_total() + words;
    save_total(total);

    // The best so far, kept in order by insertion.
    uint32_t listed = top < distinct ? top : distinct;
    word **best = take(((size_t)listed + 1) * sizeof(word *));
    if (best == NULL) {
        return fail("the words do not fit into memory");
    }
    uint32_t found = 0;
    for (uint32_t slot = 0; listed != 0 && slot < slots; slot++) {
        word *entry = &table[slot];
        if (entry->count == 0 || (found == listed && !ranks_before(entry, best[found - 1]))) {
            continue;
        }
        uint32_t place = found < listed ? found++ : found - 1;
        for (; place > 0 && ranks_before(entry, best[place - 1]); place--) {
            best[place] = best[place - 1];
        }
        best[place] = entry;
    }

    size_t room = 128;
    for (uint32_t i = 0; i < found; i++) {
        room += best[i]->length + 48;
    }
    uint8_t *output = take(room);
    if (output == NULL) {
        return fail("the output does not fit into memory");
    }
    uint8_t *out = write_number(write_text(output, "{\"words\":"), words);
    out = write_number(write_text(out, ",\"distinct\":"), distinct);
    out = write_number(write_text(out, ",\"total\":"), total);
    out = write_text(out, ",\"top\":[");
    for (uint32_t i = 0; i < found; i++) {
        out = write_text(out, i == 0 ? "{\"word\":\"" : ",{\"word\":\"");
        // No byte of a word needs an escape.
        __builtin_memcpy(out, best[i]->text, best[i]->length);
        out = write_number(write_text(out + best[i]->length, "\",\"count\":"), best[i]->count);
        *out++ = '}';
    }
    out = write_text(out, "]}");
    set_output(output, (size_t)(out - output));
    return 0;
}

EXPORT(forget) int32_t forget(void) {
    // A value of 0 removes the variable.
    var_set(block_of("total", 5), 0);
    return 0;
}
