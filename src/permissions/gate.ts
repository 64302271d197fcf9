// Decides whether a tool may act: by rules, by the grants of the session, by the mode, and
// otherwise by a question (protocol.md section 7).

import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { PermissionRules } from "../config/types.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import type { PermissionAnswer, ToolQuestion } from "../protocol/registry.js";
import type { AlwaysAllowed } from "./alwaysAllowed.js";
import { findDenial, rulesAllow, rulesName } from "./decide.js";
import type { Denial } from "./denyRules.js";
import { changesGrantingFile, type GrantingPaths } from "./grantingFile.js";
import { hiddenBy } from "./matchRule.js";
import { isWithin, type Narrowing } from "./narrowing.js";
import { type AskedAnew, NeedAgain } from "./needAgain.js";
import type { OpenQuestions } from "./openQuestions.js";
import { questionAbout, reads } from "./question.js";
import { choicesFor, isStored, leavesSandbox, remember } from "./remembering.js";
import type { SessionGrants } from "./sessionGrants.js";
import type { PermissionNeed, Permissions, PermissionVerdict } from "./types.js";

export interface PermissionGateOptions {
  /** The mode as it is now. */
  readonly mode: () => PermissionMode;
  /**
   * Gives the rules as they are now. Called at every check, and again when a question is answered.
   * If it fails, nothing is allowed.
   */
  readonly rules: () => PermissionRules | Promise<PermissionRules>;
  /** The grants of the session; the gate adds to them. */
  readonly sessionGrants: SessionGrants;
  /**
   * Puts the question to the client. It resolves with undefined if nobody answers. When the signal
   * is aborted, it withdraws the question and rejects at once with the signal's reason. Every other
   * rejection counts as a denial. Before the question is put to somebody later, `anew` works it out
   * again.
   */
  readonly ask: (
    question: ToolQuestion,
    signal: AbortSignal,
    anew: AskedAnew,
  ) => Promise<PermissionAnswer | undefined>;
  /** What the user has allowed for good; nothing can be unless given. */
  readonly always?: AlwaysAllowed;
  /** The open questions of the workspace, so that one answer can decide others. */
  readonly openQuestions: OpenQuestions;
  readonly log: Log;
  /** What bounds the run beside the rules; nothing unless given. */
  readonly narrowing?: Narrowing;
  /** The user's home, for patterns that begin with `~/`. */
  readonly home?: string;
  /** The workspace's real path, for patterns that lead through a link in it. */
  readonly workspacePath?: string;
  /** The files outside the workspace that grant permissions. */
  readonly granting?: GrantingPaths;
}

const noPaths: GrantingPaths = { files: [], folders: [] };
const allowed: PermissionVerdict = { allowed: true };

/** The permissions of one session. Any number of questions may be open at once. */
export function createPermissionGate(options: PermissionGateOptions): Required<Permissions> {
  return {
    async hides(tools) {
      const rules = await currentRules(options);
      // Rules that cannot be read might deny this.
      return "allowed" in rules ? () => true : hiddenBy(rules.deny, tools, options);
    },
    async check(need, signal, asks) {
      signal.throwIfAborted();
      const rules = await currentRules(options);
      signal.throwIfAborted();
      if ("allowed" in rules) return rules;
      const decided = decide(options, rules, need);
      if (decided !== undefined) return decided;
      if (!leavesSandbox(need) && need.ofUser?.take() === true) return allowed;
      asks?.();
      const again = new NeedAgain(need, (now) => outcomeNow(options, now));
      const asked = await askWhileOpen(options, need, signal, again);
      signal.throwIfAborted();
      if ("verdict" in asked) return asked.verdict;
      if (again.settled !== undefined) return again.settled();
      // A deny rule may have been added while the question was open.
      const rulesNow = await currentRules(options);
      signal.throwIfAborted();
      if ("allowed" in rulesNow) return rulesNow;
      const verdict = apply(options, rulesNow, need, asked.answer);
      if (verdict.allowed) await remember(options, need, asked.answer);
      signal.throwIfAborted();
      decideOthers(options, need, asked.answer, verdict);
      return verdict;
    },
  };
}

/** What a need comes to now: the verdict, or the question if somebody has to be asked. */
async function outcomeNow(
  options: PermissionGateOptions,
  need: PermissionNeed,
): Promise<PermissionVerdict | ToolQuestion> {
  const rules = await currentRules(options);
  const verdict = "allowed" in rules ? rules : decide(options, rules, need);
  return verdict ?? questionAbout(need, choicesFor(options, need));
}

/** The rules as they are now. If they cannot be read, the refusal: one of them might deny this. */
async function currentRules(
  options: PermissionGateOptions,
): Promise<PermissionRules | PermissionVerdict> {
  try {
    const { allow, deny } = await options.rules();
    return { allow, deny: [...deny, ...(options.narrowing?.deny ?? [])] };
  } catch (error) {
    return refuse(`Permission is denied: the rules cannot be read (${messageOf(error)}).`);
  }
}

