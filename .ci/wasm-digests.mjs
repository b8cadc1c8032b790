// Runs every scenario through the WebAssembly module and compares with the native digests.
// node .ci/wasm-digests.mjs MODULE.wasm NATIVE.jsonl, where NATIVE.jsonl is the output of `zoolab run PATH --json`.
import { readFileSync } from "node:fs";

const [modulePath, nativePath] = process.argv.slice(2);
const module = new WebAssembly.Module(readFileSync(modulePath));
const native = readFileSync(nativePath, "utf8").trim().split("\n").map((line) => JSON.parse(line));

/** The digest of one scenario as 16 hex digits. A fresh instance each time: nothing is left over from the run before. */
function digest(scenario) {
  const wasm = new WebAssembly.Instance(module, {}).exports;
  const start = wasm.zoolab_alloc(scenario.length);
  new Uint8Array(wasm.memory.buffer, start, scenario.length).set(scenario);
  let digest, trap;
  try {
    digest = wasm.zoolab_digest(start, scenario.length);
    wasm.zoolab_free(start, scenario.length);
  } catch (error) {
    trap = error;
  }
  const error = errorText(wasm) || trap?.stack;
  if (error) throw new Error(error);
  return BigInt.asUintN(64, digest).toString(16).padStart(16, "0");
}

/** Why the digest failed: bad input, or the message of a panic. Empty when it succeeded. */
function errorText(wasm) {
  return new TextDecoder().decode(new Uint8Array(wasm.memory.buffer, wasm.zoolab_error(), wasm.zoolab_error_len()));
}

/** What went wrong with one scenario, or undefined. */
function mismatch({ file, digest: expected }) {
  try {
    const found = digest(readFileSync(file));
    if (found !== expected) return `${file}: ${found} on wasm32, ${expected} natively`;
  } catch (error) {
    return `${file}: ${error.message}`;
  }
}

const mismatches = native.map(mismatch).filter(Boolean);
for (const line of mismatches) console.error(line);
console.log(`${native.length - mismatches.length} of ${native.length} digests agree on wasm32`);
process.exit(mismatches.length > 0 ? 1 : 0);
