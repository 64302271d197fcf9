import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { errorTable } from "../../src/base/errors.js";
import { definitionName } from "../../src/cli/frameSchemas.js";
import { protocolJsonSchema, protocolObjects } from "../../src/cli/schema.js";
import { traceNotifications } from "../../src/protocol/connectionNotifications.js";
import { methods, notifications, serverMethods } from "../../src/protocol/registry.js";

const schema = protocolJsonSchema();

function referencesIn(value: unknown): string[] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    key === "$ref" && typeof inner === "string" ? [inner] : referencesIn(inner),
  );
}

function refOf(value: unknown): string[] {
  return referencesIn(value).map((path) => path.replace("#/$defs/", ""));
}

describe("the JSON Schema of the protocol", () => {
  it("defines every object and frame, and the params and results that are no object's", () => {
    const aliases = Object.values(schema.methods).flatMap(({ result }) => refOf(result));
    const names = Object.keys({ ...methods, ...serverMethods });
    expect(Object.keys(schema.$defs)).toEqual(
      expect.arrayContaining([
        ...Object.keys(protocolObjects),
        ...names.map((name) => definitionName(name, "Params")),
        ...names.flatMap((name) => [
          definitionName(name, "Request"),
          definitionName(name, "Response"),
        ]),
        ...Object.keys(notifications).map((name) => definitionName(name, "Notification")),
        ...["ExitNotification", "AcknowledgeNotification", "CancelRequestNotification"],
        ...["SetTraceNotification", "LogTraceNotification"],
        ...["ErrorResponse", "ClientFrame", "ServerFrame", "Frame"],
      ]),
    );
    expect(Object.keys(schema.$defs)).toEqual(expect.arrayContaining(aliases));
  });

  it("names every definition as generators of code would name its type", () => {
    expect(Object.keys(schema.$defs).filter((id) => !/^[A-Z][A-Za-z]+$/.test(id))).toEqual([]);
    const others = Object.entries(schema.$defs).filter(([id, { title }]) => title !== id);
    expect(others.map(([id]) => id)).toEqual([]);
    const onlyRefs = Object.values(schema.$defs).filter(({ $ref }) => $ref !== undefined);
    expect(onlyRefs).toEqual([]);
  });

  it("is the schema of every example, as the frame that it is sent in", async () => {
    const { Ajv2020 } = await import("ajv/dist/2020.js");
    const ajv = new Ajv2020({ strict: false, validateFormats: false });
    ajv.addSchema(schema, "protocol");
    const check = (id: string, frame: object) => {
      const isValid = ajv.validate(`protocol#/$defs/${id}`, frame);
      expect(isValid ? [] : ajv.errors, id).toEqual([]);
    };
    for (const { name, example } of Object.values({ ...methods, ...serverMethods })) {
      const head = { jsonrpc: "2.0", id: 1 };
      check(definitionName(name, "Request"), { ...head, method: name, params: example.params });
      check(definitionName(name, "Response"), { ...head, result: example.result });
    }
    for (const { name, example } of Object.values({
      ...notifications,
      ...traceNotifications,
    })) {
      const frame = { jsonrpc: "2.0", method: name, params: example };
      check(definitionName(name, "Notification"), frame);
      check("ServerFrame", frame);
      check("Frame", frame);
    }
    expect(ajv.validate("protocol#/$defs/ServerFrame", { jsonrpc: "2.0", method: "no" })).toBe(
      false,
    );
  });

  it("refers to nothing that it does not define", () => {
    const missing = referencesIn(schema).filter(
      (reference) => schema.$defs[reference.replace("#/$defs/", "")] === undefined,
    );
    expect(missing).toEqual([]);
  });

  it("says an object once and refers to it everywhere else", () => {
    expect(schema.methods.getSession?.result).toEqual({ $ref: "#/$defs/Session" });
    expect(schema.notifications.runComplete?.params).toEqual({ $ref: "#/$defs/RunComplete" });
  });

  it("forbids no field that is added later", () => {
    expect(JSON.stringify(schema)).not.toContain('"additionalProperties":false');
  });

  it("marks as required what has no default, and nothing else", () => {
    expect(schema.$defs.SendMessageParams?.required).toEqual([
      ...["workspaceId", "sessionId", "prompt"],
    ]);
    expect(schema.$defs.GetWorkspaceParams?.required).toEqual(["workspaceId"]);
    expect(schema.$defs.ListSessionsParams?.required).toBeUndefined();
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
