// The package as a user gets it: packed, and installed into an empty folder.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative, sep } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { linkComplaints, markdownPages } from "../../scripts/check/markdownLinks.mjs";
import { isOtherNode, testNode } from "../helpers/testNode.js";
import { unless } from "../helpers/unless.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const tsc = join(root, "node_modules/typescript/bin/tsc");
const onWindows = process.platform === "win32";

/** An empty folder into which the package was installed. */
let user: string;
/** The package in it. */
let installed: string;
let scratch: string;

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), "turnwire-package-"));
  user = join(scratch, "user");
  mkdirSync(user);
  writeFileSync(join(user, "package.json"), '{"name":"user","private":true}');
  npm(user, "install", "--no-audit", "--no-fund", "--prefer-offline", pack());
  installed = join(user, "node_modules/turnwire");
}, 300_000);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** Packs a copy, with a build of its own: that of the clone belongs to the tests that run beside. */
function pack(): string {
  const dist = `dist-pack-${process.pid}`;
  const copy = join(scratch, "copy");
  try {
    const env = { ...process.env, NOTYPES: isOtherNode ? "1" : "", TURNWIRE_DIST: dist };
    execFileSync(process.execPath, ["scripts/build.mjs"], { cwd: root, env, stdio: "pipe" });
    cpSync(root, copy, { recursive: true, filter: (path) => isCopied(relative(root, path)) });
    cpSync(join(root, dist), join(copy, "dist"), { recursive: true });
  } finally {
    rmSync(join(root, dist), { recursive: true, force: true });
  }
  const [packed] = JSON.parse(npm(copy, "pack", "--json", "--ignore-scripts"));
  return join(copy, packed.filename);
}

function isCopied(path: string): boolean {
  const [top = ""] = path.split(sep);
  return !/^(\.git|node_modules|coverage|dist.*)$/.test(top);
}

function npm(cwd: string, ...args: string[]): string {
  return execFileSync("npm", args, { cwd, encoding: "utf8", stdio: "pipe", shell: onWindows });
}

function node(cwd: string, ...args: string[]): string {
  return execFileSync(testNode, args, { cwd, encoding: "utf8", stdio: "pipe" });
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
}

describe("what is installed", () => {
  it("is at most 45 MB in 40 packages", async () => {
    const files = await filesBelow(join(user, "node_modules"));
    const sizes = await Promise.all(files.map(async (path) => (await stat(path)).size));
    const megabytes = sizes.reduce((sum, size) => sum + size, 0) / 1e6;
    const lock = JSON.parse(readFileSync(join(user, "node_modules/.package-lock.json"), "utf8"));
    const packages = Object.keys(lock.packages);
    console.log(`installed: ${megabytes.toFixed(1)} MB, ${packages.length} packages`);
    expect(megabytes).toBeLessThan(45);
    expect(packages.length).toBeLessThan(40);
  });

  it("has no source map, and no file that asks for one", async () => {
    const files = await filesBelow(join(installed, "dist"));
    expect(files.filter((path) => path.endsWith(".map"))).toEqual([]);
    const asking = files.filter((path) => readFileSync(path, "utf8").includes("sourceMappingURL="));
    expect(asking).toEqual([]);
  });

  it("holds the licence of what is bundled", () => {
    const notices = readFileSync(join(installed, "THIRD-PARTY-NOTICES"), "utf8");
    expect(notices).toContain("execa 9");
    // It is a part of another package, which does not tell its licence.
    expect(notices).toMatch(/pdfjs-dist [\d.]+\nLicence: Apache-2\.0\n/);
  });

  it("has no page with a link that leads out of it, or nowhere", () => {
    expect(markdownPages(installed)).toContain("README.md");
    expect(linkComplaints(installed)).toEqual([]);
  });

  it("depends on what its files import, and on nothing else", async () => {
    // The reader of PDFs writes imports into files that it makes, and imports none of them.
    const files = (await filesBelow(join(installed, "dist"))).filter(
      (path) => !path.endsWith("pdfReader.mjs"),
    );
    const names = files.flatMap((path) =>
      [
        ...readFileSync(path, "utf8").matchAll(
          /(?:^|[;}\n])(?:import|export)\b[^;"'`]*?from\s?"([^."][^"]*)"|(?<![.\w"'`])(?:require|import)\("([^."][^"]*)"\)/g,
        ),
      ].map(([, first, second]) => packageOf(first ?? second ?? "")),
    );
    const builtIn = new Set((await import("node:module")).builtinModules);
    const outside = [...new Set(names)].filter(
      // A sentence of AWS's library names the last one, which it asks its users to import.
      (name) =>
        !name.startsWith("node:") && !builtIn.has(name) && name !== "@aws-sdk/signature-v4-crt",
    );
    const { dependencies } = JSON.parse(readFileSync(join(installed, "package.json"), "utf8"));
    expect(outside.sort()).toEqual(Object.keys(dependencies).sort());
  });
});

