// What changes during a session: the day, the state of git, `AGENTS.md`. The model is told together
// with the user's messages, and these texts stay in the history. So every earlier message is sent
// again with the same bytes (protocol.md section 4, What a model is told).
import { defined } from "../base/defined.js";
import type { Circumstances, HistoryMessage, SessionBegin } from "./engine.js";
import type { GitState } from "./gitState.js";

/** The present state at the beginning of a turn. */
export interface PresentState {
  /** The day, as YYYY-MM-DD. */
  readonly date: string;
  readonly git?: GitState | undefined;
  /** The workspace's `AGENTS.md`. */
  readonly agentsMd?: string | undefined;
  /** The user's own `AGENTS.md`. */
  readonly userAgentsMd?: string | undefined;
  /** The skills that the model may read, one a line. */
  readonly skills?: string | undefined;
  /** Whether a rule forbids the model to see `AGENTS.md`, also its earlier versions. */
  readonly isAgentsMdDenied: boolean;
}

/** What the model is told at the beginning of a turn. */
export interface ToldState {
  /** The state for the system prompt. */
  readonly begin: SessionBegin;
  /** The circumstances for the turn's prompt. */
  readonly circumstances: Circumstances;
  /** The session's messages, as the model may see them. */
  readonly history: readonly HistoryMessage[];
}

const mostChanges = 40;

/**
 * What is told about the present state in a session with this history. The system prompt stays the
 * same as at the history's first message, even if the state has changed. A history that begins
 * again, after a summary, gets a new one.
 */
export function tellState(history: readonly HistoryMessage[], now: PresentState): ToldState {
  const seen = now.isAgentsMdDenied ? history.map(withoutAgentsMd) : history;
  const agentsMd = now.isAgentsMdDenied ? "" : (now.agentsMd?.trim() ?? "");
  const begun = seen.find(({ circumstances }) => circumstances?.begin)?.circumstances?.begin;
  const userAgentsMd = now.userAgentsMd?.trim() ?? "";
  const skills = now.skills ?? "";
  const begin = begun ?? {
    date: now.date,
    agentsMd,
    ...defined({ userAgentsMd: userAgentsMd || undefined, skills: skills || undefined }),
  };
  const surroundings = surroundingsOf(now, begin);
  const changed = (present: string, tells: (told: Circumstances) => string | undefined) =>
    begun === undefined || (toldLast(seen, tells) ?? "") === present ? undefined : present;
  const circumstances = defined({
    begin: begun === undefined ? begin : undefined,
    surroundings: surroundings === "" ? undefined : surroundings,
    newAgentsMd: changed(agentsMd, (told) => told.newAgentsMd ?? told.begin?.agentsMd),
    newUserAgentsMd: changed(
      userAgentsMd,
      (told) => told.newUserAgentsMd ?? told.begin?.userAgentsMd,
    ),
    newSkills: changed(skills, (told) => told.newSkills ?? told.begin?.skills),
  });
  return { begin, circumstances, history: seen };
}

/** What a history says last of something. */
function toldLast(
  history: readonly HistoryMessage[],
  tells: (told: Circumstances) => string | undefined,
): string | undefined {
  for (let index = history.length - 1; index >= 0; index--) {
    const circumstances = history[index]?.circumstances;
    const told = circumstances && tells(circumstances);
    if (told !== undefined) return told;
  }
  return undefined;
}

function withoutAgentsMd(message: HistoryMessage): HistoryMessage {
  if (message.circumstances === undefined) return message;
  const { newAgentsMd: _, begin, ...rest } = message.circumstances;
  const shown = begin && { ...begin, agentsMd: "" };
  return { ...message, circumstances: { ...rest, ...defined({ begin: shown }) } };
}

function surroundingsOf({ date, git }: PresentState, begin: SessionBegin): string {
  return [
    ...(date === begin.date ? [] : [`Date: ${date}`]),
    ...(git === undefined ? [] : [gitSection(git)]),
  ].join("\n\n");
}

function gitSection({
  branch,
  changes,
  undecided,
  hasSubmodules,
  recentCommits,
}: GitState): string {
  const isClean = changes?.length === 0 && undecided === undefined;
  const note = hasSubmodules === true ? " (What is inside submodules was not looked at.)" : "";
  return [
    "# Git, when the turn began",
    branch === undefined ? "No branch is checked out." : `Branch: ${branch}`,
    ...(isClean ? [`The working tree is clean.${note}`] : []),
    ...listed("Changed files:", changes ?? []),
    ...listed("Files that a filter of git may show as changed or not:", undecided ?? []),
    ...(recentCommits.length > 0
      ? ["Recent commits:", ...recentCommits.map((line) => `  ${line}`)]
      : []),
  ].join("\n");
}

function listed(heading: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const hidden = lines.length - mostChanges;
  return [
    heading,
    ...lines.slice(0, mostChanges).map((line) => `  ${line}`),
    ...(hidden > 0 ? [`  and ${hidden} more`] : []),
  ];
}
