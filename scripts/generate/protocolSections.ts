// The generated regions of protocol.md: tables and a reference made from src/protocol.
import { errorTable } from "../../src/base/errors.js";
import { runErrorTable } from "../../src/base/runErrors.js";
import { definitionName } from "../../src/cli/frameSchemas.js";
import { type JsonSchema, protocolJsonSchema, protocolObjects } from "../../src/cli/schema.js";
import { requirements } from "../../src/conformance/requirements.js";
import {
  clientNotifications,
  traceNotifications,
} from "../../src/protocol/connectionNotifications.js";
import type { MethodDeclaration, NotificationDeclaration } from "../../src/protocol/declare.js";
import { methods, notifications, serverMethods } from "../../src/protocol/registry.js";
import { fieldTable, optionsOf, typeText } from "./schemaText.js";

const document = protocolJsonSchema();
const { $defs: definitions } = document;
const allMethods: readonly MethodDeclaration[] = [
  ...Object.values(methods),
  ...Object.values(serverMethods),
];
const allNotifications: readonly NotificationDeclaration[] = [
  ...Object.values(notifications),
  ...Object.values(clientNotifications),
  ...Object.values(traceNotifications),
];

/** The text of one generated region of protocol.md. Throws for a name that it does not know. */
export function protocolRegion(name: string): string {
  const section = /^methods of section (\d+)$/.exec(name)?.[1];
  if (section !== undefined) return methodList(Number(section));
  const region = regions[name];
  if (region === undefined) throw new Error(`protocol.md has an unknown region: ${name}`);
  return region();
}

const regions: Readonly<Record<string, () => string>> = {
  methods: () => allMethods.map(describeMethod).join("\n\n"),
  notifications: () => allNotifications.map(describeNotification).join("\n\n"),
  events: eventList,
  objects: () => Object.keys(protocolObjects).map(describeObject).join("\n\n"),
  errors: errorList,
  "run errors": runErrorList,
  requirements: requirementList,
};

function methodList(section: number): string {
  const rows = [
    ...allMethods.filter((method) => method.section === section),
    ...allNotifications.filter(
      (notification) =>
        notification.section === section && notification.direction === "clientToServer",
    ),
  ].map(
    ({ name, summary, ...rest }) =>
      `| [\`${name}\`](#${anchorOf(name)}) | ${"result" in rest ? "request" : "notification"} | ${summary} |`,
  );
  if (rows.length === 0) throw new Error(`no method belongs to section ${section}`);
  return ["| method | kind | what it does |", "| --- | --- | --- |", ...rows].join("\n");
}

function eventList(): string {
  const rows = Object.values(notifications)
    .filter((notification) => notification.delivery === "lossy")
    .map(({ name, summary }) => `| [\`${name}\`](#${anchorOf(name)}) | ${summary} |`);
  return ["| event | what it says |", "| --- | --- |", ...rows].join("\n");
}

/** The anchor of a declaration's heading, as Markdown has it. */
function anchorOf(name: string): string {
  return name.toLowerCase().replace("$/", "");
}

function describeMethod(method: MethodDeclaration): string {
  const sender =
    method.direction === "serverToClient" ? "Sent by the server; the client answers." : "";
  const form = method.alsoNotification ? "May be sent as a notification too." : "";
  return [
    `### ${method.name}`,
    [method.summary, sender, form].filter((text) => text !== "").join(" "),
    `Params:\n\n${shape(paramsOf(method.name))}`,
    `Result:\n\n${shape(resultOf(method.name))}`,
    errorsOf(method),
    fence([
      { jsonrpc: "2.0", id: 1, method: method.name, params: method.example.params },
      { jsonrpc: "2.0", id: 1, result: method.example.result },
    ]),
  ]
    .filter((text) => text !== "")
    .join("\n\n");
}

function errorsOf(method: MethodDeclaration): string {
  if (method.errors.length === 0) return "";
  return `Errors: ${method.errors.map((name) => `\`${name}\` (${errorTable[name].code})`).join(", ")}.`;
}

function describeNotification(notification: NotificationDeclaration): string {
  const sender = notification.direction === "clientToServer" ? "the client" : "the server";
  const delivery =
    notification.delivery === "durable"
      ? "delivered at least once"
      : notification.direction === "serverToClient"
        ? "may be lost"
        : "a notification";
  return [
    `### ${notification.name}`,
    `${notification.summary} Sent by ${sender}; ${delivery}.`,
    `Params:\n\n${shape(paramsOf(notification.name))}`,
    fence([{ jsonrpc: "2.0", method: notification.name, params: notification.example }]),
  ].join("\n\n");
}

function describeObject(name: string): string {
  const schema = definition(name);
  const description = typeof schema.description === "string" ? schema.description : "";
  // Told apart by its heading from a notification of the same name.
  return [`### ${name} (object)`, description, shape(schema)]
    .filter((text) => text !== "")
    .join("\n\n");
}

/** A whole schema: another object's name, one table, or a table for each member of a union. */
function shape(schema: JsonSchema): string {
  if (typeof schema.$ref === "string") return `${typeText(schema)}.`;
  const options = optionsOf(schema);
  if (options !== undefined) {
    return options
      .map((option) => (option.type === "object" ? fieldTable(option) : `${typeText(option)}.`))
      .join("\n\nor\n\n");
  }
  return schema.type === "object" ? fieldTable(schema) : typeText(schema);
}

function errorList(): string {
  const rows = Object.entries(errorTable).map(
    ([name, { code, retryable, summary }]) =>
      `| ${code} | \`${name}\` | ${retryable ? "yes" : "no"} | ${summary} |`,
  );
  return ["| code | name | retryable | meaning |", "| --- | --- | --- | --- |", ...rows].join("\n");
}

function runErrorList(): string {
  const rows = Object.entries(runErrorTable).map(
    ([name, meaning]) => `| \`${name}\` | ${meaning} |`,
  );
  return ["| `errorName` | meaning |", "| --- | --- |", ...rows].join("\n");
}

function paramsOf(name: string): JsonSchema {
  const described = document.methods[name] ?? document.notifications[name];
  return definitions[definitionName(name, "Params")] ?? (described?.params as JsonSchema);
}

/** A shared object is shown as a link to it. */
function resultOf(name: string): JsonSchema {
  return (
    definitions[definitionName(name, "Result")] ?? (document.methods[name]?.result as JsonSchema)
  );
}

function definition(name: string): JsonSchema {
  const schema = definitions[name];
  if (schema === undefined) throw new Error(`the protocol's JSON Schema does not define ${name}`);
  return schema;
}

function fence(messages: readonly object[]): string {
  return ["```json", ...messages.map((message) => JSON.stringify(message)), "```"].join("\n");
}

function requirementList(): string {
  const rows = requirements.map(
    ({ id, section, level, group, sentence }) =>
      `| \`${id}\` | ${section} | ${level} | ${group} | ${sentence.replaceAll("|", "\\|")} |`,
  );
  const head = ["| id | section | level | group | sentence |", "| --- | --- | --- | --- | --- |"];
  return [...head, ...rows].join("\n");
}
