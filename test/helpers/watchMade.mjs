// Preloaded into a server with `--import`: counts the errors and the `AbortController`s that are made between
// two requests to a provider, and writes them into the file MADE_FILE when the process ends. MADE_BETWEEN
// has the numbers of the two requests.
import { subscribe } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";

const watched = [
  "Error",
  "TypeError",
  "RangeError",
  "SyntaxError",
  "AggregateError",
  "DOMException",
];
const [from, to] = process.env.MADE_BETWEEN.split(" ").map(Number);
const made = {};
let requests = 0;

function note(name) {
  if (requests < from || requests >= to) return;
  made[name] = (made[name] ?? 0) + 1;
}

for (const name of [...watched, "AbortController"]) {
  const original = globalThis[name];
  const counted = new Proxy(original, {
    construct(target, values, newTarget) {
      note(name);
      return Reflect.construct(target, values, newTarget);
    },
    apply(target, self, values) {
      note(name);
      return Reflect.apply(target, self, values);
    },
  });
  Object.defineProperty(globalThis, name, { value: counted, configurable: true, writable: true });
}
for (const name of ["abort", "timeout", "any"]) {
  const original = AbortSignal[name];
  AbortSignal[name] = function (...values) {
    note(`AbortSignal.${name}`);
    return original.apply(this, values);
  };
}
subscribe("http.client.request.start", () => requests++);
process.on("exit", () => writeFileSync(process.env.MADE_FILE, JSON.stringify(made)));
