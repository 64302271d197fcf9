import { describe, expect, it } from "vitest";
import {
  circlesOf,
  functionsOf,
  parse,
  readSource,
  type SourceFile,
  type SourceImport,
} from "./sourceFiles.js";

/** Who may import whom. A layer may always import itself, and Node's built-ins unless it says no. */
interface Layer {
  /** Layers of ours, with all that they are. */
  readonly layers: readonly string[];
  /** Layers, files and packages of which only types may be used, so that nothing of them runs here. */
  readonly types?: readonly string[];
  /** Packages; where it is left out, any. */
  readonly packages?: readonly string[];
  readonly mayUseNode?: false;
}

/** The two files that an engine and the house know of each other. */
const seam = ["engine/engine.ts", "engine/setup.ts"];

const layers: Readonly<Record<string, Layer>> = {
  base: { layers: [], packages: [] },
  protocol: { layers: ["base"], packages: ["zod"], mayUseNode: false },
  storage: { layers: ["base"], packages: ["@photostructure/sqlite"] },
  transport: { layers: ["base"], packages: ["vscode-jsonrpc"] },
  events: { layers: ["base", "protocol", "storage"], packages: [] },
  network: { layers: ["base"], packages: ["undici"] },
  // One more consumer of the outbox. Each place has its own driver, which is loaded with it.
  relay: {
    layers: ["base", "events", "storage", "network"],
    types: ["protocol", "config"],
    packages: ["@nats-io/transport-node", "@nats-io/jetstream", "pg"],
  },
  // It makes spans and numbers of what the others tell it through `base/telemetry.ts`.
  telemetry: { layers: ["base", "storage"], types: ["@ai-sdk/provider"], packages: [] },
  // It is a client of a server in its own process, and shares the relay's way to NATS.
  worker: {
    layers: ["base", "protocol", "client", "config", "relay"],
    packages: ["@nats-io/transport-node", "@nats-io/jetstream", "zod"],
  },
  config: { layers: ["base", "protocol", "network"] },
  process: { layers: ["base"], packages: ["execa"] },
  permissions: { layers: ["base"], types: ["protocol", "config"] },
  models: { layers: ["base", "network"], types: ["protocol", "config"] },
  tools: { layers: ["base", "network", "process", "permissions"], types: ["protocol"] },
  // A tool of a tool server is a tool like every other.
  mcp: {
    layers: ["base", "network", "process", "permissions", "tools"],
    types: ["protocol", "config"],
  },
  // It writes to the sink that the seam declares, and asks through it.
  agent: {
    layers: ["base", "models", "tools"],
    types: ["protocol", "config", "permissions", ...seam],
  },
  engine: {
    layers: ["base", "agent", "models", "tools", "mcp", "permissions", "config", "process"],
    types: ["protocol"],
  },
  // An engine that hands its turns to another agent's program. It knows nothing of the built-in one.
  acpEngine: {
    layers: ["base", "permissions", "process", "tools"],
    types: ["protocol", "config", ...seam],
    packages: ["execa"],
  },
  // It replaces files as carefully as the tools do, with what they do it by.
  checkpoints: { layers: ["base", "storage", "tools"], packages: [] },
  coordinator: {
    layers: ["base", "events", "storage"],
    types: ["protocol", ...seam],
    packages: [],
  },
  backend: {
    layers: ["base", "coordinator", "storage", "config"],
    types: ["protocol", "checkpoints", ...seam],
    packages: [],
  },
  // What the protocol is made of is zod's, and so is the error that a failed check gives.
  rpc: { layers: ["base", "protocol", "backend"], packages: ["vscode-jsonrpc"], types: ["zod"] },
  // It reaches the server over a connection of Turnwire's own protocol, which it is handed.
  acp: {
    layers: ["base", "protocol"],
    packages: ["@agentclientprotocol/sdk", "diff", "zod"],
  },
  client: { layers: ["base", "protocol", "transport"], packages: ["execa"] },
  testing: { layers: ["base", "client"], types: ["protocol"], packages: [] },
  // What a pipe carries, for whichever JSON-RPC server: it knows no part of ours.
  inspector: {
    layers: ["base", "transport"],
    types: ["protocol"],
    packages: ["execa", "@photostructure/sqlite"],
  },
  // It knows the messages of the protocol, and no line of the server that it checks.
  conformance: { layers: ["base", "protocol"], packages: [] },
};

