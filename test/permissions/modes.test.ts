// protocol.md section 7: what each permission mode asks, allows and refuses.

import { describe, expect, test } from "vitest";
import { systemClock } from "../../src/base/clock.js";
import { silentLog } from "../../src/base/log.js";
import { createPermissionGate, OpenQuestions, SessionGrants } from "../../src/permissions/index.js";
import type { PermissionNeed } from "../../src/permissions/types.js";
import type { PermissionMode } from "../../src/protocol/objects/workspace.js";
import type { PermissionAnswer } from "../../src/protocol/registry.js";

const call = { toolCallId: "c", description: "d", input: {} };
const write = (value: string): PermissionNeed => ({
  ...call,
  tool: "write",
  action: "write",
  subject: { kind: "path", value },
});
const needs = {
  read: { ...call, tool: "read", action: "read", subject: { kind: "path", value: "a.txt" } },
  readOutside: { ...call, tool: "read", action: "read", subject: { kind: "path", value: "/x" } },
  edit: write("src/a.ts"),
  editOutside: write("/etc/hosts"),
  editGit: write(".git/config"),
  editConfig: write("turnwire.json"),
  bash: { ...call, tool: "bash", action: "execute", subject: { kind: "command", value: "make" } },
  fetch: { ...call, tool: "fetch", action: "fetch", subject: { kind: "url", value: "http://x/" } },
  server: {
    ...call,
    tool: "srv_do",
    action: "execute",
    subject: { kind: "tool", value: "srv_do" },
  },
  lookup: { ...call, tool: "srv_get", action: "read", subject: { kind: "tool", value: "srv_get" } },
  leavePlan: {
    ...call,
    tool: "exitPlan",
    action: "leavePlan",
    subject: { kind: "tool", value: "exitPlan" },
  },
} as const satisfies Record<string, PermissionNeed>;
type Need = keyof typeof needs;

/** What becomes of each need: it is asked, or allowed or refused without a question. */
async function outcomes(
  mode: PermissionMode,
  rules: { allow?: string[]; deny?: string[] } = {},
  grants: readonly Need[] = [],
): Promise<Record<Need, string>> {
  const sessionGrants = new SessionGrants();
  for (const one of grants) sessionGrants.add(needs[one]);
  let asked = false;
  const gate = createPermissionGate({
    mode: () => mode,
    rules: () => ({ allow: [], deny: [], ...rules }),
    sessionGrants,
    openQuestions: new OpenQuestions(systemClock),
    ask: async (): Promise<PermissionAnswer> => {
      asked = true;
      return { decision: "allow" };
    },
    log: silentLog,
  });
  const found: [string, string][] = [];
  for (const [name, need] of Object.entries(needs)) {
    asked = false;
    const { allowed } = await gate.check(need, new AbortController().signal);
    found.push([name, asked ? "asks" : allowed ? "allows" : "refuses"]);
  }
  return Object.fromEntries(found) as Record<Need, string>;
}

const asking: Record<Need, string> = {
  read: "allows",
  readOutside: "asks",
  edit: "asks",
  editOutside: "asks",
  editGit: "asks",
  editConfig: "asks",
  bash: "asks",
  fetch: "asks",
  server: "asks",
  lookup: "asks",
  leavePlan: "asks",
};
const all = (outcome: string, but: Partial<Record<Need, string>> = {}) => ({
  ...Object.fromEntries(Object.keys(needs).map((name) => [name, outcome])),
  ...but,
});

describe("without rules", () => {
  test("`ask` asks", async () => expect(await outcomes("ask")).toEqual(asking));

  test("`acceptEdits` asks nothing for files in the workspace that grant nothing", async () => {
    expect(await outcomes("acceptEdits")).toEqual({ ...asking, edit: "allows" });
  });

  test("`allow` asks nothing, but whether a plan is accepted", async () => {
    expect(await outcomes("allow")).toEqual(all("allows", { leavePlan: "asks" }));
  });

  test("`deny` refuses what would ask", async () => {
    const expected = all("refuses", { read: "allows", leavePlan: "asks" });
    expect(await outcomes("deny")).toEqual(expected);
  });

  test("`plan` refuses what does not read", async () => {
    const reading = { ...asking, read: "allows" };
    for (const one of ["edit", "editOutside", "editGit", "editConfig", "bash", "server"] as const) {
      reading[one] = "refuses";
    }
    expect(await outcomes("plan")).toEqual(reading);
  });
});

describe("with rules", () => {
  const everything = { allow: ["*"] };

  test("no allow rule, and nothing that was allowed for the session, widens `plan`", async () => {
    const reading = {
      read: "allows",
      readOutside: "allows",
      lookup: "allows",
      fetch: "allows",
      leavePlan: "asks",
    };
    const grants = Object.keys(needs) as Need[];
    expect(await outcomes("plan", everything, grants)).toEqual(all("refuses", reading));
    expect(await outcomes("plan", { allow: ["bash:make", "write"] })).toMatchObject({
      bash: "refuses",
      edit: "refuses",
    });
  });

  test("a deny rule holds in every mode", async () => {
    for (const mode of ["ask", "acceptEdits", "allow", "deny", "plan"] as const) {
      expect(await outcomes(mode, { allow: ["*"], deny: ["*"] })).toEqual(all("refuses"));
    }
  });

  test("a line that a deny rule may match is refused in `plan`, and nobody is asked", async () => {
    const deny = ["bash:rm*"];
    const gate = createPermissionGate({
      mode: () => "plan",
      rules: () => ({ allow: [], deny }),
      sessionGrants: new SessionGrants(),
      openQuestions: new OpenQuestions(systemClock),
      ask: () => Promise.reject(new Error("nobody is to be asked")),
      log: silentLog,
    });
    const line = { ...needs.bash, subject: { kind: "command", value: "$X -r a" } } as const;
    expect(await gate.check(line, new AbortController().signal)).toMatchObject({ allowed: false });
  });

  test("to accept a plan for the session accepts this one alone", async () => {
    let asked = 0;
    const gate = createPermissionGate({
      mode: () => "plan",
      rules: () => ({ allow: [], deny: [] }),
      sessionGrants: new SessionGrants(),
      openQuestions: new OpenQuestions(systemClock),
      ask: async () => {
        asked++;
        return { decision: "allowForSession" };
      },
      log: silentLog,
    });
    for (const count of [1, 2]) {
      await gate.check(needs.leavePlan, new AbortController().signal);
      expect(asked).toBe(count);
    }
  });
});
