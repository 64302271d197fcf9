// How a tool call looks in an editor: its kind, a title for a person, and the files that it is about.
import { isAbsolute, resolve } from "node:path";
import type { ToolCallLocation, ToolCallStatus, ToolKind } from "@agentclientprotocol/sdk";
import type { ToolCallState } from "../protocol/objects/message.js";

const kinds: Readonly<Record<string, ToolKind>> = {
  read: "read",
  ls: "read",
  skill: "read",
  jobOutput: "read",
  glob: "search",
  grep: "search",
  bash: "execute",
  jobKill: "execute",
  write: "edit",
  edit: "edit",
  fetch: "fetch",
  todos: "think",
  task: "think",
  exitPlan: "switch_mode",
};

const statuses: Readonly<Record<ToolCallState, ToolCallStatus>> = {
  streaming: "pending",
  pending: "pending",
  running: "in_progress",
  completed: "completed",
  failed: "failed",
  denied: "failed",
  cancelled: "failed",
};

/** The longest title, in UTF-16 units. */
const longestTitle = 200;

/** The members of an input that say what the call is about, in the order in which they are looked for. */
const subjects = ["command", "path", "url", "pattern", "description", "prompt", "name", "id"];

/** The kind of a tool, of which an editor makes an icon. */
export function kindOf(tool: string): ToolKind {
  return kinds[tool] ?? "other";
}

/** How far a call has come. */
export function statusOf(state: ToolCallState): ToolCallStatus {
  return statuses[state];
}

/** One line for a person: the tool and what it is about. */
export function titleOf(tool: string, input: unknown): string {
  const subject = subjectOf(input);
  if (subject === undefined) return tool;
  const line = firstLine(subject);
  const title = tool === "bash" ? line : `${tool} ${line}`;
  return title.length > longestTitle ? `${title.slice(0, longestTitle - 1)}…` : title;
}

/** The file or folder that the input names, as an absolute path. */
export function locationsOf(cwd: string, input: unknown): ToolCallLocation[] {
  const path = isRecord(input) ? input.path : undefined;
  if (typeof path !== "string" || path === "" || path.includes("\0")) return [];
  return [{ path: isAbsolute(path) ? path : resolve(cwd, path) }];
}

function subjectOf(input: unknown): string | undefined {
  if (!isRecord(input)) return undefined;
  for (const name of subjects) {
    const value = input[name];
    if (typeof value === "string" && value.trim() !== "") return value;
  }
  return undefined;
}

function firstLine(text: string): string {
  const trimmed = text.trim();
  const end = trimmed.search(/[\r\n]/);
  return end < 0 ? trimmed : `${trimmed.slice(0, end)} …`;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