/** What puts the rest together, `cli` and every file beside the layers, may import anything. */
const isTop = (path: string) => layerOf(path) === "cli" || !path.includes("/");

/** Files that may name `process`, each with the reason why it cannot be handed what it needs. */
const processUsers: Readonly<Record<string, string>> = {
  "main.ts": "the program itself",
  "process/idleMemory.ts":
    "Node has no other way to leave its warning of an experimental function out",
  "process/emptyPages.ts": "nothing else tells with which flags Node was started",
  "process/endTree.ts": "nothing else can signal a process group",
  "process/processTable.ts": "its own number tells its own `/proc` from another's",
  "process/processLife.ts":
    "nothing else can tell whether another process lives where /proc is not",
  "process/workProcesses.ts": "which Node runs this one, and what it needs to start, is its own",
  "client/serverProcess.ts": "a library has no main: it tells the server its caller's pid",
  "client/serverProgram.ts": "a library has no main: it asks which program runs its caller",
  "client/findServer.ts": "a library has no main: it looks beside the program of its caller",
  "client/TurnwireClient.ts": "a library has no main: it warns whoever runs its caller",
};

const files = readSource();

function layerOf(path: string): string {
  return path.split("/")[0] ?? path;
}

function complaintsAbout(file: SourceFile, layer: Layer): string[] {
  return file.imports
    .filter((imported) => !isAllowed(imported, layerOf(file.path), layer))
    .map(
      ({ target, isTypeOnly }) => `${file.path} imports ${isTypeOnly ? "types of " : ""}${target}`,
    );
}

function isAllowed({ target, isOurs, isTypeOnly }: SourceImport, own: string, layer: Layer) {
  if (!isOurs) {
    if (target.startsWith("node:")) return layer.mayUseNode !== false;
    if (layer.packages === undefined || layer.packages.includes(target)) return true;
    return isTypeOnly && (layer.types ?? []).includes(target);
  }
  const targetLayer = layerOf(target);
  if (targetLayer === own || layer.layers.includes(targetLayer)) return true;
  const types = layer.types ?? [];
  return isTypeOnly && (types.includes(targetLayer) || types.includes(target));
}

describe("the layer rule", () => {
  it.each(Object.entries(layers))("holds for %s", (name, layer) => {
    const own = files.filter(({ path }) => layerOf(path) === name);
    expect(own.flatMap((file) => complaintsAbout(file, layer))).toEqual([]);
  });

  it("knows every layer", () => {
    const folders = new Set(
      files.filter(({ path }) => !isTop(path)).map(({ path }) => layerOf(path)),
    );
    expect([...folders].sort()).toEqual(Object.keys(layers).sort());
  });

  it("lets nothing but the top import the top", () => {
    const importers = files.filter(
      ({ path, imports }) =>
        !isTop(path) && imports.some(({ target, isOurs }) => isOurs && isTop(target)),
    );
    expect(importers.map(({ path }) => path)).toEqual([]);
  });

  it("sees imports in every form, and tells types from values", () => {
    const { imports } = parse(
      "agent/x.ts",
      [
        'import type { A } from "../config/a.js";',
        'import {\n  type B,\n  c,\n} from "../protocol/b.js";',
        'export * from "./d.js";',
        'export type { E } from "@scope/e/deep";',
        'import "node:fs";',
        'const f = await import("execa");',
        '// import { g } from "../rpc/g.js";',
        ' * import { h } from "../rpc/h.js";',
      ].join("\n"),
    );
    expect(imports).toEqual([
      { target: "config/a.ts", isOurs: true, isTypeOnly: true },
      { target: "protocol/b.ts", isOurs: true, isTypeOnly: false },
      { target: "agent/d.ts", isOurs: true, isTypeOnly: false },
      { target: "@scope/e", isOurs: false, isTypeOnly: true },
      { target: "node:fs", isOurs: false, isTypeOnly: false },
      { target: "execa", isOurs: false, isTypeOnly: false },
    ]);
  });

  it("refuses what it must", () => {
    const file = parse(
      "agent/x.ts",
      'import { A } from "../config/a.js";\nimport type { B } from "../storage/b.js";',
    );
    expect(complaintsAbout(file, layers.agent ?? { layers: [] })).toEqual([
      "agent/x.ts imports config/a.ts",
      "agent/x.ts imports types of storage/b.ts",
    ]);
  });
});