/** The verdict, if nobody needs to be asked. */
function decide(
  options: PermissionGateOptions,
  rules: PermissionRules,
  need: PermissionNeed,
): PermissionVerdict | undefined {
  const denial = findDenial(rules, need, options);
  if (denial !== undefined && denial.doubt === undefined) return refuseBy(denial);
  if (need.denyOnly !== true && !isWithin(options.narrowing ?? {}, need, options)) {
    return refuse(
      "Permission is denied: the rules that this run was given allow other things only.",
    );
  }
  if (need.denyOnly !== true && need.action === "leavePlan") return undefined;
  const mode = options.mode();
  if (need.denyOnly !== true && mode === "plan" && !reads(need.action)) {
    return refuse(
      "Permission is denied: the permission mode is `plan`, in which nothing is changed.",
    );
  }
  if (denial !== undefined) return inDoubt(options, need);
  if (need.denyOnly === true) return allowed;
  if (need.ruleOnly === true) {
    const isNamed = rulesName(rules, need, options);
    return isNamed ? allowed : refuse(`No allow rule names ${need.subject.value}.`);
  }
  if (need.sandbox === "leaves") return leaveSandbox(mode);
  const isGranting = changesGrantingFile(need, options.granting ?? noPaths);
  const allows = isGranting ? rulesName : rulesAllow;
  if (allows(rules, need, options) || isFree(need)) return allowed;
  if (mode === "acceptEdits" && isEdit(need) && !isGranting) return allowed;
  if (mode === "allow" || options.sessionGrants.has(need)) return allowed;
  if (!isGranting && isStored(options, need)) return allowed;
  if (need.asksNothing === true && (mode !== "deny" || need.action === "read")) return allowed;
  if (mode === "deny") {
    return refuse("Permission is denied: the permission mode allows only what rules allow.");
  }
  // The command can change only the workspace. The sandbox ensures that, so no question is needed.
  if (need.sandbox === "workspace-write") return allowed;
  return undefined;
}

/** Leaving the sandbox needs a question each time: earlier grants were meant for inside it. */
function leaveSandbox(mode: PermissionMode): PermissionVerdict | undefined {
  if (mode === "allow") return allowed;
  if (mode === "deny") return refuse("Permission is denied: nothing leaves the sandbox.");
  return undefined;
}

/**
 * If a deny rule may match, a broad allow rule or mode is not enough. A person is asked, unless
 * exactly this line was allowed for the session.
 */
function inDoubt(
  options: PermissionGateOptions,
  need: PermissionNeed,
): PermissionVerdict | undefined {
  if (need.sandbox !== "leaves" && options.sessionGrants.has(need)) return allowed;
  if (options.mode() === "deny") return refuse("Permission is denied: a deny rule may match it.");
  return undefined;
}

function refuseBy({ rule }: Denial): PermissionVerdict {
  return refuse(`Permission is denied by the rule "${rule.source}".`);
}

/** Reading inside the workspace needs no permission. */
function isFree(need: PermissionNeed): boolean {
  return need.action === "read" && isInWorkspace(need);
}

/** Writing a file inside the workspace: what the mode `acceptEdits` asks nothing for. */
function isEdit(need: PermissionNeed): boolean {
  return need.action === "write" && isInWorkspace(need);
}

/** Paths in the workspace are relative. */
function isInWorkspace({ subject }: PermissionNeed): boolean {
  return subject.kind === "path" && !/^(?:\/|[A-Za-z]:)/.test(subject.value);
}

/** Asks, unless the question is decided without its answer. Rejects only with the signal's reason. */
function askWhileOpen(
  options: PermissionGateOptions,
  need: PermissionNeed,
  signal: AbortSignal,
  again: NeedAgain,
) {
  const { openQuestions, sessionGrants: session } = options;
  const decideNow = async () => {
    const rules = await currentRules(options);
    // A file that cannot be read just now decides nothing.
    return "allowed" in rules ? undefined : decide(options, rules, need);
  };
  return openQuestions.ask({ need, session, decide: decideNow }, signal, (asking) =>
    ask(options, need, asking, () => again.question(asking)),
  );
}

/** One answer may be the answer to other open questions of the workspace. */
function decideOthers(
  { openQuestions, sessionGrants }: PermissionGateOptions,
  need: PermissionNeed,
  answer: PermissionAnswer | undefined,
  verdict: PermissionVerdict,
): void {
  const holdsOn = answer?.decision === "allowForSession" || answer?.decision === "allowAlways";
  if (holdsOn) void openQuestions.recheck();
  if (answer?.decision === "deny") openQuestions.denied(need, sessionGrants, verdict);
}

/** The answer; undefined if there is none. Rejects only with the signal's reason. */
async function ask(
  options: PermissionGateOptions,
  need: PermissionNeed,
  signal: AbortSignal,
  anew: AskedAnew,
): Promise<PermissionAnswer | undefined> {
  try {
    return await options.ask(questionAbout(need, choicesFor(options, need)), signal, anew);
  } catch (error) {
    signal.throwIfAborted();
    options.log.warn({ error: messageOf(error) }, "a permission could not be asked for");
    return undefined;
  }
}

function apply(
  options: PermissionGateOptions,
  rules: PermissionRules,
  need: PermissionNeed,
  answer: PermissionAnswer | undefined,
): PermissionVerdict {
  switch (answer?.decision) {
    case "allow":
    case "allowForSession":
    case "allowAlways": {
      const denial = findDenial(rules, need, options);
      if (denial !== undefined && denial.doubt === undefined) return refuseBy(denial);
      return answer.input === undefined ? allowed : { allowed: true, input: answer.input };
    }
    case "deny": {
      const reason = answer.message?.trim();
      return refuse(reason ? `The user denied it: ${reason}` : "The user denied it.");
    }
    // Every other value is no permission.
    default:
      return refuse("Permission is denied: nobody answered the question.");
  }
}

function refuse(message: string): PermissionVerdict {
  return { allowed: false, message };
}
