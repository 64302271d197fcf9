/**
 * The whole protocol as one JSON Schema document: what `turnwire schema` prints and what
 * `docs/protocol.schema.generated.json` holds, for clients in other languages.
 */
import * as z from "zod";
import { defined } from "../base/defined.js";
import { errorTable } from "../base/errors.js";
import { clientNotifications, traceNotifications } from "../protocol/connectionNotifications.js";
import type { MethodDeclaration, NotificationDeclaration } from "../protocol/declare.js";
import { Checkpoint, ConflictReason } from "../protocol/objects/checkpoint.js";
import { ClientTool } from "../protocol/objects/clientTool.js";
import { Command } from "../protocol/objects/command.js";
import {
  Attachment,
  FinishReason,
  Message,
  Part,
  ToolCallState,
} from "../protocol/objects/message.js";
import { AgentInfo, ModelInfo, SandboxInfo, SelectedModel } from "../protocol/objects/model.js";
import { PermissionChoice } from "../protocol/objects/permissionChoice.js";
import { QueueEntry } from "../protocol/objects/queueEntry.js";
import {
  RunCause,
  RunComplete,
  RunErrorName,
  RunState,
  RunStatus,
  Usage,
} from "../protocol/objects/run.js";
import { RunOptions } from "../protocol/objects/runOptions.js";
import { Session, Todo } from "../protocol/objects/session.js";
import { ToolInfo } from "../protocol/objects/toolInfo.js";
import { PermissionMode, Workspace } from "../protocol/objects/workspace.js";
import { methods, notifications, protocolVersion, serverMethods } from "../protocol/registry.js";
import { definitionName, frameDefinitions, reference } from "./frameSchemas.js";

/** The objects that the protocol's messages share, by name. */
export const protocolObjects = {
  Workspace,
  Session,
  Todo,
  QueueEntry,
  Message,
  Part,
  ToolCallState,
  FinishReason,
  Attachment,
  Checkpoint,
  ConflictReason,
  AgentInfo,
  ModelInfo,
  SandboxInfo,
  Command,
  ToolInfo,
  ClientTool,
  SelectedModel,
  PermissionChoice,
  PermissionMode,
  RunOptions,
  RunState,
  RunStatus,
  RunCause,
  RunErrorName,
  RunComplete,
  Usage,
} as const;

/** The parts of a JSON Schema that are used here. */
export type JsonSchema = Readonly<Record<string, unknown>>;

/** The type of {@link protocolJsonSchema}'s result. */
export interface ProtocolJsonSchema extends Record<string, unknown> {
  readonly methods: Readonly<Record<string, JsonSchema>>;
  readonly notifications: Readonly<Record<string, JsonSchema>>;
  readonly streamJsonLine: JsonSchema;
  readonly $defs: Readonly<Record<string, JsonSchema>>;
}

const draft = "https://json-schema.org/draft/2020-12/schema";
const allMethods: readonly MethodDeclaration[] = [
  ...Object.values(methods),
  ...Object.values(serverMethods),
];
const allNotifications: readonly NotificationDeclaration[] = [
  ...Object.values(notifications),
  ...Object.values(clientNotifications),
  ...Object.values(traceNotifications),
];

/**
 * The protocol as a JSON Schema document (draft 2020-12): the schema of every frame. `$defs` holds
 * every shared object; for each method, such as `sendMessage`, `SendMessageParams`,
 * `SendMessageResult`, `SendMessageRequest` and `SendMessageResponse`; for each notification, such as
 * `runComplete`, `RunCompleteParams` and `RunCompleteNotification`; and the unions `ClientFrame`,
 * `ServerFrame` and `Frame`. `methods`, `notifications` and `errors` refer to them.
 * With `builtInTools`, `$defs.tools` has the schema of each one's input by its name.
 * `streamJsonLine` is a line of `turnwire run --output stream-json`. Unknown fields are allowed
 * everywhere: fields may be added to the protocol.
 */
export function protocolJsonSchema(builtInTools: readonly ToolInfo[] = []): ProtocolJsonSchema {
  return withoutAliases({
    $schema: draft,
    title: "The Turnwire protocol",
    protocolVersion,
    anyOf: [{ $ref: reference("ClientFrame") }, { $ref: reference("ServerFrame") }],
    methods: Object.fromEntries(allMethods.map((method) => [method.name, describeMethod(method)])),
    notifications: Object.fromEntries(
      allNotifications.map((notification) => [
        notification.name,
        describeNotification(notification),
      ]),
    ),
    errors: errorTable,
    streamJsonLine: streamJsonLine(),
    $defs: {
      ...definitions(),
      ...frameDefinitions(allMethods, allNotifications),
      ...defined({ tools: inputSchemas(builtInTools) }),
    },
  });
}

