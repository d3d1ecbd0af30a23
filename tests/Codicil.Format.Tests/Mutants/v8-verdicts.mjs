// Makes v8-verdicts.txt: what V8 thinks of one-byte mutants of real modules. Run with node 20, the shared directory as its argument:
//   node v8-verdicts.mjs ../../../../shared > v8-verdicts.txt
// Each line: path below the shared directory, SHA-256 of the module, seed, number of mutants, a bit a mutant (1 = valid, low bit first) in base64.
// MutantTests makes the same mutants from the same numbers.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';

const count = 10000;
const modules = [
  'bench/kernels/wasm/heapsort.wasm',
  'bench/kernels/wasm/sha256.wasm',
  'conformance/extism/go-sdk/wasm/alloc.wasm',
  'conformance/wasi-p1/assemblyscript/args_get-multiple-arguments.wasm',
  'conformance/wasi-p1/c/clock_getres-monotonic.wasm',
];

modules.forEach((path, index) => {
  const module = readFileSync(join(process.argv[2], path));
  let state = index + 1;
  const next = () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0);
  const verdicts = Buffer.alloc(Math.ceil(count / 8));
  for (let i = 0; i < count; i++) {
    const position = 8 + (next() >>> 4) % (module.length - 8);
    const original = module[position];
    module[position] = (next() >>> 8) & 255;
    if (WebAssembly.validate(module)) {
      verdicts[i >> 3] |= 1 << (i & 7);
    }
    module[position] = original;
  }
  console.log([path, createHash('sha256').update(module).digest('hex'), index + 1, count, verdicts.toString('base64')].join(' '));
});
