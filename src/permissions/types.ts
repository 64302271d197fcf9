// The types between a tool that wants to act and the gate that decides.

import type { ShellLanguage } from "./shell/shellLine.js";

export type { ShellLanguage };

/** A change to a file, as a question shows it. */
export type ShownChange = Pick<PermissionNeed, "diff" | "diffTruncated" | "lines">;

/** What a tool wants to do, in the words of a permission rule and of a question. */
export interface PermissionNeed {
  readonly toolCallId: string;
  readonly tool: string;
  /** The kind of action: `write`, `execute`, `fetch`, `read` or `leavePlan`. */
  readonly action: string;
  /** A description for a person. */
  readonly description: string;
  /** What rules match: a path relative to the workspace (absolute outside it), a URL, or a command line. */
  readonly subject: { readonly kind: "path" | "url" | "command" | "tool"; readonly value: string };
  /** The absolute path that it reaches, for the question. */
  readonly path?: string;
  /** The real folder that a command runs in: rules and grants hold for one, the question shows it. */
  readonly cwd?: string;
  /** What reads a command line, and the folder that rules about it were given for. */
  readonly shell?: {
    readonly language: ShellLanguage;
    readonly workspacePath: string;
    /** Whether it is certain that the shell has no `CDPATH`. */
    readonly hasNoCdpath?: boolean;
  };
  /** The change to the file at `path`, for the question. */
  readonly diff?: string;
  /** Set if `diff` is only the beginning of the diff. */
  readonly diffTruncated?: boolean;
  /** The lines at which the parts of the change begin, or at which reading begins. */
  readonly lines?: readonly number[];
  /**
   * Works out the change anew, before the question is put to somebody later. Throws what the call is
   * to fail with, if the change cannot be made any more.
   */
  readonly changeNow?: () => Promise<ShownChange>;
  /** Whether it only reads, if `action` does not tell. */
  readonly readOnly?: boolean;
  readonly input: unknown;
  /** Set if the input is one that the user wrote when a question of this call was put to him. */
  readonly ofUser?: OneAllowance;
  /** A tool of the client: it is allowed without a question, unless the mode is `deny`. */
  readonly asksNothing?: boolean;
  /** Nobody is asked. It is allowed only if an allow rule names it in full, without a wildcard. */
  readonly ruleOnly?: boolean;
  /**
   * The sandbox that a command runs in; `leaves` if there is a sandbox and the command asks to run
   * outside it.
   */
  readonly sandbox?: "read-only" | "workspace-write" | "leaves";
  /**
   * It is a part of something that was allowed before. Nobody is asked again; only a deny rule
   * refuses it.
   */
  readonly denyOnly?: boolean;
}

/** The answer `allow` that came with a changed input: it stands for one question of the changed call. */
export interface OneAllowance {
  /** True the first time that it is called. */
  take(): boolean;
}

/** The answer to a {@link PermissionNeed}. With `input`, that is to run in its place. */
export type PermissionVerdict =
  | { readonly allowed: true; readonly input?: Readonly<Record<string, unknown>> }
  | { readonly allowed: false; readonly message: string };

/** Decides, by rules or by asking, whether a tool may act (protocol.md section 7). */
export interface Permissions {
  /**
   * Rejects with the signal's reason when the turn is cancelled while a question is open. `asks` is
   * called before somebody is asked; what rules or the mode decide calls it not.
   */
  check(need: PermissionNeed, signal: AbortSignal, asks?: () => void): Promise<PermissionVerdict>;
  /**
   * The test of which paths the deny rules on these tools hide from a search. It is made once, from
   * the rules as they are now, and then asked for each path that the search finds. Undefined if
   * nothing is hidden.
   */
  hides?(tools: readonly string[]): Promise<HidesPath | undefined>;
}

/** A path as rules see it. */
export interface RulePath {
  /** Relative to the workspace, absolute outside of it, with `/`. */
  readonly shown: string;
  /** Absolute. */
  readonly real?: string | undefined;
}

/** Tells whether a path is hidden from a search. */
export type HidesPath = (path: RulePath) => boolean;
