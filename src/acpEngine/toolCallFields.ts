// What an agent tells about one of its tool calls, in the words of our messages.
import { cutText, withoutMiddle } from "../base/text.js";
import { unifiedDiff } from "../tools/edits/unifiedDiff.js";
import { type Json, object, objects, text } from "./reading.js";

/** The longest output of a call that is kept, in UTF-16 units. */
const mostOutput = 100_000;
/** The longest input of a call, as JSON. */
const mostInput = 256 * 1024;
/** Files whose texts are longer together get no diff. */
const mostDiffed = 1_000_000;
const longestTitle = 500;

/** A tool call as the agent has told it so far: each update replaces the fields that it has. */
export class ToolCallFields {
  readonly id: string;
  #fields: Json = {};
  #streamed = "";
  #exitCode: number | undefined;

  constructor(id: string) {
    this.id = id;
  }

  /** Takes `tool_call`, `tool_call_update`, or the call in a permission request. */
  take(update: Json): void {
    const told = Object.entries(update).filter(
      ([, value]) => value !== undefined && value !== null,
    );
    this.#fields = { ...this.#fields, ...Object.fromEntries(told) };
    const { terminal_output_delta: delta, terminal_exit: exit } = object(update._meta);
    const more = text(object(delta).data);
    if (more !== undefined) this.#streamed = withoutMiddle(this.#streamed + more, mostOutput);
    const code = object(exit).exit_code;
    if (typeof code === "number") this.#exitCode = code;
  }

  get kind(): string {
    return text(this.#fields.kind) ?? "other";
  }

  get title(): string {
    return cutText(text(this.#fields.title) ?? "", longestTitle);
  }

  /** The agent's own name for the tool, else the kind of the call. */
  get name(): string {
    const { toolName } = object(object(this.#fields._meta).claudeCode);
    const name = text(this.#fields.name) ?? text(toolName) ?? this.kind;
    return name.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(0, 64) || "other";
  }

  /** What the agent called the tool with; where it does not tell, the title and the places. */
  get input(): unknown {
    const { rawInput, locations } = this.#fields;
    const { title } = this;
    if (rawInput === undefined) return { title, locations: objects(locations).slice(0, 100) };
    const isLong = JSON.stringify(rawInput).length > mostInput;
    return isLong ? { title, note: "The input is too long to be kept." } : rawInput;
  }

  get raw(): Json {
    return object(this.#fields.rawInput);
  }

  /** Every path that the call names, in its places, its changes and its input. */
  get paths(): string[] {
    const { path, file_path: filePath, abs_path: absolutePath } = this.raw;
    const named = [
      ...objects(this.#fields.locations).map((one) => one.path),
      ...objects(this.#fields.content).map((one) => one.path),
      ...[path, filePath, absolutePath],
      ...Object.keys(object(this.raw.changes)),
    ];
    return [
      ...new Set(named.map(text).filter((one) => one !== undefined && one !== "")),
    ] as string[];
  }

  /** What it does, beside its title and places: as long as this is the same text, it does the same. */
  get acts(): string {
    const { command, cmd, cwd, url, path, file_path: filePath, abs_path: absolutePath } = this.raw;
    const changed = objects(this.#fields.content).flatMap((one) => text(one.path) ?? []);
    const reached = [path, filePath, absolutePath, Object.keys(object(this.raw.changes)), changed];
    return JSON.stringify([this.kind, command, cmd, cwd, url, reached]);
  }

  /** Whether it is a command of which only the title is told, which may be a description. */
  get isVague(): boolean {
    const { command, cmd } = this.raw;
    return this.kind === "execute" && command === undefined && cmd === undefined;
  }

  /** The call for a person. */
  get shown(): string {
    return this.title === "" ? this.name : `${this.name} (${this.title})`;
  }

  /** The call as it is now. */
  copy(): ToolCallFields {
    const copy = new ToolCallFields(this.id);
    copy.take(this.#fields);
    return copy;
  }

  get isError(): boolean {
    return this.#fields.status === "failed" || (this.#exitCode ?? 0) !== 0;
  }

  get status(): string {
    return text(this.#fields.status) ?? "pending";
  }

  /** The text of its result so far. */
  get output(): string {
    const parts = objects(this.#fields.content).map((one) => textOf(object(one.content)));
    const told = parts.filter((one) => one !== "").join("\n");
    if (told !== "") return withoutMiddle(told, mostOutput);
    return this.#streamed === ""
      ? withoutMiddle(rawText(this.#fields.rawOutput), mostOutput)
      : this.#streamed;
  }

  /** The changes of files, as one unified diff; undefined if there are none, or too long. */
  get diff(): string | undefined {
    const diffs = objects(this.#fields.content).flatMap(({ type, path, oldText, newText }) => {
      const after = text(newText);
      const before = text(oldText);
      if (type !== "diff" || after === undefined) return [];
      if (after.length + (before?.length ?? 0) > mostDiffed) return [];
      const made = unifiedDiff(text(path) ?? "", before, after);
      return made === undefined ? [] : [made];
    });
    return diffs.length === 0 ? undefined : diffs.join("\n");
  }
}

/** The text of a block of content; a block of another kind is named. */
export function textOf({ type, text: told, uri, resource }: Json): string {
  switch (type) {
    case "text":
      return text(told) ?? "";
    case "resource_link":
      return text(uri) ?? "";
    case "resource":
      return text(object(resource).text) ?? text(object(resource).uri) ?? "";
    case "image":
    case "audio":
      return `[${type}]`;
    default:
      return "";
  }
}

function rawText(raw: unknown): string {
  if (raw === undefined) return "";
  const { output, stdout, formatted_output: formatted } = object(raw);
  return (
    text(raw) ??
    text(formatted) ??
    text(output) ??
    text(stdout) ??
    JSON.stringify(raw).slice(0, mostOutput)
  );
}
