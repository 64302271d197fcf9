import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, it } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));

it("the bundle's stand-in for vscode-jsonrpc/node has every value that the server imports", () => {
  const standIn = createRequire(import.meta.url)(join(root, "scripts/build/jsonrpcNode.cjs"));
  const asked = new Set<string>();
  for (const file of readdirSync(join(root, "src"), { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".ts")) continue;
    const source = readFileSync(join(root, "src", file), "utf8");
    for (const [, names = ""] of source.matchAll(
      /import \{([^}]*)\} from "vscode-jsonrpc\/node"/g,
    )) {
      const each = names.split(",").map((name) => name.trim());
      for (const name of each) if (name !== "" && !name.startsWith("type ")) asked.add(name);
    }
  }
  expect(asked.size).toBeGreaterThan(5);
  expect([...asked].filter((name) => standIn[name] === undefined)).toEqual([]);
});