describe("the seam of the engines", () => {
  it.each(seam)("is types alone, and of no engine: %s", (file) => {
    const { code, imports } = files.find(({ path }) => path === file) ?? { code: "", imports: [] };
    expect(code).toContain("export interface Engine");
    expect(code).not.toMatch(/^(export )?(abstract )?(const|let|function|async|class|enum)\b/m);
    expect(imports.filter(({ isTypeOnly }) => !isTypeOnly)).toEqual([]);
    const rooms = imports
      .filter(({ target }) => !seam.includes(target))
      .map(({ target }) => layerOf(target));
    expect(rooms.filter((room) => !["base", "protocol", "config"].includes(room))).toEqual([]);
  });
});

describe("every file of src", () => {
  it("has at most 300 lines", () => {
    expect(files.filter(({ lines }) => lines > 300).map(({ path }) => path)).toEqual([]);
  });

  it("has no function of more than 60 lines", () => {
    const long = files.flatMap(({ path, text }) =>
      functionsOf(text)
        .filter(({ lines }) => lines > 60)
        .map(({ line, lines }) => `${path}:${line} has ${lines} lines`),
    );
    expect(long).toEqual([]);
  });

  it("imports nothing that leads back to it, types too", () => {
    expect(circlesOf(files)).toEqual([]);
  });

  it("is measured and followed as it is written", () => {
    const body = (count: number) => "    work();\n".repeat(count);
    const text = `class A {\n  m(): void {\n${body(2)}  }\n  async n(\n    a: string,\n  ): Promise<void> {\n${body(1)}  }\n}\nconst f = () => {\n${body(1)}};\nfunction g() {\n  if (a) {\n${body(1)}  }\n}\n`;
    expect(functionsOf(text)).toEqual([
      { line: 2, lines: 4 },
      { line: 6, lines: 5 },
      { line: 12, lines: 3 },
      { line: 15, lines: 5 },
    ]);
    const file = (path: string, to: string) => parse(path, `import type { A } from "./${to}.js";`);
    const circle = [file("x/a.ts", "b"), file("x/b.ts", "c"), file("x/c.ts", "a")];
    const beside = [file("x/d.ts", "a"), file("x/e.ts", "f"), file("x/f.ts", "e")];
    expect(circlesOf([...circle, ...beside])).toEqual([
      ["x/a.ts", "x/b.ts", "x/c.ts"],
      ["x/e.ts", "x/f.ts"],
    ]);
  });

  it("leaves the process to main.ts", () => {
    const names =
      /(?<![.#\w])process\.(argv|chdir|cwd|emit|env|exec|exit|kill|on|pid|ppid|std)|"node:process"/;
    const users = files.filter(({ code }) => names.test(code)).map(({ path }) => path);
    expect(users.filter((path) => processUsers[path] === undefined)).toEqual([]);
  });

  it("never writes to the console, which would end up between the frames", () => {
    const users = files.filter(({ code }) => /\bconsole\.\w/.test(code));
    expect(users.map(({ path }) => path)).toEqual([]);
  });
});
