import { readdirSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createSandbox, type Sandbox } from "./sandbox.js";

const folder = fileURLToPath(new URL("../../examples", import.meta.url));

/** What each example prints. */
const outputs: Readonly<Record<string, string>> = {
  "client-tools.mjs":
    "told: src/main.ts:3 'port' is never used\ntold: src/server.ts:12\nfailed: The tool failed: there is no symbol missing\nsucceeded\n",
  "editor-files.mjs":
    "1\tport 9090\nMade 1 edit in port.txt.\nbuffer: port 9091\ndisk: port 9091\nsucceeded\n",
  "run-once.mjs": "Two lines,\none after the other.\nsucceeded, 6 tokens\n",
  "permissions.mjs":
    "allowed: Run: echo hello > /dev/null\ndenied: Run: echo bye > /dev/null\nDone.\nran\nrefused\n",
  "structured-output.mjs": "succeeded { language: 'TypeScript', files: 42 }\n",
  "undo.mjs":
    "changed: notes.txt +1 -0\nrewound: notes.txt removed, 4 messages\nback again: notes.txt recreated, 4 messages\n",
  "raw-ndjson.mjs": "protocol 1\nmy-run-1 is accepted\nsucceeded: There are 42.\nexit code 0\n",
};

let sandbox: Sandbox;

beforeEach(() => {
  sandbox = createSandbox();
});

afterEach(() => sandbox.remove());

describe("the examples", () => {
  it("are all tested", () => {
    const programs = readdirSync(folder).filter((name) => name.endsWith(".mjs"));
    expect(programs.sort()).toEqual(Object.keys(outputs).sort());
  });

  it.each(Object.entries(outputs))("%s prints what it should", async (name, output) => {
    expect(await sandbox.run(`${folder}/${name}`)).toBe(output);
  });
});
