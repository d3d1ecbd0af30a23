// A journal in a file, in C with wasi-libc: what a guest does with WASI's files and clock. Built as a reactor: the host calls _initialize before the first call.
//
//   append "went for a walk"  ->  the file /journal/journal.txt has one more line, "<seconds since 1970> went for a walk"; the output is how many it has
//   read                      ->  the file
//
// The host must allow a directory as /journal.
#include "extism.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <errno.h>
#include <time.h>
#include <unistd.h>

static const char s_path[] = "/journal/journal.txt";

static int32_t fail_with(const char *what) {
    char message[160];
    // Shorter than snprintf, which brings the formatting of floating-point numbers along.
    strlcpy(message, what, sizeof message);
    strlcat(message, ": ", sizeof message);
    strlcat(message, strerror(errno), sizeof message);
    return fail(message);
}

static size_t write_number(char *out, uint64_t value) {
    char digits[20];
    size_t count = 0;
    do {
        digits[count++] = (char)('0' + value % 10);
        value /= 10;
    } while (value != 0);
    for (size_t i = 0; i < count; i++) {
        out[i] = digits[count - 1 - i];
    }
    return count;
}

// The whole file; the caller frees it. NULL with errno when it cannot be read.
static char *read_file(size_t *length) {
    int file = open(s_path, O_RDONLY);
    if (file < 0) {
        return NULL;
    }
    size_t capacity = 4096;
    char *text = malloc(capacity);
    *length = 0;
    while (text != NULL) {
        ssize_t count = read(file, text + *length, capacity - *length);
        if (count == 0) {
            break;
        }
        if (count < 0) {
            free(text);
            text = NULL;
            break;
        }
        *length += (size_t)count;
        if (*length == capacity) {
            capacity *= 2;
            char *larger = realloc(text, capacity);
            if (larger == NULL) {
                free(text);
            }
            text = larger;
        }
    }
    close(file);
    return text;
}

EXPORT(append) int32_t append(void) {
    size_t length = (size_t)input_length();
    // Seconds, a space, the text, the end of the line.
    char *line = malloc(length + 24);
    if (line == NULL) {
        return fail("out of memory");
    }
    size_t size = write_number(line, (uint64_t)time(NULL));
    line[size++] = ' ';
    copy_input(line + size, length);
    for (size_t i = 0; i < length; i++) {
        if (line[size + i] == '\n' || line[size + i] == '\r') {
            line[size + i] = ' ';
        }
    }
    size += length;
    line[size++] = '\n';

    int file = open(s_path, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (file < 0) {
        free(line);
        return fail_with("the journal cannot be opened");
    }
    for (size_t written = 0; written < size;) {
        ssize_t count = write(file, line + written, size - written);
        if (count <= 0) {
            close(file);
            free(line);
            return fail_with("the journal cannot be written");
        }
        written += (size_t)count;
    }
    close(file);
    free(line);

    char *text = read_file(&length);
    if (text == NULL) {
        return fail_with("the journal cannot be read");
    }
    uint64_t lines = 0;
    for (size_t i = 0; i < length; i++) {
        lines += text[i] == '\n';
    }
    free(text);
    char number[20];
    set_output(number, write_number(number, lines));
    return 0;
}

EXPORT(read) int32_t read_journal(void) {
    size_t length;
    char *text = read_file(&length);
    if (text == NULL) {
        return fail_with("the journal cannot be read");
    }
    set_output(text, length);
    free(text);
    return 0;
}
