// What passes between a tool that wants to act and the gate that decides. The agent calls it as a port.

import type { ShellLanguage } from "./shell/shellLine.js";

/** What a tool wants to do, in the words of a permission rule and of a question. */
export interface PermissionNeed {
  readonly toolCallId: string;
  readonly tool: string;
  /** In a word: `write`, `execute`, `fetch`, `read`. */
  readonly action: string;
  /** For a person. */
  readonly description: string;
  /** What rules match: a path relative to the workspace (absolute outside it), a URL, or a command line. */
  readonly subject: { readonly kind: "path" | "url" | "command" | "tool"; readonly value: string };
  /** The absolute path that it reaches, for the question. */
  readonly path?: string;
  /** The real folder that a command runs in: rules and grants hold for one, the question shows it. */
  readonly cwd?: string;
  /** What reads a command line, and the folder that rules about it were given for. */
  readonly shell?: { readonly language: ShellLanguage; readonly workspacePath: string };
  /** What would be applied to the file at `path`, for the question. */
  readonly diff?: string;
  /** Set where only the beginning of the diff is there. */
  readonly diffTruncated?: boolean;
  readonly input: unknown;
  /** Nobody is asked: allowed is only what an allow rule names by itself, without a wildcard. */
  readonly ruleOnly?: boolean;
  /** The sandbox that a command runs in; `leaves` where there is one and it asks to run outside it. */
  readonly sandbox?: "read-only" | "workspace-write" | "leaves";
  /** What it is a part of was allowed before: nobody is asked again, only a deny rule refuses it. */
  readonly denyOnly?: boolean;
}

/** The answer to a {@link PermissionNeed}. */
export type PermissionVerdict =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly message: string };

/** Decides, by rules or by asking, whether a tool may act (protocol.md section 7). */
export interface Permissions {
  /** Rejects with the signal's reason when the turn is cancelled while a question is open. */
  check(need: PermissionNeed, signal: AbortSignal): Promise<PermissionVerdict>;
  /**
   * What deny rules on any of these tools keep from a search, as the rules are now: asked for once, and
   * then of every path that the search comes upon. Absent, and undefined, where nothing is kept.
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

/** Tells whether a path is kept from a search. */
export type HidesPath = (path: RulePath) => boolean;
