// Asks V8 about one-byte mutants of the modules in this folder and stores what it says; MutantTests.cs compares our verdicts with them.
//
//   node tests/Codicil.Format.Tests/Mutants/make-verdicts.mjs
//
// Run it after a change to a module. Mutant i of a module: two draws of a xorshift32 generator seeded with `seed`, position = first % length,
// byte = original + 1 + second % 255. The verdicts are bits, lowest first, in base64; 1 is valid. V8 is that of node 20, without flags: 2.0, threads,
// tail calls and the first exceptions proposal.
import { readFileSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';

const count = 10000;
const folder = new URL('.', import.meta.url);
const names = ['numeric', 'memory', 'control', 'tables', 'program'];

const modules = names.map((name, index) => {
  const bytes = readFileSync(new URL(`${name}.wasm`, folder));
  if (!WebAssembly.validate(bytes)) throw new Error(`${name} itself is invalid`);
  const seed = 0x9E3779B9 ^ (index + 1);
  let state = seed >>> 0;
  const draw = () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>>= 0);
  };
  const verdicts = new Uint8Array(count / 8);
  for (let i = 0; i < count; i++) {
    const mutant = new Uint8Array(bytes);
    const position = draw() % mutant.length;
    mutant[position] = mutant[position] + 1 + (draw() % 255);
    if (WebAssembly.validate(mutant)) verdicts[i >> 3] |= 1 << (i & 7);
  }
  return {
    name,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    seed: seed >>> 0,
    count,
    verdicts: Buffer.from(verdicts).toString('base64'),
  };
});

writeFileSync(new URL('verdicts.json', folder), JSON.stringify({ v8: process.versions.v8, modules }, null, 2) + '\n');
