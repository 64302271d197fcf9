// What an agent asks leave for, in the words of our permission rules. A rule for `bash`, `edit`, `read`
// and so on holds for every engine's tools of that kind.
import { defined } from "../base/defined.js";
import { cutText } from "../base/text.js";
import type { PermissionNeed, ShellLanguage } from "../permissions/types.js";
import { findShell, shellLanguage } from "../process/shellArguments.js";
import { reachPath } from "../tools/files/paths.js";
import { type Json, text } from "./reading.js";
import type { ToolCallFields } from "./toolCallFields.js";

const longestDescription = 500;
const longestPlan = 50_000;
/** The tool of the built-in engine that asks the same. */
const exitPlan = "exitPlan";
/** A call that names more paths is asked about by its title alone. */
const mostPaths = 50;

/** The kinds of call that reach files, and the tools of ours whose rules hold for them. */
const pathTools: Readonly<Record<string, { readonly tools: string[]; readonly action: string }>> = {
  edit: { tools: ["edit", "write"], action: "write" },
  delete: { tools: ["write", "edit"], action: "write" },
  move: { tools: ["write", "edit"], action: "write" },
  read: { tools: ["read"], action: "read" },
  search: { tools: ["grep", "glob"], action: "read" },
};

/** Where a call is made. */
export interface NeedsWhere {
  readonly workspacePath: string;
  readonly searchPath: string | undefined;
  /** Whether the permission mode is `plan` now. */
  isPlan(): boolean;
}

/**
 * The needs of a call. All of them must be allowed; only the first that is not `denyOnly` is put as a
 * question, and one for each further path.
 */
export async function permissionNeeds(
  call: ToolCallFields,
  where: NeedsWhere,
): Promise<PermissionNeed[]> {
  const { id: toolCallId, input, kind } = call;
  const description = cutText(call.title || `Use ${call.name}`, longestDescription);
  const head = { toolCallId, description, input };
  if (kind === "switch_mode" && where.isPlan()) return [leaveOfPlan(call, head)];
  const command = commandOf(call);
  const ofCommand = command === undefined ? [] : [await needOfCommand(call, head, command, where)];
  if (kind === "execute" && command !== undefined) return ofCommand;
  if (kind === "execute" && call.raw.command === undefined && call.title !== "") {
    // Some agents tell the command in the title alone. Where it is a description, a rule that allows a
    // command must not match it; but one that denies it counts.
    const need = await needOfCommand(call, head, { line: call.title }, where);
    return [
      { ...need, denyOnly: true },
      { ...need, tool: call.name },
    ];
  }
  // An agent may call a command that only reads, by its own judgement, a read or a search.
  return [...(await needsOfKind(call, head, where.workspacePath)), ...ofCommand];
}

/** The needs of a call by its kind alone. */
async function needsOfKind(
  call: ToolCallFields,
  head: Head,
  workspacePath: string,
): Promise<PermissionNeed[]> {
  const { kind, paths } = call;
  const url = text(call.raw.url);
  if (kind === "fetch" && url !== undefined) {
    return [{ ...head, tool: "fetch", action: "fetch", subject: { kind: "url", value: url } }];
  }
  const ofPaths = pathTools[kind];
  if (ofPaths !== undefined && paths.length > 0 && paths.length <= mostPaths) {
    return needsOfPaths(call, head, ofPaths, paths, workspacePath);
  }
  return unknownNeeds(call, head, ofPaths);
}

async function needOfCommand(
  call: ToolCallFields,
  head: Head,
  { line, language }: AgentCommand,
  { workspacePath, searchPath }: NeedsWhere,
): Promise<PermissionNeed> {
  const { real } = await reachPath(workspacePath, text(call.raw.cwd) ?? ".");
  const own = language ?? shellLanguage(await findShell(searchPath));
  return {
    ...head,
    tool: "bash",
    action: "execute",
    // The whole of it is seen: the end of a line decides as much as its beginning.
    description: `Run: ${line}`,
    subject: { kind: "command", value: line },
    cwd: real,
    shell: { language: own, workspacePath },
  };
}

type Head = Pick<PermissionNeed, "toolCallId" | "description" | "input">;

async function needsOfPaths(
  call: ToolCallFields,
  head: Head,
  { tools, action }: { readonly tools: readonly string[]; readonly action: string },
  paths: readonly string[],
  workspacePath: string,
): Promise<PermissionNeed[]> {
  const needs: PermissionNeed[] = [];
  for (const [at, path] of paths.entries()) {
    const { real, shown } = await reachPath(workspacePath, path);
    const [first = "", ...others] = tools;
    const need = {
      ...head,
      action,
      subject: { kind: "path", value: shown },
      path: real,
      ...defined({ diff: at === 0 ? call.diff : undefined }),
    } as const;
    needs.push(...others.map((tool) => ({ ...need, tool, denyOnly: true as const })));
    needs.push({ ...need, tool: first });
  }
  return needs;
}

/** An agent that asks to leave its own mode for plans: the user is asked, as for `exitPlan`. */
function leaveOfPlan(call: ToolCallFields, head: Head): PermissionNeed {
  return {
    ...head,
    tool: exitPlan,
    action: "leavePlan",
    description: cutText(text(call.raw.plan) || head.description, longestPlan),
    subject: { kind: "tool", value: exitPlan },
  };
}

/** A call that does not tell what it reaches: it is asked about by its name. */
function unknownNeeds(
  call: ToolCallFields,
  head: Head,
  ofPaths: { readonly tools: readonly string[] } | undefined,
): PermissionNeed[] {
  const { kind, name } = call;
  const related = kind === "execute" ? ["bash"] : kind === "fetch" ? ["fetch"] : ofPaths?.tools;
  const subject = { kind: "tool", value: name } as const;
  const rest = { ...head, action: "execute", subject };
  return [
    ...(related ?? []).map((tool) => ({ ...rest, tool, denyOnly: true as const })),
    { ...rest, tool: name },
  ];
}

/** A command line of an agent. */
interface AgentCommand {
  readonly line: string;
  /** The language of the shell that the agent names; undefined if it names none. */
  readonly language?: ShellLanguage;
}

/** Words of editing tools, which have a path beside them, and run nothing. */
const editingWords =
  /^(?:view|read|create|write|insert|append|str_replace|replace|edit|undo_edit|delete|rename)$/;
/** A shell of the system: any other program of such a name may be of the workspace. */
const systemShell = /^(?:\/(?:usr\/(?:local\/)?)?bin\/)?(sh|bash|zsh|dash)$/;

/** The command of a call; agents send a text, or a list for a shell. */
function commandOf({ raw }: ToolCallFields): AgentCommand | undefined {
  const { command, cmd } = raw;
  const given = command ?? cmd;
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given)) return commandOfText(given, raw);
  const words = given.filter((one) => typeof one === "string");
  if (words.length !== given.length || words.length === 0) return undefined;
  const [program = "", flag = "", line = ""] = words;
  const shell = systemShell.exec(program)?.[1];
  if (shell === undefined || words.length !== 3 || !/^-l?c$/.test(flag)) {
    return { line: words.map(quoted).join(" ") };
  }
  return { line, language: shell === "bash" ? "bash" : "posix" };
}

function commandOfText(given: unknown, { path }: Json): AgentCommand | undefined {
  const line = text(given);
  const isEditing = text(path) !== undefined && editingWords.test(line ?? "");
  return line === undefined || isEditing ? undefined : { line };
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_./:@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
