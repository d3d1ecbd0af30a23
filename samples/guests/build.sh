#!/bin/sh
# Builds the guests of this folder, or with "check" builds them elsewhere and compares. What is not installed is left out, and said so.
#
#   ./build.sh [check] [c] [rust] [assemblyscript] [wat]
#
# CLANG, WASM_LD, RUSTC and CODICIL name other tools than the usual ones.
set -eu
cd "$(dirname "$0")"

clang=${CLANG:-clang}
wasm_ld=${WASM_LD:-wasm-ld}
rustc=${RUSTC:-rustc}
codicil=${CODICIL:-dotnet run --project ../../src/Codicil.Cli -c Release --}

check=
if [ "${1:-}" = check ]; then
    check=yes
    shift
fi
[ $# -gt 0 ] || set -- c rust assemblyscript wat

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0

has() {
    if ! command -v "$1" > /dev/null; then
        echo "$2: left out, there is no $1"
        return 1
    fi
}

# finish BUILT MODULE
finish() {
    if [ -z "$check" ]; then
        cat "$1" > "$2"
        echo "$2: built, $(wc -c < "$2") bytes"
    elif cmp -s "$1" "$2"; then
        echo "$2: the same"
    else
        echo "$2: differs"
        failed=1
    fi
}

# The linker is called directly: clang would run whatever wasm-opt it finds over the result.
build_c() {
    has "$clang" c && has "$wasm_ld" c || return 0
    "$clang" --target=wasm32-unknown-unknown -std=c11 -Wall -Wextra -Werror -O2 -mbulk-memory -ffreestanding -c -o "$work/word_stats.o" c/word_stats.c
    "$wasm_ld" --no-entry --strip-all -o "$work/word_stats.wasm" "$work/word_stats.o"
    finish "$work/word_stats.wasm" c/word_stats.wasm

    library=${WASI_LIBRARY:-/usr/lib/wasm32-wasi}
    if [ ! -e "$library/crt1-reactor.o" ]; then
        echo "c/journal.wasm: left out, there is no wasi-libc in $library (WASI_LIBRARY names another place)"
        return 0
    fi
    "$clang" --target=wasm32-wasi -std=gnu11 -Wall -Wextra -Werror -Oz -c -o "$work/journal.o" c/journal.c
    "$wasm_ld" --entry=_initialize --strip-all -o "$work/journal.wasm" -L"$library" "$library/crt1-reactor.o" "$work/journal.o" \
        -lc "$("$clang" --target=wasm32-wasi --print-libgcc-file-name)"
    finish "$work/journal.wasm" c/journal.wasm
}

build_rust() {
    has "$rustc" rust || return 0
    if [ ! -d "$("$rustc" --print sysroot)/lib/rustlib/wasm32-unknown-unknown" ]; then
        echo "rust: left out, $rustc has no wasm32-unknown-unknown"
        return 0
    fi
    "$rustc" --edition 2021 --crate-type cdylib --crate-name json_guest --target wasm32-unknown-unknown \
        -C opt-level=s -C panic=abort -C lto=fat -C codegen-units=1 -C strip=symbols -D warnings \
        -o "$work/json_guest.wasm" rust/json_guest.rs
    finish "$work/json_guest.wasm" rust/json_guest.wasm
}

build_assemblyscript() {
    has npm assemblyscript || return 0
    cp assemblyscript/*.ts assemblyscript/*.json "$work"
    (cd "$work" && npm ci --silent --no-audit --no-fund && npm run --silent build)
    finish "$work/life.wasm" assemblyscript/life.wasm
}

build_wat() {
    $codicil wat2wasm wat/reverse.wat -o "$work/reverse.wasm"
    finish "$work/reverse.wasm" wat/reverse.wasm
}

for guest in "$@"; do
    "build_$guest"
done
exit $failed
