import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { Deferred } from "../../src/base/deferred.js";
import { silentLog } from "../../src/base/log.js";
import { untilAborted } from "../../src/base/untilAborted.js";
import {
  createPermissionGate,
  OpenQuestions,
  type PermissionGateOptions,
  SessionGrants,
} from "../../src/permissions/index.js";
import type { PermissionNeed } from "../../src/permissions/types.js";
import type { PermissionAnswer, ToolQuestion } from "../../src/protocol/registry.js";

function need(
  tool: string,
  kind: PermissionNeed["subject"]["kind"],
  value: string,
): PermissionNeed {
  return {
    toolCallId: "call_1",
    tool,
    action: tool === "read" ? "read" : "execute",
    description: "does something",
    subject: { kind, value },
    input: {},
  };
}
const bash = (command: string) => need("bash", "command", command);
const signal = new AbortController().signal;

function open(options: Partial<PermissionGateOptions> = {}) {
  const asked: ToolQuestion[] = [];
  const answers: (PermissionAnswer | undefined)[] = [];
  const gate = createPermissionGate({
    mode: () => "ask",
    rules: () => ({ allow: [], deny: [] }),
    sessionGrants: new SessionGrants(),
    openQuestions: new OpenQuestions(systemClock),
    async ask(wanted) {
      asked.push(wanted);
      return answers.shift();
    },
    log: silentLog,
    ...options,
  });
  return { gate, asked, answers };
}