function packageOf(specifier: string): string {
  return specifier
    .split("/")
    .slice(0, specifier.startsWith("@") ? 2 : 1)
    .join("/");
}

/** Runs a prompt through the client that `load` gives, on a server that it starts. */
const turn = (load: string) => `
${load}
(async () => {
  const client = await TurnwireClient.spawn({ dataDir: process.argv[2], clientId: "user" });
  const { id: workspaceId } = await client.api.createWorkspace({ path: process.argv[2], initAgent: true });
  const { id: sessionId } = await client.api.createSession({ workspaceId });
  const { text } = await client.run({ workspaceId, sessionId, prompt: "@say It runs." });
  await client.close();
  console.log(text);
})();
`;

describe("the client", () => {
  it.each([
    ["turnwire", "mjs", 'import { TurnwireClient } from "turnwire";'],
    ["turnwire/client", "mjs", 'import { TurnwireClient } from "turnwire/client";'],
    ["turnwire", "cjs", 'const { TurnwireClient } = require("turnwire");'],
    ["turnwire/client", "cjs", 'const { TurnwireClient } = require("turnwire/client");'],
  ])("of %s runs a prompt from .%s", (_name, ending, load) => {
    const data = mkdtempSync(join(scratch, "data-"));
    writeFileSync(join(user, `turn.${ending}`), turn(load));
    expect(node(user, `turn.${ending}`, data)).toBe("It runs.\n");
  });

  it("is the one that turnwire/testing gives, from either kind of module", () => {
    const uses = `
      const { startTestServer, say } = require("turnwire/testing");
      const { TurnwireClient } = require("turnwire");
      (async () => {
        const es = await import("turnwire");
        const server = await startTestServer();
        const { text } = await server.run(say("It runs."));
        console.log(text, server.client instanceof TurnwireClient, es.TurnwireClient === TurnwireClient);
        await server.close();
      })();`;
    expect(node(user, "-e", uses)).toBe("It runs. true true\n");
  });

  it("is a CommonJS file for require, not an ES module that Node converts", () => {
    const script =
      'console.log(["", "/client", "/protocol", "/testing"].map((e) => require.resolve("turnwire" + e).slice(-4)).join())';
    expect(node(user, "-e", script)).toBe(".cjs,.cjs,.cjs,.cjs\n");
  });
});

describe("turnwire/protocol", () => {
  const entries = ["protocol.js", "protocol.cjs"];

  it.each(entries)("needs nothing of Node: %s", (name) => {
    const code = readFileSync(join(installed, "dist", name), "utf8");
    expect(code).not.toMatch(/\bnode:|\bprocess\.|\bBuffer\b|__filename/);
  });

  it("is made of the user's own zod", () => {
    const script = `
      const { methods } = require("turnwire/protocol");
      console.log(methods.ping.params() instanceof require("zod").ZodObject);`;
    expect(node(user, "-e", script)).toBe("true\n");
  });
});

