// Decides whether a tool may act: by rules, by what the session was allowed, by the mode, and else by
// asking (contract section 7).

import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import type { PermissionRules } from "../config/types.js";
import type { PermissionMode } from "../protocol/objects/workspace.js";
import { findDenial, rulesAllow, rulesName } from "./decide.js";
import type { Denial } from "./denyRules.js";
import { changesGrantingFile, type GrantingPlaces } from "./grantingFile.js";
import type { SessionGrants } from "./sessionGrants.js";
import type { PermissionNeed, Permissions, PermissionVerdict } from "./types.js";

/** An answer to a question. */
export interface PermissionAnswer {
  readonly decision: "allow" | "allowForSession" | "deny";
  /** Told to the model when denied. */
  readonly message?: string | undefined;
}

export interface PermissionGateOptions {
  /** The mode as it is now. */
  readonly mode: () => PermissionMode;
  /**
   * The rules as they are now; asked for at every check, and again when a question is answered.
   * Where they cannot be had, nothing is allowed.
   */
  readonly rules: () => PermissionRules | Promise<PermissionRules>;
  /** What the session was allowed; the gate adds to it. */
  readonly sessionGrants: SessionGrants;
  /**
   * Puts the question to the client, and withdraws it when the signal is aborted. Undefined when
   * there is nobody to ask. Whatever it rejects with counts as a denial.
   */
  readonly ask: (
    need: PermissionNeed,
    signal: AbortSignal,
  ) => Promise<PermissionAnswer | undefined>;
  readonly log: Log;
  /** The user's home, for patterns that begin with `~/`. */
  readonly home?: string;
  /** The workspace's real path, for patterns that lead through a link in it. */
  readonly workspacePath?: string;
  /** What grants permissions beside what lies in the workspace. */
  readonly granting?: GrantingPlaces;
}

const noPlaces: GrantingPlaces = { files: [], folders: [] };
const allowed: PermissionVerdict = { allowed: true };

/** The permissions of one session. Any number of questions may be open at once. */
export function createPermissionGate(options: PermissionGateOptions): Permissions {
  return {
    async check(need, signal) {
      signal.throwIfAborted();
      const rules = await currentRules(options);
      signal.throwIfAborted();
      if ("allowed" in rules) return rules;
      const decided = decide(options, rules, need);
      if (decided !== undefined) return decided;
      const answer = await askUnlessAborted(options, need, signal);
      signal.throwIfAborted();
      // A deny rule may have come while the question was open.
      const rulesNow = await currentRules(options);
      signal.throwIfAborted();
      return "allowed" in rulesNow ? rulesNow : apply(options, rulesNow, need, answer);
    },
  };
}

/** The rules as they are now; or the refusal, where they cannot be read: one might deny this. */
async function currentRules(
  options: PermissionGateOptions,
): Promise<PermissionRules | PermissionVerdict> {
  try {
    return await options.rules();
  } catch (error) {
    return refuse(`Permission is denied: the rules cannot be read (${messageOf(error)}).`);
  }
}

/** The verdict, where nobody needs to be asked. */
function decide(
  options: PermissionGateOptions,
  rules: PermissionRules,
  need: PermissionNeed,
): PermissionVerdict | undefined {
  const denial = findDenial(rules, need, options);
  if (denial !== undefined)
    return denial.doubt === undefined ? refuseBy(denial) : inDoubt(options, need);
  if (need.denyOnly === true) return allowed;
  if (need.ruleOnly === true) {
    const isNamed = rulesName(rules, need, options);
    return isNamed ? allowed : refuse(`No allow rule names ${need.subject.value}.`);
  }
  const allows = changesGrantingFile(need, options.granting ?? noPlaces) ? rulesName : rulesAllow;
  if (allows(rules, need, options) || isFree(need)) return allowed;
  const mode = options.mode();
  if (mode === "allow" || options.sessionGrants.has(need)) return allowed;
  if (mode === "deny") {
    return refuse("Permission is denied: the permission mode allows only what rules allow.");
  }
  return undefined;
}

/**
 * Where a deny rule may match, nothing that allows much allows this: a person is asked, unless this
 * very line was allowed for the session.
 */
function inDoubt(
  options: PermissionGateOptions,
  need: PermissionNeed,
): PermissionVerdict | undefined {
  if (options.sessionGrants.has(need)) return allowed;
  if (options.mode() === "deny") return refuse("Permission is denied: a deny rule may match it.");
  return undefined;
}

function refuseBy({ rule }: Denial): PermissionVerdict {
  return refuse(`Permission is denied by the rule "${rule.source}".`);
}

/** Reading inside the workspace, where paths are relative, needs no permission. */
function isFree({ action, subject }: PermissionNeed): boolean {
  return action === "read" && subject.kind === "path" && !/^(?:\/|[A-Za-z]:)/.test(subject.value);
}

/** Resolves with the answer, or rejects with the signal's reason; what comes later is not heard. */
function askUnlessAborted(
  options: PermissionGateOptions,
  need: PermissionNeed,
  signal: AbortSignal,
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    signal.addEventListener("abort", onAbort, { once: true });
    const settle = (answer: unknown) => {
      signal.removeEventListener("abort", onAbort);
      resolve(answer);
    };
    // Asked in a promise's turn, so that an `ask` that throws at once is heard like any other.
    Promise.resolve()
      .then(() => options.ask(need, signal))
      .then(settle, (error: unknown) => {
        if (!signal.aborted) {
          options.log.warn({ error: messageOf(error) }, "a permission could not be asked for");
        }
        settle(undefined);
      });
  });
}

function apply(
  options: PermissionGateOptions,
  rules: PermissionRules,
  need: PermissionNeed,
  answer: unknown,
): PermissionVerdict {
  if (!isAnswer(answer)) return refuse("Permission is denied: nobody answered the question.");
  if (answer.decision === "deny") {
    const reason = answer.message?.trim();
    return refuse(reason ? `The user denied it: ${reason}` : "The user denied it.");
  }
  const denial = findDenial(rules, need, options);
  if (denial !== undefined && denial.doubt === undefined) return refuseBy(denial);
  if (answer.decision === "allowForSession") options.sessionGrants.add(need);
  return allowed;
}

function isAnswer(answer: unknown): answer is PermissionAnswer {
  if (typeof answer !== "object" || answer === null || !("decision" in answer)) return false;
  if ("message" in answer && !["string", "undefined"].includes(typeof answer.message)) return false;
  return (
    answer.decision === "allow" ||
    answer.decision === "allowForSession" ||
    answer.decision === "deny"
  );
}

function refuse(message: string): PermissionVerdict {
  return { allowed: false, message };
}
