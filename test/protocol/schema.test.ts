import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorTable } from "../../src/base/errors.js";
import { protocolJsonSchema, protocolObjects } from "../../src/cli/schema.js";
import { methods, notifications, serverMethods } from "../../src/protocol/registry.js";

const schema = protocolJsonSchema();

function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner] : referencesIn(inner),
  );
}

describe("the JSON Schema of the protocol", () => {
  it("defines every object, and the params and result of every method and notification", () => {
    const names = [
      ...Object.keys(protocolObjects),
      ...Object.keys({ ...methods, ...serverMethods }).flatMap((name) => [
        `${name}.params`,
        `${name}.result`,
      ]),
      ...Object.keys(notifications).map((name) => `${name}.params`),
      "exit.params",
    ];
    expect(Object.keys(schema.$defs).sort()).toEqual(names.sort());
  });

  it("refers to nothing that it does not define", () => {
    const missing = referencesIn(schema).filter(
      (reference) => schema.$defs[reference.replace("#/$defs/", "")] === undefined,
    );
    expect(missing).toEqual([]);
  });

  it("says an object once and refers to it everywhere else", () => {
    expect(schema.$defs["getSession.result"]).toEqual({ $ref: "#/$defs/Session" });
    expect(schema.$defs["runComplete.params"]).toEqual({ $ref: "#/$defs/RunComplete" });
  });

  it("forbids no field that is added later", () => {
    expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false');
  });

  it("marks as required what has no default, and nothing else", () => {
    expect(schema.$defs["sendMessage.params"]?.required).toEqual([
      ...["workspaceId", "sessionId", "prompt"],
    ]);
    expect(schema.$defs["getWorkspace.params"]?.required).toEqual(["workspaceId"]);
    expect(schema.$defs["listSessions.params"]?.required).toBeUndefined();
  });

  it("is plain JSON", () => {
    expect(JSON.parse(JSON.stringify(schema))).toEqual(schema);
  });
});

describe("protocol.md", () => {
  const text = readFileSync(new URL("../../protocol.md", import.meta.url), "utf8");

  it("lists every error with its code, and no other", () => {
    const listed = [...text.matchAll(/^\| (-?\d+) \| `(\w+)` \|/gm)].map((match) => [
      match[2],
      Number(match[1]),
    ]);
    expect(Object.fromEntries(listed)).toEqual(
      Object.fromEntries(Object.entries(errorTable).map(([name, { code }]) => [name, code])),
    );
    expect(listed).toHaveLength(Object.keys(errorTable).length);
  });

  it("names no method, event or error in its prose that there is not", () => {
    const known = new Set<string>([
      ...Object.keys({ ...methods, ...serverMethods, ...notifications, exit: 1 }),
    ]);
    const linked = [...text.matchAll(/\[`(\w+)`\]\(#(\w+)\)/g)].map((match) => match[1] ?? "");
    expect(linked.filter((name) => !known.has(name))).toEqual([]);
  });

  it("leads nowhere with none of its links", () => {
    const headings = [...text.matchAll(/^#+ (.+)$/gm)].map((match) =>
      (match[1] ?? "")
        .toLowerCase()
        .replace(/[^\w\- ]/g, "")
        .replaceAll(" ", "-"),
    );
    const anchors = [...text.matchAll(/\]\(#([^)]+)\)/g)].map((match) => match[1] ?? "");
    expect(anchors.filter((anchor) => !headings.includes(anchor))).toEqual([]);
    expect(headings.filter((heading, index) => headings.indexOf(heading) !== index)).toEqual([]);
  });
});