const ofNoNode = "The declarations are of no Node in particular, and were tried with another";
unless(
  describe,
  isOtherNode,
  ofNoNode,
)("the declarations", () => {
  /** Of what the client and the protocol both export. */
  const shared = (entry: string) =>
    ["ClientTool", "RunComplete", "LossyEvent", "InputRequest", "PermissionAnswer", "MethodName"]
      .concat('ParamsInput<"sendMessage">', 'Result<"getSession">', "NotificationName")
      .map((type) => `${entry}.${type}`);
  const uses = `
    import type * as ofClient from "turnwire/client";
    import type * as ofProtocol from "turnwire/protocol";
    import { TurnwireClient, TurnwireRpcError, type RunComplete } from "turnwire";
    import { TurnwireClient as SameClient, type SpawnOptions } from "turnwire/client";
    import { methods, protocolVersion, type Result } from "turnwire/protocol";
    import { say, startTestServer, type TestServer } from "turnwire/testing";
    export const options: SpawnOptions = { clientId: "user" };
    export const client: Promise<TurnwireClient> = SameClient.spawn(options);
    export const isBusy = (error: unknown) =>
      error instanceof TurnwireRpcError && error.code === 1007;
    export const text = (completion: RunComplete): string => completion.text;
    export const version: number = protocolVersion;
    export const session = (result: Result<"createSession">): string => result.id;
    export const name: "ping" = methods.ping.name;
    export const ofTest = (server: TestServer): TurnwireClient => server.client;
    export const started: Promise<TestServer> = startTestServer();
    export const said: string = say("It runs.");
    type Same<A, B> =
      (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
    export const same: Same<[${shared("ofClient")}], [${shared("ofProtocol")}]> = true;
    // @ts-expect-error: what is not any has no such member
    export const missing = client.nothing;
    // @ts-expect-error: nor has a completion
    export const none = (completion: RunComplete) => completion.nothing;
  `;
  it.each([
    { module: "node16", moduleResolution: "node16" },
    { module: "esnext", moduleResolution: "bundler" },
  ])("are found and whole under $moduleResolution, from both kinds of module", (resolution) => {
    const folder = mkdtempSync(join(user, "types-"));
    const files = ["uses.mts", "uses.cts"];
    for (const file of files) writeFileSync(join(folder, file), uses);
    const compilerOptions = {
      ...resolution,
      target: "es2022",
      lib: ["es2022", "dom"],
      strict: true,
      noEmit: true,
      // Every declaration is checked, with no types of Node to lean on.
      skipLibCheck: false,
      types: [],
    };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions, files }));
    expect(compile(folder)).toBe("");
  });

  it("hold the text of each value once", () => {
    const files = ["client", "protocol", "testing"].map((entry) => `${entry}.d.cts`);
    const texts = files.map((file) => readFileSync(join(installed, "dist", file), "utf8"));
    const values = texts.join("\n").match(/^declare (const|class|function) \w+/gm) ?? [];
    expect(values).toContain("declare const methods");
    expect(values).toEqual([...new Set(values)]);
  });

  it.each(["client", "protocol", "testing"])(
    "of %s name as values what there is, and no more",
    (entry) => {
      const text = readFileSync(join(installed, "dist", `${entry}.d.cts`), "utf8");
      const values = (/^export \{(.*)\};$/m.exec(text)?.[1] ?? "")
        .split(",")
        .map((name) => name.trim())
        .filter((name) => new RegExp(`^declare (const|class|function) ${name}\\b`, "m").test(text));
      const script = `import("turnwire/${entry}").then((all) => console.log(Object.keys(all).join()))`;
      expect(values.sort().join()).toBe(node(user, "-e", script).trim());
    },
  );
});

describe("a tool that does not read `exports`", () => {
  // TypeScript 5 with `module: commonjs` is one, and it is what many extensions are made with.
  it("finds the same files by the older fields", () => {
    const { main, types, typesVersions, exports } = JSON.parse(
      readFileSync(join(installed, "package.json"), "utf8"),
    );
    const { require: root } = exports["."];
    expect({ main, types }).toEqual({ main: root.default, types: root.types });
    const entries = Object.keys(exports).filter((name) => exports[name].require && name !== ".");
    expect(entries.length).toBeGreaterThan(2);
    expect(typesVersions).toEqual({
      "*": Object.fromEntries(
        entries.map((name) => [name.slice(2), [exports[name].require.types]]),
      ),
    });
  });
});

/** What the compiler complains of. */
function compile(folder: string): string {
  try {
    return node(folder, tsc, "-p", ".");
  } catch (error) {
    return String((error as { stdout?: unknown }).stdout);
  }
}
