// The other side of the comparison: runs modules on V8, one request a line on standard input, one answer a line on standard output.
// Requests and answers are those of EngineWorker.cs; the language of plans is described in CallPlan.cs.
import { createInterface } from 'node:readline';

const tokens = ['token 0', 'token 1', 'token 2', 'token 3'].map((name) => ({ name }));
const bits = new DataView(new ArrayBuffer(8));

function parse(text, functions) {
    const digits = text.slice(1);
    switch (text[0]) {
        case 'i': return parseInt(digits, 16) | 0;
        case 'I': return BigInt.asIntN(64, BigInt('0x' + digits));
        case 'f': bits.setUint32(0, parseInt(digits, 16)); return bits.getFloat32(0);
        case 'F': bits.setBigUint64(0, BigInt('0x' + digits)); return bits.getFloat64(0);
        case 'x': return digits === 'N' ? null : tokens[parseInt(digits, 16)];
        case 'a': return digits === 'N' ? null : parseInt(digits, 16) << 1 >> 1;
        case 'r': return digits === 'N' ? null : functions[parseInt(digits, 16)];
        default: throw new Error('plan: ' + text);
    }
}

function bitsOf(letter, value) {
    if (letter === 'f') { bits.setFloat32(0, value); return bits.getUint32(0); }
    bits.setFloat64(0, value);
    return bits.getBigUint64(0);
}

// JavaScript does not say which type a number has: f32 values come as f64, so floats are written as the shortest f64 that holds them.
function format(value, exports) {
    if (value === null) return 'N';
    switch (typeof value) {
        case 'number': return Number.isNaN(value) ? 'nan' : (bits.setFloat64(0, value), 'n' + bits.getBigUint64(0).toString(16));
        case 'bigint': return 'I' + BigInt.asUintN(64, value).toString(16);
        case 'function': { const index = exports.indexOf(value); return 'r' + (index < 0 ? '!' : index.toString(16)); }
        case 'undefined': return 'v';
        default: { const index = tokens.indexOf(value); return 'x' + (index < 0 ? '!' : index.toString(16)); }
    }
}

function hashOf(memory) {
    const words = new Int32Array(memory.buffer);
    let hash = 0x811c9dc5 | 0;
    for (let i = 0; i < words.length; i++) {
        hash = Math.imul(hash ^ words[i], 0x01000193);
        hash ^= hash >>> 15;
    }
    return (hash >>> 0).toString(16);
}

class World {
    hash = 0x1234567;
    calls = 0;
    memories = [];
    tags = [];
    stop = new WebAssembly.Tag({ parameters: [] });

    mix(value) {
        this.hash = Math.imul(this.hash ^ value, 0x9e3779b1) | 0;
        this.hash ^= this.hash >>> 13;
    }

    mixValue(value) {
        switch (typeof value) {
            case 'number':
                if (Number.isNaN(value)) { this.mix(0x7fc00000); break; }
                bits.setFloat64(0, value);
                this.mix(bits.getInt32(4));
                this.mix(bits.getInt32(0));
                break;
            case 'bigint':
                this.mix(Number(BigInt.asIntN(32, value)));
                this.mix(Number(BigInt.asIntN(32, value >> 32n)));
                break;
            case 'function': this.mix(7); break;
            case 'undefined': this.mix(0); break;
            default: this.mix(value === null ? 0 : 1 + tokens.indexOf(value));
        }
    }

    // What a host function does follows from everything that guests passed to any before.
    call(results, values) {
        this.calls++;
        for (const value of values) this.mixValue(value);
        // An exception of WebAssembly: others can be caught by guests in JavaScript, but not in .NET.
        if ((this.hash & 0x7f) === 0x2a) throw new WebAssembly.Exception(this.stop, []);
        if ((this.hash & 0x3f) === 0x15 && this.tags.length > 0) {
            const { tag, letters } = this.tags[(this.hash >>> 8) % this.tags.length];
            throw new WebAssembly.Exception(tag, [...letters].map((letter) => this.make(letter)));
        }
        if ((this.hash & 0x1f) === 3 && this.memories.length > 0) {
            try { grow(this.memories[0]); } catch { this.mix(1); }
        }
        const list = [...results].map((letter) => this.make(letter));
        return results.length === 0 ? undefined : results.length === 1 ? list[0] : list;
    }

