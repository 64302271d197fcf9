// A row of the table of shell lines: what a line is, under which rules, and what is to come of it.
import { systemClock } from "../../../src/base/clock.js";
import { silentLog } from "../../../src/base/log.js";
import {
  createPermissionGate,
  OpenQuestions,
  SessionGrants,
} from "../../../src/permissions/index.js";
import type { ShellLanguage } from "../../../src/permissions/shell/shellLine.js";
import type { PermissionMode } from "../../../src/protocol/objects/workspace.js";

export type Verdict = "allow" | "ask" | "deny";

export interface Circumstances {
  readonly allow?: readonly string[];
  readonly deny?: readonly string[];
  readonly mode?: PermissionMode;
  readonly language?: ShellLanguage;
  /** Below the workspace. */
  readonly folder?: string;
}

export interface Row extends Circumstances {
  readonly line: string;
  readonly verdict: Verdict;
}

/** Rows that share rules: each line with its verdict. */
export function rows(shared: Circumstances, lines: Readonly<Record<Verdict, readonly string[]>>) {
  return (["allow", "ask", "deny"] as const).flatMap((verdict) =>
    lines[verdict].map((line): Row => ({ ...shared, line, verdict })),
  );
}

/** What the gate does with a line: whether it asks is told by asking. */
export async function verdictOn(
  row: Omit<Row, "verdict">,
  workspacePath: string,
): Promise<Verdict> {
  const { line, allow = [], deny = [], mode = "ask", language = "bash", folder } = row;
  let hasAsked = false;
  const gate = createPermissionGate({
    mode: () => mode,
    rules: () => ({ allow: [...allow], deny: [...deny] }),
    sessionGrants: new SessionGrants(),
    openQuestions: new OpenQuestions(systemClock),
    ask: async () => {
      hasAsked = true;
      return undefined;
    },
    log: silentLog,
  });
  const need = {
    toolCallId: "call_1",
    tool: "bash",
    action: "execute",
    description: "runs",
    input: {},
    subject: { kind: "command" as const, value: line },
    cwd: folder === undefined ? workspacePath : `${workspacePath}/${folder}`,
    shell: { language, workspacePath },
  };
  const { allowed } = await gate.check(need, new AbortController().signal);
  if (hasAsked) return "ask";
  return allowed ? "allow" : "deny";
}
