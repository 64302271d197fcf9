// What an agent asks leave for, in the words of our permission rules. A rule for `bash`, `edit`, `read`
// and so on holds for every engine's tools of that kind.
import { defined } from "../base/defined.js";
import { cutText } from "../base/text.js";
import type { PermissionNeed } from "../permissions/types.js";
import { findShell, shellLanguage } from "../process/shellArguments.js";
import { reachPath } from "../tools/files/paths.js";
import { text } from "./reading.js";
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
  if (kind === "execute" && command !== undefined) {
    const language = shellLanguage(await findShell(where.searchPath));
    const { real } = await reachPath(where.workspacePath, text(call.raw.cwd) ?? ".");
    return [
      {
        ...head,
        tool: "bash",
        action: "execute",
        description: cutText(`Run: ${command}`, longestDescription),
        subject: { kind: "command", value: command },
        cwd: real,
        shell: { language, workspacePath: where.workspacePath },
      },
    ];
  }
  const url = text(call.raw.url);
  if (kind === "fetch" && url !== undefined) {
    return [{ ...head, tool: "fetch", action: "fetch", subject: { kind: "url", value: url } }];
  }
  const ofPaths = pathTools[kind];
  const { paths } = call;
  if (ofPaths !== undefined && paths.length > 0 && paths.length <= mostPaths) {
    return needsOfPaths(call, head, ofPaths, paths, where.workspacePath);
  }
  return unknownNeeds(call, head, ofPaths);
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

/** The command line of a call; agents send a text, or a list for a shell. */
function commandOf({ raw }: ToolCallFields): string | undefined {
  const { command, cmd } = raw;
  const given = command ?? cmd;
  if (!Array.isArray(given)) return text(given);
  const words = given.filter((one) => typeof one === "string");
  if (words.length !== given.length || words.length === 0) return undefined;
  const [shell = "", flag = "", line] = words;
  const isShell = ["sh", "bash", "zsh", "dash"].includes(shell.split("/").at(-1) ?? "");
  if (isShell && words.length === 3 && /^-l?c$/.test(flag)) return line;
  return words.map(quoted).join(" ");
}

/** A word as a shell reads it back. */
function quoted(word: string): string {
  return /^[A-Za-z0-9_./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