/** The inputs of tools by their names; undefined where none are told. */
function inputSchemas(tools: readonly ToolInfo[]): JsonSchema | undefined {
  if (tools.length === 0) return undefined;
  return Object.fromEntries(
    tools.map(({ name, description, inputSchema }) => [name, { description, ...inputSchema }]),
  );
}

/**
 * A definition that only refers to another one is left out, and what refers to it refers to the other.
 * Generators of code would make two types of them, or name one after the other.
 */
function withoutAliases(document: ProtocolJsonSchema): ProtocolJsonSchema {
  const aliases = new Map(
    Object.entries(document.$defs).flatMap(([id, { $ref }]) =>
      typeof $ref === "string" ? [[reference(id), $ref]] : [],
    ),
  );
  const target = (path: string): string => {
    const other = aliases.get(path);
    return other === undefined ? path : target(other);
  };
  const text = JSON.stringify(document, (key, value: unknown) =>
    key === "$ref" && typeof value === "string" ? target(value) : value,
  );
  const resolved: ProtocolJsonSchema = JSON.parse(text);
  const defs = Object.entries(resolved.$defs).filter(([id]) => !aliases.has(reference(id)));
  return { ...resolved, $defs: Object.fromEntries(defs) };
}

function describeMethod(method: MethodDeclaration): JsonSchema {
  return {
    summary: method.summary,
    direction: method.direction,
    alsoNotification: method.alsoNotification,
    params: { $ref: reference(definitionName(method.name, "Params")) },
    result: { $ref: reference(definitionName(method.name, "Result")) },
    errors: method.errors,
    example: method.example,
  };
}

function describeNotification(notification: NotificationDeclaration): JsonSchema {
  return {
    summary: notification.summary,
    direction: notification.direction,
    delivery: notification.delivery,
    params: { $ref: reference(definitionName(notification.name, "Params")) },
    example: notification.example,
  };
}

/** A line of `turnwire run --output stream-json` (docs/cli.md). */
function streamJsonLine(): JsonSchema {
  const line = (method: string, params: JsonSchema) => ({
    type: "object",
    properties: { method: { const: method }, params },
    required: ["method", "params"],
  });
  const refused = {
    type: "object",
    properties: {
      status: { enum: ["failed", "cancelled"] },
      cancelled: { type: "boolean" },
      text: { const: "" },
      error: { type: "string" },
      errorName: { $ref: reference("RunErrorName") },
      cause: { $ref: reference("RunCause") },
    },
    required: ["status", "cancelled", "text", "error", "errorName", "cause"],
  };
  return {
    description:
      "A line of `turnwire run --output stream-json`: an event, a completion, or the end of a run that was not accepted.",
    anyOf: [
      ...Object.values(notifications).map(({ name }) =>
        line(name, { $ref: reference(definitionName(name, "Params")) }),
      ),
      line("runRefused", refused),
    ],
  };
}

/** One registry for everything, so that an object that is used twice has one definition. */
function definitions(): Record<string, JsonSchema> {
  const registry = z.registry<{ id: string }>();
  for (const [id, object] of Object.entries(protocolObjects)) registry.add(object(), { id });
  for (const method of allMethods) {
    // If a method's result is a shared object, its definition refers to that object.
    addOrAlias(registry, method.params(), definitionName(method.name, "Params"));
    addOrAlias(registry, method.result(), definitionName(method.name, "Result"));
  }
  for (const notification of allNotifications) {
    addOrAlias(registry, notification.params(), definitionName(notification.name, "Params"));
  }
  const { schemas } = z.toJSONSchema(registry, {
    io: "input",
    uri: reference,
    override: ({ jsonSchema }) => dropNoise(jsonSchema),
  });
  return Object.fromEntries(
    Object.entries(schemas).map(([id, { $schema: _, $id: __, ...schema }]) => [
      id,
      // Generators of code name a type after its title.
      "$ref" in schema ? schema : { title: id, ...schema },
    ]),
  );
}

/** Leaves out what does not help a reader: zod's date pattern and the bounds of a double. */
function dropNoise(schema: z.core.JSONSchema.BaseSchema): void {
  if (schema.format === "date-time") delete schema.pattern;
  if (schema.minimum === Number.MIN_SAFE_INTEGER) delete schema.minimum;
  if (schema.maximum === Number.MAX_SAFE_INTEGER) delete schema.maximum;
}

function addOrAlias(registry: z.core.$ZodRegistry<{ id: string }>, schema: z.ZodType, id: string) {
  registry.add(registry.has(schema) ? z.lazy(() => schema) : schema, { id });
}
