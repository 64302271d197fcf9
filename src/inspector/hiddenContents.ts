/**
 * Leaves the contents of messages out, and keeps what their shape tells: methods, ids, kinds, states,
 * numbers (docs/inspecting.md). Whatever is not known to be harmless is left out.
 */

/** Members whose values name a thing, and say nothing that somebody has written. */
const plainNames = new Set([
  "jsonrpc",
  "method",
  "id",
  "type",
  "kind",
  "status",
  "state",
  "role",
  "cause",
  "errorName",
  "name",
  "toolName",
  "tool",
  "mode",
  "permissionMode",
  "decision",
  "phase",
  "activity",
  "stopReason",
  "finishReason",
  "model",
  "provider",
  "version",
  "sessionUpdate",
]);

/** Members that hold what a tool, a model or a person has made, whatever its form. */
const opaqueNames = new Set([
  "input",
  "output",
  "arguments",
  "args",
  "rawInput",
  "rawOutput",
  "structured",
  "value",
  "values",
  "data",
  "env",
  "environment",
  "headers",
  "metadata",
  "_meta",
  "changes",
  "contents",
  "todos",
  "entries",
]);

/** A name, not a sentence: nothing longer, and no blank. */
const likeName = /^[\w.:/$@+-]{1,80}$/;
/** The name of a member. A map may have anything as its keys, such as paths. */
const likeMember = /^[\w$-]{1,60}$/;
const isoTime = /^\d{4}-\d\d-\d\dT[\d:.]{5,20}Z?$/;
const deepest = 200;

/** A message without what was written in it. */
export function hideContents(value: unknown, name = "", depth = 0): unknown {
  if (typeof value === "string") return isPlain(name, value) ? value : hiddenText(value);
  if (typeof value !== "object" || value === null) return value;
  if (opaqueNames.has(name) || depth >= deepest) return "[hidden]";
  if (Array.isArray(value))
    return value.map((item: unknown) => hideContents(item, name, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      likeMember.test(key) ? key : "[hidden]",
      hideContents(member, key, depth + 1),
    ]),
  );
}

/** A name as it is shown: whoever gives a thing its name may have written anything. */
export function shownName(name: string, isHidden: boolean): string {
  return isHidden && !likeName.test(name) ? hiddenText(name) : name;
}

/** What stands for a hidden text. */
export function hiddenText(text: string): string {
  return text === "" ? "" : `[hidden: ${text.length} characters]`;
}

function isPlain(name: string, value: string): boolean {
  if (isoTime.test(value)) return true;
  const isNamed = plainNames.has(name) || /(?:Id|At|Ids)$/.test(name);
  return isNamed && likeName.test(value);
}