    make(letter) {
        this.mix(5);
        switch (letter) {
            case 'i': return this.hash;
            case 'I': return (BigInt(this.hash) << 32n) | BigInt((this.hash ^ 0x55) >>> 0);
            case 'f': return (this.hash & 0xffff) / 8;
            case 'F': return this.hash / 16;
            case 'x': return (this.hash & 1) !== 0 ? null : tokens[(this.hash >>> 1) & 3];
            case 'a': return (this.hash & 3) === 0 ? null : (this.hash & 3) === 1 ? tokens[(this.hash >>> 2) & 3] : this.hash >> 2 << 1 >> 1;
            default: return null;
        }
    }
}

function grow(memory) {
    try {
        memory.grow(1);
    } catch (error) {
        if (!(error instanceof TypeError)) throw error;
        memory.grow(1n);
    }
}

// An exception by the position of its tag among exports, then imports, and its values.
function exceptionOf(error, world, exports, imports) {
    if (error.is(world.stop)) return 'host';
    const index = [...exports, ...imports].findIndex((item) => item instanceof WebAssembly.Tag && error.is(item));
    if (index < 0) return 'exn(?)';
    const values = [];
    const tag = [...exports, ...imports][index];
    for (let i = 0; ; i++) {
        try {
            values.push(format(error.getArg(tag, i), exports));
        } catch (end) {
            // Past the last value; or one that JavaScript does not have.
            if (end instanceof RangeError) break;
            values.push('v128');
        }
    }
    return 'exn(' + index + ':' + values.join('.') + ')';
}

function trapOf(error, world, exports, imports) {
    if (error instanceof WebAssembly.Exception) return exceptionOf(error, world, exports, imports);
    if (error instanceof RangeError && /call stack/.test(error.message)) return 'stack';
    if (!(error instanceof WebAssembly.RuntimeError)) return 'error(' + error + ')';
    const message = error.message;
    if (message === 'unreachable') return 'unreachable';
    if (message === 'dereferencing a null pointer' || /rethrowing null/.test(message)) return 'null';
    if (message === 'illegal cast') return 'cast';
    if (/array element access/.test(message)) return 'array';
    if (/requested new array is too large/.test(message)) return 'limit';
    if (/^(memory access|data segment)/.test(message)) return 'memory';
    if (/^data segment \d+ is out of bounds/.test(message) || /^WebAssembly\.\w+\(\): data segment/.test(message)) return 'memory';
    if (/divide by zero|remainder by zero/.test(message)) return 'zero';
    if (/divide result unrepresentable/.test(message)) return 'overflow';
    if (/float unrepresentable/.test(message)) return 'overflow';
    if (/null function|function signature mismatch/.test(message)) return 'indirect';
    if (/table index is out of bounds|table access|table or element|element segment|table initializer/.test(message)) return 'table';
    if (/data segment/.test(message)) return 'memory';
    return 'other(' + message.replaceAll(' ', '_') + ')';
}

const types = { i: 'i32', I: 'i64', f: 'f32', F: 'f64', v: 'v128', x: 'externref', r: 'anyfunc', a: 'anyref' };

function limitsOf(initial, maximum, address) {
    return address === 'I'
        ? { address: 'i64', initial: BigInt(initial), maximum: maximum === '-' ? undefined : BigInt(maximum) }
        : { initial: +initial, maximum: maximum === '-' ? undefined : +maximum };
}

// Whether this V8 has what 3.0 adds (structures, references to exceptions, two memories, 64-bit addresses): else what it refuses says nothing.
const isOld = !WebAssembly.validate(new Uint8Array([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 1, 3, 1, 0x5f, 0, 4, 4, 1, 0x69, 0, 0, 5, 5, 2, 0, 0, 4, 0]));

