/**
 * The frames of the protocol as JSON Schemas: what may stand on a line, or in a message with a header.
 * Each has a name of its own, from which generators of code make a type.
 */
import type { MethodDeclaration, NotificationDeclaration } from "../protocol/declare.js";

type Schema = Readonly<Record<string, unknown>>;

/**
 * The name of a definition: `sendMessage` and `Params` give `SendMessageParams`, and `$/setTrace` and
 * `Params` give `SetTraceParams`.
 */
export function definitionName(
  name: string,
  kind: "Params" | "Result" | "Request" | "Response" | "Notification",
): string {
  const word = name.replace("$/", "");
  return `${word.slice(0, 1).toUpperCase()}${word.slice(1)}${kind}`;
}

/** The path of a definition, for `$ref`. */
export function reference(id: string): string {
  return `#/$defs/${id}`;
}

/** The definitions of all frames, and of their unions: `ClientFrame`, `ServerFrame` and `Frame`. */
export function frameDefinitions(
  methods: readonly MethodDeclaration[],
  notifications: readonly NotificationDeclaration[],
): Record<string, Schema> {
  const frames = new Map<string, { readonly schema: Schema; readonly isClients: boolean }>();
  for (const { name, direction, alsoNotification } of methods) {
    const isClients = direction === "clientToServer";
    const params = { params: refTo(name, "Params") };
    frames.set(definitionName(name, "Request"), { schema: request(name, params), isClients });
    const result = { result: refTo(name, "Result") };
    frames.set(definitionName(name, "Response"), {
      schema: response(result),
      isClients: !isClients,
    });
    if (alsoNotification !== true) continue;
    frames.set(definitionName(name, "Notification"), { schema: notice(name, params), isClients });
  }
  for (const { name, direction } of notifications) {
    const schema = notice(name, { params: refTo(name, "Params") });
    const isClients = direction === "clientToServer";
    frames.set(definitionName(name, "Notification"), { schema, isClients });
  }
  const cancel = notice("$/cancelRequest", { params: cancelParams });
  const unionOf = (isClients: boolean, title: string) => ({
    title,
    anyOf: [
      ...[...frames].filter(([, frame]) => frame.isClients === isClients).map(([id]) => ref(id)),
      ref("CancelRequestNotification"),
      ref("ErrorResponse"),
    ],
  });
  return {
    RequestId: { title: "RequestId", type: ["string", "integer", "null"] },
    ErrorResponse: { title: "ErrorResponse", ...response({ error: errorObject }) },
    CancelRequestNotification: { title: "CancelRequestNotification", ...cancel },
    ...Object.fromEntries([...frames].map(([id, { schema }]) => [id, { title: id, ...schema }])),
    ClientFrame: unionOf(true, "ClientFrame"),
    ServerFrame: unionOf(false, "ServerFrame"),
    Frame: { title: "Frame", anyOf: [ref("ClientFrame"), ref("ServerFrame")] },
  };
}

const cancelParams: Schema = {
  type: "object",
  properties: { id: { type: ["string", "integer"] } },
  required: ["id"],
};
const errorObject: Schema = {
  type: "object",
  properties: {
    code: { type: "integer" },
    message: { type: "string" },
    data: {
      type: "object",
      properties: { name: { type: "string" }, retryable: { type: "boolean" } },
    },
  },
  required: ["code", "message"],
};

function ref(id: string): Schema {
  return { $ref: reference(id) };
}

function refTo(name: string, kind: "Params" | "Result"): Schema {
  return ref(definitionName(name, kind));
}

function frame(members: Schema, required: readonly string[]): Schema {
  return {
    type: "object",
    properties: { jsonrpc: { const: "2.0" }, ...members },
    required: ["jsonrpc", ...required],
  };
}

function request(name: string, params: Schema): Schema {
  return frame({ id: ref("RequestId"), method: { const: name }, ...params }, ["id", "method"]);
}

function notice(name: string, params: Schema): Schema {
  return frame({ method: { const: name }, ...params }, ["method"]);
}

function response(outcome: Schema): Schema {
  return frame({ id: ref("RequestId"), ...outcome }, ["id", ...Object.keys(outcome)]);
}
