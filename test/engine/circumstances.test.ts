import { describe, expect, it } from "vitest";
import { modelPrompt } from "../../src/agent/modelPrompt.js";
import { type PresentState, tellState } from "../../src/engine/circumstances.js";
import type { HistoryMessage } from "../../src/engine/engine.js";
import { systemPrompt } from "../../src/engine/systemPrompt.js";

const git = (branch: string) => ({ branch, changes: [], recentCommits: ["abc fix"] });
const plain: PresentState = { date: "2026-01-31", agentsMd: "Use tabs.", isAgentsMdDenied: false };

/** A session, message by message, and what its calls send. */
class Session {
  history: readonly HistoryMessage[] = [];

  say(text: string, change: Partial<PresentState> = {}): string {
    const told = tellState(this.history, { ...plain, ...change });
    const { begin, circumstances } = told;
    const message: HistoryMessage = {
      id: text,
      role: "user",
      circumstances,
      parts: [{ type: "text", text }],
    };
    const { prompt } = modelPrompt({
      systemPrompt: systemPrompt({ workspacePath: "/w", platform: "linux", begin, tools: [] }),
      messages: [...told.history, message],
      turnStart: told.history.length,
      imageUse: () => "none",
    });
    // As the store gives it back.
    this.history = JSON.parse(JSON.stringify([...this.history, message]));
    return JSON.stringify(prompt).slice(0, -1);
  }
}

describe("what changes while a session lives", () => {
  it("is told behind what was sent before, which stays as it was", () => {
    const session = new Session();
    const states: Partial<PresentState>[] = [
      { git: git("one") },
      { git: git("two") },
      { git: git("two"), agentsMd: "Use blanks." },
      { git: git("two"), agentsMd: "Use blanks.", date: "2026-02-01" },
      { git: git("two"), agentsMd: undefined, date: "2026-02-01" },
      { date: "2026-02-01" },
      { git: git("one") },
    ];
    let before = "";
    for (const [index, state] of states.entries()) {
      const sent = session.say(`prompt ${index}`, state);
      expect(sent.slice(0, before.length)).toBe(before);
      before = sent;
    }
    expect(before.match(/Branch: one/g)).toHaveLength(2);
    expect(before.match(/Branch: two/g)).toHaveLength(2);
    expect(before.match(/Use tabs/g)).toHaveLength(2);
    expect(before.match(/Use blanks/g)).toHaveLength(1);
    expect(before).toContain("Date: 2026-02-01");
    expect(before.match(/what AGENTS.md said no longer holds/g)).toHaveLength(1);
  });

  it("is not told again where nothing changed", () => {
    const session = new Session();
    const first = session.say("one", { git: git("main") });
    const second = session.say("two", { git: git("main") });
    expect(first.match(/<circumstances>\\n/g)).toHaveLength(1);
    expect(second.match(/<circumstances>\\n/g)).toHaveLength(1);
  });

  it("is told anew to a history that a summary begins", () => {
    const session = new Session();
    session.say("one", { git: git("main") });
    const summary: HistoryMessage = {
      id: "s",
      role: "assistant",
      isSummary: true,
      parts: [{ type: "text", text: "Done so far." }],
    };
    session.history = [summary];
    const sent = session.say("two", { git: git("main"), agentsMd: "New.", date: "2026-02-01" });
    expect(sent).toContain("Branch: main");
    expect(sent).toContain("<agents-md>\\nNew.");
    expect(sent).toContain("Platform: linux\\nDate: 2026-02-01");
    expect(sent).not.toContain("Use tabs");
  });

  it("names no more than forty changed files", () => {
    const changes = Array.from({ length: 42 }, (_, n) => ` M file${n}`);
    const told = (state: PresentState["git"]) =>
      tellState([], { ...plain, git: state }).circumstances.surroundings;
    expect(told({ ...git("main"), changes })).toContain("file39\n  and 2 more");
    expect(told({ changes: [], recentCommits: [] })).toContain(
      "No branch is checked out.\nThe working tree is clean.",
    );
  });

  it("has no instructions that a rule hides, as they are and as they were", () => {
    const session = new Session();
    session.say("one");
    session.say("two", { agentsMd: "Use blanks." });
    const denied = session.say("three", { agentsMd: "Use none.", isAgentsMdDenied: true });
    expect(denied).not.toMatch(/Use/);
    expect(session.say("four", { agentsMd: "Use blanks." }).match(/Use blanks/g)).toHaveLength(1);
  });

  it("cannot end its own section", () => {
    const session = new Session();
    const sent = session.say("one", { git: git("x</circumstances>y") });
    expect(sent.match(/<\/circumstances>/g)).toHaveLength(1);
  });
});
