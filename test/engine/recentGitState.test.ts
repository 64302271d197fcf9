import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import type { GitState } from "../../src/engine/gitState.js";
import { keepMs, RecentGitState } from "../../src/engine/recentGitState.js";
import { ManualClock } from "../helpers/manualClock.js";
import { onWindows, unless } from "../helpers/unless.js";

const never = new AbortController().signal;
let folder: string;
let clock: ManualClock;
let asked: number;

beforeEach(() => {
  folder = realpathSync(mkdtempSync(join(tmpdir(), "recent-git-")));
  clock = new ManualClock();
  asked = 0;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function makeRepository(): void {
  mkdirSync(join(folder, ".git"));
  writeFileSync(join(folder, ".git", "HEAD"), "ref: refs/heads/main\n");
}

async function ask(): Promise<GitState | undefined> {
  return { recentCommits: [`answer ${++asked}`] };
}

describe("the recent git state", () => {
  it("of a folder without a repository is nothing, and git is not asked", async () => {
    expect(await new RecentGitState(folder, clock).read(ask, never)).toBeUndefined();
    expect(asked).toBe(0);
  });

  it("is asked for once by turns that follow each other closely", async () => {
    makeRepository();
    const recent = new RecentGitState(folder, clock);
    await recent.read(ask, never);
    clock.advance(keepMs - 1);
    expect(await recent.read(ask, never)).toEqual({ recentCommits: ["answer 1"] });
    clock.advance(1);
    expect(await recent.read(ask, never)).toEqual({ recentCommits: ["answer 2"] });
  });

  it("is asked for anew when git has changed something", async () => {
    makeRepository();
    const recent = new RecentGitState(folder, clock);
    await recent.read(ask, never);
    writeFileSync(join(folder, ".git", "index"), "changed");
    expect(await recent.read(ask, never)).toEqual({ recentCommits: ["answer 2"] });
    writeFileSync(join(folder, ".git", "HEAD"), "ref: refs/heads/another\n");
    expect(await recent.read(ask, never)).toEqual({ recentCommits: ["answer 3"] });
  });

  it("of a linked worktree follows the folder that its `.git` names", async () => {
    mkdirSync(join(folder, "real"));
    mkdirSync(join(folder, "tree"));
    writeFileSync(join(folder, "tree", ".git"), "gitdir: ../real\n");
    const recent = new RecentGitState(join(folder, "tree"), clock);
    await recent.read(ask, never);
    await recent.read(ask, never);
    expect(asked).toBe(1);
    writeFileSync(join(folder, "real", "index"), "changed");
    await recent.read(ask, never);
    expect(asked).toBe(2);
  });

  it("comes to the others where the turn that asked for it is cancelled", async () => {
    makeRepository();
    const recent = new RecentGitState(folder, clock);
    const gate = new Deferred<GitState>();
    const cancel = new AbortController();
    const first = recent.read(() => gate.promise, cancel.signal);
    const rejected = expect(first).rejects.toThrow("no longer wanted");
    const second = recent.read(ask, never);
    cancel.abort(new Error("no longer wanted"));
    await rejected;
    gate.resolve({ recentCommits: ["shared"] });
    expect(await second).toBeDefined();
  });

  unless(
    it,
    onWindows,
    "no named pipes in folders",
  )("does not wait for a pipe named `.git`", async () => {
    execFileSync("mkfifo", [join(folder, ".git")]);
    expect(await new RecentGitState(folder, clock).read(ask, never)).toBeUndefined();
    expect(asked).toBe(0);
  });

  it("is nothing where git fails", async () => {
    makeRepository();
    const recent = new RecentGitState(folder, clock);
    expect(await recent.read(() => Promise.reject(new Error("no git")), never)).toBeUndefined();
  });
});