describe("the gate", () => {
  test("asks in mode `ask`, and does as it is told", async () => {
    const { gate, asked, answers } = open();
    answers.push({ decision: "allow" }, { decision: "deny", message: "not today" });
    expect(await gate.check(bash("make"), signal)).toEqual({ allowed: true });
    expect(await gate.check(bash("make"), signal)).toEqual({
      allowed: false,
      message: "The user denied it: not today",
    });
    expect(asked).toHaveLength(2);
  });

  test("asks no second time about what was settled before, but minds deny rules", async () => {
    const rules = { allow: [], deny: ["fetch:https://example.com/private/*"] };
    const { gate, asked } = open({ mode: () => "deny", rules: () => rules });
    const next = (url: string) =>
      gate.check({ ...need("fetch", "url", url), denyOnly: true }, signal);
    expect(await next("https://example.com/open")).toEqual({ allowed: true });
    expect(await next("https://example.com/private/x")).toMatchObject({ allowed: false });
    expect(asked).toEqual([]);
  });

  test("asks nothing in mode `allow`, and refuses in mode `deny` what would ask", async () => {
    const allow = open({ mode: () => "allow" });
    expect(await allow.gate.check(bash("make"), signal)).toEqual({ allowed: true });
    const rules = () => ({ allow: ["bash:git status"], deny: [] });
    const deny = open({ mode: () => "deny", rules });
    expect((await deny.gate.check(bash("make"), signal)).allowed).toBe(false);
    expect((await deny.gate.check(bash("git status"), signal)).allowed).toBe(true);
    expect([...allow.asked, ...deny.asked]).toEqual([]);
  });

  test("a deny rule wins over allow rules, the session's grants and mode `allow`", async () => {
    const sessionGrants = new SessionGrants();
    sessionGrants.add(bash("rm -rf x"));
    const { gate, asked } = open({
      mode: () => "allow",
      rules: () => ({ allow: ["bash"], deny: ["bash:rm -rf*"] }),
      sessionGrants,
    });
    expect(await gate.check(bash("rm -rf x"), signal)).toEqual({
      allowed: false,
      message: 'Permission is denied by the rule "bash:rm -rf*".',
    });
    expect(asked).toEqual([]);
  });

  test("a deny rule that comes while the question is open still wins", async () => {
    let deny: string[] = [];
    const answer = new Deferred<PermissionAnswer>();
    const sessionGrants = new SessionGrants();
    const { gate } = open({
      rules: () => ({ allow: [], deny }),
      sessionGrants,
      ask: () => answer.promise,
    });
    const verdict = gate.check(bash("make"), signal);
    deny = ["bash:make*"];
    answer.resolve({ decision: "allowForSession" });
    expect((await verdict).allowed).toBe(false);
    expect(sessionGrants.has(bash("make"))).toBe(false);
  });

  test("tells what may be chosen, and takes a changed input for one question", async () => {
    const { gate, asked, answers } = open();
    answers.push({ decision: "allow", input: { command: "ls" } });
    const verdict = await gate.check(bash("make"), signal);
    expect(verdict).toEqual({ allowed: true, input: { command: "ls" } });
    expect(asked[0]?.choices).toEqual(["allow", "allowForSession", "deny"]);
    let isLeft = true;
    const take = () => {
      const was = isLeft;
      isLeft = false;
      return was;
    };
    const changed = { ...bash("ls"), ofUser: { take } };
    expect(await gate.check({ ...changed, sandbox: "leaves" }, signal)).toMatchObject({
      allowed: false,
    });
    expect(asked[1]?.choices).toEqual(["allow", "deny"]);
    expect(await gate.check(changed, signal)).toEqual({ allowed: true });
    expect(await gate.check(changed, signal)).toMatchObject({ allowed: false });
    expect(asked).toHaveLength(3);
  });

  test("what was allowed in a sandbox for the session is asked about again outside of one", async () => {
    const { gate, asked, answers } = open();
    const confined = { ...bash("make"), sandbox: "read-only" } as const;
    answers.push({ decision: "allowForSession" }, { decision: "deny" });
    expect(await gate.check(confined, signal)).toEqual({ allowed: true });
    expect(await gate.check(confined, signal)).toEqual({ allowed: true });
    expect(asked).toHaveLength(1);
    expect(await gate.check(bash("make"), signal)).toMatchObject({ allowed: false });
    expect(asked).toHaveLength(2);
  });

  test("a changed input is refused where rules or the mode refuse it", async () => {
    const ofUser = { take: () => true };
    const denied = open({ rules: () => ({ allow: [], deny: ["bash:rm *"] }) });
    const rm = { ...bash("rm x"), ofUser };
    expect(await denied.gate.check(rm, signal)).toMatchObject({ allowed: false });
    for (const mode of ["plan", "deny"] as const) {
      const { gate, asked } = open({ mode: () => mode });
      expect(await gate.check(rm, signal)).toMatchObject({ allowed: false });
      expect(asked).toEqual([]);
    }
  });

  test("rules that cannot be read allow nothing, and nobody is asked", async () => {
    const { gate, asked } = open({
      mode: () => "allow",
      rules: () => Promise.reject(new Error("turnwire.json is not JSON")),
    });
    const verdict = await gate.check(bash("make"), signal);
    expect(verdict).toMatchObject({ allowed: false, message: expect.stringContaining("not JSON") });
    expect(asked).toEqual([]);
  });

  test.each([
    ["the same command line", bash("make all"), bash("make all"), true],
    ["another command line", bash("make all"), bash("make all; rm x"), false],
    ["the same folder", { ...bash("./a"), cwd: "/r" }, { ...bash("./a"), cwd: "/r" }, true],
    ["another folder", { ...bash("./a"), cwd: "/r" }, { ...bash("./a"), cwd: "/r/b" }, false],
    ["the same path", need("write", "path", "a"), need("write", "path", "a"), true],
    ["another tool", need("write", "path", "a"), need("edit", "path", "a"), false],
    ["another path", need("write", "path", "a"), need("write", "path", "b"), false],
    [
      "the same host",
      need("fetch", "url", "https://a.test/x"),
      need("fetch", "url", "https://A.test/y"),
      true,
    ],
    [
      "another port",
      need("fetch", "url", "https://a.test/x"),
      need("fetch", "url", "https://a.test:8443/x"),
      false,
    ],
    ["the same tool", need("mcp__a__b", "tool", "x"), need("mcp__a__b", "tool", "y"), true],
  ])("allowForSession holds for %s: %#", async (_, first, second, holds) => {
    const { gate, asked, answers } = open();
    answers.push({ decision: "allowForSession" }, { decision: "deny" });
    await gate.check(first, signal);
    expect((await gate.check(second, signal)).allowed).toBe(holds);
    expect(asked).toHaveLength(holds ? 1 : 2);
  });

  test("reading inside the workspace is never asked, but can be denied", async () => {
    const { gate, asked } = open({
      mode: () => "deny",
      rules: () => ({ allow: [], deny: ["read:**/.env"] }),
    });
    expect((await gate.check(need("read", "path", "src/a.ts"), signal)).allowed).toBe(true);
    expect((await gate.check(need("read", "path", "src/.env"), signal)).allowed).toBe(false);
    expect((await gate.check(need("read", "path", "/etc/passwd"), signal)).allowed).toBe(false);
    expect(asked).toEqual([]);
  });

  test("what only a rule may allow takes a rule that names it", async () => {
    const local = { ...need("fetch", "url", "http://127.0.0.1:3000/x"), ruleOnly: true };
    const byName = open({ rules: () => ({ allow: ["fetch:http://127.0.0.1:3000/*"], deny: [] }) });
    expect((await byName.gate.check(local, signal)).allowed).toBe(true);
    const byChance = open({
      mode: () => "allow",
      rules: () => ({ allow: ["fetch", "fetch:http://127.*"], deny: [] }),
    });
    expect((await byChance.gate.check(local, signal)).allowed).toBe(false);
    expect(byChance.asked).toEqual([]);
  });

  const change = (tool: string, value: string): PermissionNeed => ({
    ...need(tool, "path", value),
    action: "write",
    path: value.startsWith("/") ? value : `/repo/${value}`,
  });

  test.each([
    ["write", "turnwire.json"],
    ["*", "turnwire.json"],
    ["write:*", "turnwire.json"],
    ["write:**", "turnwire.json"],
    ["write:*.json", "turnwire.json"],
    ["write:turnwire.jso?", "turnwire.json"],
    ["write:{turnwire,package}.json", "turnwire.json"],
    ["write:/repo/**", "turnwire.json"],
    ["write:~/**", "turnwire.json"],
    ["write:**", "Turnwire.JSON"],
    ["write:**", "turnwire.json. "],
    ["write:**", ".git/hooks/pre-commit"],
    ["write:.git/", ".git/config"],
    ["write:.git/**", ".git/config"],
    ["write", ".git"],
    ["write:**", "vendor/lib/.GIT/config"],
    ["write:/other/**", "/other/.git/config"],
  ])("the rule %s does not allow to write %s: that is asked", async (rule, value) => {
    const rules = () => ({ allow: [rule], deny: [] });
    const { gate, asked, answers } = open({ rules, home: "/repo" });
    answers.push({ decision: "allow" });
    expect(await gate.check(change("write", value), signal)).toEqual({ allowed: true });
    expect(asked).toHaveLength(1);
  });

  test.each([
    ["write:turnwire.json", "turnwire.json"],
    ["write:./turnwire.json", "turnwire.json"],
    ["write:/repo/turnwire.json", "turnwire.json"],
    ["write:~/turnwire.json", "turnwire.json"],
    ["*:turnwire.json", "turnwire.json"],
    ["write:.git/info/exclude", ".git/info/exclude"],
    ["write:**", "packages/a/turnwire.json"],
    ["write:**", ".github/ci.yml"],
    ["write:**", ".gitignore"],
    ["write:**", "turnwire.jsonc"],
  ])("the rule %s allows to write %s", async (rule, value) => {
    const { gate, asked } = open({ rules: () => ({ allow: [rule], deny: [] }), home: "/repo" });
    expect(await gate.check(change("write", value), signal)).toEqual({ allowed: true });
    expect(asked).toEqual([]);
  });

  test("deny rules, the mode and the session's grants hold for what grants permissions", async () => {
    const own = change("edit", "turnwire.json");
    const denied = open({
      mode: () => "allow",
      rules: () => ({ allow: ["edit:turnwire.json"], deny: ["edit:*.json"] }),
    });
    expect((await denied.gate.check(own, signal)).allowed).toBe(false);
    const strict = open({ mode: () => "deny", rules: () => ({ allow: ["edit"], deny: [] }) });
    expect((await strict.gate.check(own, signal)).allowed).toBe(false);
    const free = open({ mode: () => "allow" });
    expect((await free.gate.check(own, signal)).allowed).toBe(true);
    const granted = open();
    granted.answers.push({ decision: "allowForSession" });
    await granted.gate.check(own, signal);
    expect((await granted.gate.check(own, signal)).allowed).toBe(true);
    expect([...denied.asked, ...strict.asked, ...free.asked]).toEqual([]);
    expect(granted.asked).toHaveLength(1);
  });

  test("reading what grants permissions is allowed by pattern like any other file", async () => {
    const { gate, asked } = open({ rules: () => ({ allow: ["read:/other/**"], deny: [] }) });
    for (const value of ["turnwire.json", "/other/.git/config"]) {
      expect((await gate.check(need("read", "path", value), signal)).allowed).toBe(true);
    }
    expect(asked).toEqual([]);
  });

  test.each([
    ["nobody to ask", async () => undefined],
    ["a failure", async () => Promise.reject(new Error("gone"))],
    [
      "a throw",
      () => {
        throw new Error("at once");
      },
    ],
    ["nonsense", async () => JSON.parse('{"decision":"yes"}')],
    ["null", async () => JSON.parse("null")],
  ])("%s is a denial", async (_, ask) => {
    const { gate } = open({ ask });
    expect((await gate.check(bash("make"), signal)).allowed).toBe(false);
  });

  test("a cancelled turn rejects with the signal's reason, and a late answer changes nothing", async () => {
    const answer = new Deferred<PermissionAnswer>();
    const sessionGrants = new SessionGrants();
    const { gate } = open({
      sessionGrants,
      ask: (_, asking) => untilAborted(answer.promise, asking),
    });
    const turn = new AbortController();
    const verdict = gate.check(bash("make"), turn.signal);
    const reason = new Error("cancelled");
    turn.abort(reason);
    await expect(verdict).rejects.toBe(reason);
    answer.resolve({ decision: "allowForSession" });
    await answer.promise;
    await Promise.resolve();
    expect(sessionGrants.has(bash("make"))).toBe(false);
  });

  test("a turn that is cancelled already is not asked about", async () => {
    const { gate, asked } = open();
    const reason = new Error("cancelled");
    await expect(gate.check(bash("make"), AbortSignal.abort(reason))).rejects.toBe(reason);
    expect(asked).toEqual([]);
  });

  test("questions are open side by side", async () => {
    const first = new Deferred<PermissionAnswer>();
    const one = open({ ask: () => first.promise });
    const other = open({ ask: async () => ({ decision: "allow" }) });
    const waiting = one.gate.check(bash("make"), signal);
    expect((await other.gate.check(bash("make"), signal)).allowed).toBe(true);
    first.resolve({ decision: "deny" });
    expect((await waiting).allowed).toBe(false);
  });
});
