import { readdirSync } from "node:fs";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";
import { describe, expect, it } from "vitest";
import { errorTable } from "../../src/base/errors.js";
import { protocolObjects } from "../../src/cli/schema.js";
import {
  clientNotifications,
  traceNotifications,
} from "../../src/protocol/connectionNotifications.js";
import type { MethodDeclaration, NotificationDeclaration } from "../../src/protocol/declare.js";
import { methods, notifications, serverMethods } from "../../src/protocol/registry.js";

const folder = fileURLToPath(new URL("../../src/protocol", import.meta.url));
const allMethods: Record<string, MethodDeclaration> = { ...methods, ...serverMethods };
const allNotifications: Record<string, NotificationDeclaration> = {
  ...notifications,
  ...clientNotifications,
  ...traceNotifications,
};

function namesOfFiles(kind: string): string[] {
  return readdirSync(`${folder}/${kind}`)
    .map((path) => basename(path, ".ts"))
    .sort();
}

describe("every method", () => {
  it.each(Object.values(allMethods))("$name has an example that it accepts itself", (method) => {
    expect(method.params().safeParse(method.example.params).error).toBeUndefined();
    expect(method.result().parse(method.example.result)).toEqual(method.example.result);
  });

  it("is registered under its name, and has a file of that name", () => {
    expect(Object.entries(allMethods).filter(([key, { name }]) => key !== name)).toEqual([]);
    expect(namesOfFiles("methods")).toEqual(Object.keys(allMethods).sort());
  });

  it.each(Object.entries(allMethods))("%s is what its file exports", async (name, method) => {
    const file = await import(pathToFileURL(`${folder}/methods/${name}.ts`).href);
    expect(file[name]).toBe(method);
  });

  it("says who sends it by where it is registered", () => {
    for (const { name, direction } of Object.values(allMethods)) {
      expect({ name, direction }).toEqual({
        name,
        direction: name in methods ? "clientToServer" : "serverToClient",
      });
    }
  });

  it("names errors of the project's own, once each", () => {
    for (const { name, errors } of Object.values(allMethods)) {
      expect({ name, errors: [...new Set(errors)] }).toEqual({ name, errors: [...errors] });
      for (const error of errors) expect(errorTable[error].code).toBeGreaterThan(1000);
    }
  });

  it("takes params with unknown fields, and refuses params that are no object", () => {
    for (const { params, example } of Object.values(methods)) {
      expect(params().safeParse({ ...example.params, unknownField: 1 }).success).toBe(true);
      expect(params().safeParse([]).success).toBe(false);
      expect(params().safeParse("text").success).toBe(false);
    }
  });
});

describe("every notification", () => {
  it.each(Object.values(allNotifications))("$name has an example that it accepts itself", (one) => {
    expect(one.params().parse(one.example)).toEqual(one.example);
  });

  it("is registered under its name, and has a file of that name", () => {
    expect(Object.entries(allNotifications).filter(([key, { name }]) => key !== name)).toEqual([]);
    const names = Object.keys(allNotifications).map((name) => name.replace("$/", ""));
    expect(namesOfFiles("notifications")).toEqual(names.sort());
  });

  it("may be lost, but for runComplete", () => {
    const durable = Object.values(allNotifications).filter(
      ({ delivery }) => delivery === "durable",
    );
    expect(durable.map(({ name }) => name)).toEqual(["runComplete"]);
  });
});

describe("the objects", () => {
  /** Beside them, parts that several declarations share stand in the same folder. */
  const isObject = (name: string) => /^[A-Z]/.test(name);

  it("are listed in full", async () => {
    const files = readdirSync(`${folder}/objects`).filter(
      (path) => path !== "ids.ts" && path !== "examples.ts",
    );
    const exported = await Promise.all(
      files.map(async (path) =>
        Object.keys(await import(pathToFileURL(`${folder}/objects/${path}`).href)),
      ),
    );
    expect(Object.keys(protocolObjects).sort()).toEqual(exported.flat().filter(isObject).sort());
  });

  it("carry their own names", () => {
    for (const [name, object] of Object.entries(protocolObjects)) {
      expect(object().meta()?.id).toBe(name);
    }
  });
});

describe("the errors", () => {
  it("of the project's own have codes of their own, which rise from 1001 in the table", () => {
    const codes = Object.values(errorTable)
      .map(({ code }) => code)
      .filter((code) => code > 0);
    expect(codes[0]).toBe(1001);
    expect(codes).toEqual([...new Set(codes)].sort((one, other) => one - other));
  });

  it("that JSON-RPC reserves are the ones that it defines", () => {
    const reserved = Object.values(errorTable).filter(({ code }) => code < 0);
    for (const { code } of reserved) {
      expect([-32700, -32600, -32601, -32602, -32603, -32800]).toContain(code);
    }
  });
});

describe("the protocol as a library", () => {
  it("bundles for a browser, with no Node built-in", async () => {
    const { metafile } = await build({
      entryPoints: [`${folder}/index.ts`],
      bundle: true,
      write: false,
      metafile: true,
      platform: "neutral",
      mainFields: ["module", "main"],
      logLevel: "silent",
    });
    const inputs = Object.keys(metafile.inputs);
    expect(inputs.some((path) => path.endsWith("src/protocol/registry.ts"))).toBe(true);
    expect(inputs.filter((path) => /src\/(?!protocol|base)/.test(path))).toEqual([]);
  });
});