function importsOf(module, plan, world) {
    const list = WebAssembly.Module.imports(module);
    const parts = plan === '-' ? [] : plan.split(',');
    const imports = {};
    const values = [];
    list.forEach((item, index) => {
        const part = parts[index].split(':');
        let value;
        switch (part[0]) {
            case 'f': value = (...values) => world.call(part[1], values); break;
            case 'm': value = new WebAssembly.Memory(limitsOf(part[1], part[2], part[3])); break;
            case 't': value = new WebAssembly.Table({ element: types[part[3]], ...limitsOf(part[1], part[2], part[4]) }, null); break;
            case 'e': value = new WebAssembly.Tag({ parameters: [...part[1]].map((letter) => types[letter]) }); world.tags.push({ tag: value, letters: part[1] }); break;
            default: value = new WebAssembly.Global({ mutable: part[1] === '1', value: types[part[2]] }, parse(part[3], []));
        }
        (imports[item.module] ??= {})[item.name] = value;
        values.push(value);
    });
    return [imports, values];
}

function stateOf(value, exports) {
    if (value instanceof WebAssembly.Memory) return 'm' + (value.buffer.byteLength / 65536) + ':' + hashOf(value);
    if (value instanceof WebAssembly.Global) { try { return 'g' + format(value.value, exports); } catch { return 'gv128'; } }
    if (value instanceof WebAssembly.Table) {
        const items = [];
        const at = typeof value.length === 'bigint' ? BigInt : Number;
        for (let i = 0; i < Math.min(Number(value.length), 64); i++) {
            let item;
            try { item = format(value.get(at(i)), exports); } catch { item = 'v128'; }
            items.push(item);
        }
        return 't' + value.length + ':' + items.join('.');
    }
    return 'f';
}

function run(bytes, importPlan, callPlan) {
    let module;
    try {
        module = new WebAssembly.Module(bytes);
    } catch (error) {
        return (isOld ? 'old ' : 'invalid ') + String(error.message).replaceAll(/\s+/g, ' ');
    }
    const world = new World();
    let imports, importValues;
    try {
        [imports, importValues] = importsOf(module, importPlan, world);
    } catch (error) {
        if (!isOld) throw error;
        return 'old ' + String(error.message).replaceAll(/\s+/g, ' ');
    }
    world.memories.push(...importValues.filter((value) => value instanceof WebAssembly.Memory));
    const lines = [];
    let instance;
    try {
        instance = new WebAssembly.Instance(module, imports);
    } catch (error) {
        if (error instanceof WebAssembly.LinkError) return 'link ' + error.message;
        lines.push('start!' + trapOf(error, world, [], importValues));
    }
    let exports = [];
    if (instance) {
        exports = WebAssembly.Module.exports(module).map((item) => instance.exports[item.name]);
        world.memories.push(...exports.filter((value) => value instanceof WebAssembly.Memory));
        for (const call of callPlan === '-' ? [] : callPlan.split(',')) {
            const [index, list] = call.split(':');
            const values = list === '' ? [] : list.split(';').map((text) => parse(text, exports));
            try {
                const result = exports[+index](...values);
                lines.push(index + '=' + (Array.isArray(result) ? result.map((value) => format(value, exports)).join('.') : format(result, exports)));
            } catch (error) {
                lines.push(index + '!' + trapOf(error, world, exports, importValues));
            }
        }
        lines.push(...exports.map((value) => stateOf(value, exports)));
    }
    lines.push(...importValues.map((value) => stateOf(value, exports)));
    lines.push('host:' + world.calls + ':' + (world.hash >>> 0).toString(16));
    return lines.join(' ');
}

for await (const line of createInterface({ input: process.stdin, crlfDelay: Infinity })) {
    const [verb, data, imports, calls] = line.split(' ');
    const bytes = Buffer.from(data ?? '', 'base64');
    let answer;
    switch (verb) {
        case 'run': answer = run(bytes, imports, calls); break;
        case 'verdict': answer = WebAssembly.validate(bytes) ? 'valid' : 'invalid'; break;
        default: answer = 'unknown request';
    }
    process.stdout.write(answer.replaceAll('\n', ' ') + '\n');
}
