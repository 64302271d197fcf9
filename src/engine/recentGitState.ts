// Keeps the git state of one workspace between turns. Asking git takes several processes. So turns
// that follow each other closely share an answer, and a folder without a repository starts no
// process.

import { readFileSync, statSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import type { Clock } from "../base/clock.js";
import { identityOf } from "../base/fileIdentity.js";
import { untilAborted } from "../base/untilAborted.js";
import type { GitState } from "./gitState.js";

/**
 * How old an answer may be, in milliseconds: files can change without a change in git's own files.
 */
export const keepMs = 3000;

/** A `.git` that is a file contains one path; a longer file is something else. */
const longestPointer = 64 * 1024;

/** Asks git; see `readGitState`. */
export type ReadGitState = (signal: AbortSignal) => Promise<GitState | undefined>;

interface Answer {
  readonly marks: string;
  readonly askedAt: number;
  readonly state: Promise<GitState | undefined>;
}

/** Reads the git state of one workspace. */
export class RecentGitState {
  readonly #workspacePath: string;
  readonly #clock: Clock;
  readonly #closing = new AbortController();
  #last: Answer | undefined;
  #place: { readonly gitDir: string | undefined; readonly lookedAt: number } | undefined;

  constructor(workspacePath: string, clock: Clock) {
    this.#workspacePath = workspacePath;
    this.#clock = clock;
  }

  /**
   * The state, at most three seconds old and never older than the last commit, checkout or `git
   * add`. `read` is called if there is no such answer; callers that ask at the same time share it.
   * Rejects only if the signal is aborted.
   */
  async read(read: ReadGitState, signal: AbortSignal): Promise<GitState | undefined> {
    signal.throwIfAborted();
    const gitDir = this.#gitDir();
    if (gitDir === undefined) return undefined;
    const marks = marksOf(gitDir);
    const last = this.#last;
    const isFresh = last?.marks === marks && this.#clock.now() - last.askedAt < keepMs;
    const answer = isFresh ? last : this.#ask(read, marks);
    return untilAborted(answer.state, signal);
  }

  #gitDir(): string | undefined {
    const lookedAt = this.#clock.now();
    if (this.#place === undefined || lookedAt - this.#place.lookedAt >= keepMs) {
      this.#place = { gitDir: findGitDir(this.#workspacePath), lookedAt };
    }
    return this.#place.gitDir;
  }

  /** Ends the running read. */
  close(): void {
    this.#closing.abort(new Error("the workspace is closed"));
  }

  #ask(read: ReadGitState, marks: string): Answer {
    // Each read has its own signal: on a shared one, the listeners of overlapping reads would
    // accumulate.
    const signal = AbortSignal.any([this.#closing.signal]);
    // Several turns may wait for the answer, and the turn that asked first may be cancelled.
    const state = read(signal).catch(() => undefined);
    this.#last = { marks, askedAt: this.#clock.now(), state };
    return this.#last;
  }
}

/** A text that changes when git itself changes a repository. */
function marksOf(gitDir: string): string {
  const marks = ["HEAD", "index", "logs/HEAD"].map((name) => identityOf(join(gitDir, name)));
  return [gitDir, ...marks].join(" ");
}

/**
 * The git folder of the repository that contains a workspace; undefined if there is none. It is looked
 * for at many turns, in each folder above the workspace. That takes some microseconds for each, and a
 * thread would take many times as long.
 */
export function findGitDir(workspacePath: string): string | undefined {
  for (let folder = workspacePath; ; folder = dirname(folder)) {
    const gitDir = gitDirOf(join(folder, ".git"));
    if (gitDir !== undefined || dirname(folder) === folder) return gitDir;
  }
}

/** The folder that a `.git` is, or that it names; undefined if there is no `.git`. */
function gitDirOf(path: string): string | undefined {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    if (status === undefined) return undefined;
    if (status.isDirectory()) return path;
    const [, named] = /^gitdir: (.*)/.exec(readPointer(path) ?? "") ?? [];
    return named === undefined ? undefined : resolve(dirname(path), named);
  } catch {
    // It cannot be read, so no repository is known here.
    return undefined;
  }
}

/** The text of a file with which git names a path; undefined if it is none, or cannot be read. */
export function readPointer(path: string): string | undefined {
  try {
    const status = statSync(path, { throwIfNoEntry: false });
    // Reading a named pipe would wait, and a device has no end.
    if (!status?.isFile() || status.size > longestPointer) return undefined;
    return readFileSync(path, "utf8");
  } catch {
    return undefined;
  }
}
