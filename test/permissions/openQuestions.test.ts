// protocol.md section 7: what decides an open question without its own answer.
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Deferred } from "../../src/base/deferred.js";
import { silentLog } from "../../src/base/log.js";
import { QuestionDecided } from "../../src/base/questionDecided.js";
import { untilAborted } from "../../src/base/untilAborted.js";
import { createPermissionGate, OpenQuestions, SessionGrants } from "../../src/permissions/index.js";
import type { PermissionVerdict } from "../../src/permissions/types.js";
import type { PermissionMode } from "../../src/protocol/objects/workspace.js";
import type { PermissionAnswer } from "../../src/protocol/registry.js";
import { ManualClock } from "../helpers/manualClock.js";

/** A question that was put, what came of its call, and whether it was withdrawn. */
interface Put {
  readonly session: number;
  readonly command: string;
  readonly answer: Deferred<PermissionAnswer>;
  verdict: PermissionVerdict | undefined;
  withdrawn: "allow" | "deny" | undefined;
}

/** A workspace with two sessions, whose questions stay open until something decides them. */
class House {
  mode: PermissionMode = "ask";
  allow: string[] = [];
  deny: string[] = [];
  isBroken = false;
  readonly clock = new ManualClock();
  readonly questions = new OpenQuestions(this.clock);
  readonly put: Put[] = [];
  readonly #grants = [new SessionGrants(), new SessionGrants()];
  readonly #turn = new AbortController();

  async call(session: number, command: string, input: object = { command }): Promise<Put> {
    const put: Put = {
      session,
      command,
      answer: new Deferred(),
      verdict: undefined,
      withdrawn: undefined,
    };
    const gate = createPermissionGate({
      mode: () => this.mode,
      rules: () => {
        if (this.isBroken) throw new Error("half saved");
        return { allow: this.allow, deny: this.deny };
      },
      sessionGrants: this.#grants[session] ?? new SessionGrants(),
      openQuestions: this.questions,
      log: silentLog,
      ask: async (_, asking) => {
        this.put.push(put);
        asking.addEventListener("abort", () => {
          if (asking.reason instanceof QuestionDecided) put.withdrawn = asking.reason.decision;
        });
        return await untilAborted(put.answer.promise, asking);
      },
    });
    const subject = { kind: "command", value: command } as const;
    const need = { toolCallId: "c", tool: "bash", action: "execute", description: "", subject };
    void gate.check({ ...need, input }, this.#turn.signal).then(
      (verdict) => {
        put.verdict = verdict;
      },
      () => undefined,
    );
    await settled();
    return put;
  }

  /** Lets the next look at the open questions happen. */
  async look(): Promise<void> {
    this.clock.advance(1_000);
    await settled();
  }

  end(): void {
    this.#turn.abort(new Error("over"));
  }
}

async function settled(): Promise<void> {
  for (let turn = 0; turn < 3; turn++) await new Promise((resolve) => setImmediate(resolve));
}

describe("an open question", () => {
  test("is withdrawn where an answer for the session covers it, and only there", async () => {
    const house = new House();
    const first = await house.call(0, "make");
    const same = await house.call(0, "make");
    const another = await house.call(0, "make all");
    const elsewhere = await house.call(1, "make");
    first.answer.resolve({ decision: "allowForSession" });
    await settled();
    expect(same).toMatchObject({ withdrawn: "allow", verdict: { allowed: true } });
    expect([another.verdict, elsewhere.verdict]).toEqual([undefined, undefined]);
    // An answer that comes too late changes nothing.
    same.answer.resolve({ decision: "deny" });
    await settled();
    expect(same.verdict).toEqual({ allowed: true });
    house.end();
  });

  test("is not decided by an answer for one call, but by a denial of the same call", async () => {
    const house = new House();
    const [once, same] = [await house.call(0, "make"), await house.call(0, "make")];
    const other = await house.call(0, "make", { command: "make", timeoutMs: 5 });
    once.answer.resolve({ decision: "allow" });
    await settled();
    expect(same.verdict).toBeUndefined();
    const third = await house.call(0, "make");
    third.answer.resolve({ decision: "deny", message: "not now" });
    await settled();
    const message = "The user denied it: not now";
    expect(same).toMatchObject({ withdrawn: "deny", verdict: { allowed: false, message } });
    expect(other.verdict).toBeUndefined();
    house.end();
  });

  test("is decided by the files within two seconds, but not by a file that is half saved", async () => {
    const house = new House();
    const [allowed, denied] = [await house.call(0, "make"), await house.call(1, "rm -rf x")];
    house.isBroken = true;
    await house.look();
    expect([allowed.verdict, denied.verdict]).toEqual([undefined, undefined]);
    house.isBroken = false;
    house.allow = ["bash:make"];
    house.deny = ["bash:rm*"];
    await house.look();
    expect(allowed).toMatchObject({ withdrawn: "allow", verdict: { allowed: true } });
    expect(denied).toMatchObject({
      withdrawn: "deny",
      verdict: { allowed: false, message: 'Permission is denied by the rule "bash:rm*".' },
    });
    house.end();
  });

  test("leaves no timer behind", async () => {
    const house = new House();
    const put = await house.call(0, "make");
    put.answer.resolve({ decision: "allow" });
    await settled();
    expect(house.clock.pending).toBe(0);
  });
});

const commands = ["make", "npm test", "rm x"] as const;
const anyCommand = fc.constantFrom(...commands);
const anyStep = fc.oneof(
  fc.record({ kind: fc.constant("call" as const), session: fc.nat(1), command: anyCommand }),
  fc.record({
    kind: fc.constant("answer" as const),
    at: fc.nat(5),
    decision: fc.constantFrom("allow", "allowForSession", "deny" as const),
  }),
  fc.record({
    kind: fc.constant("mode" as const),
    mode: fc.constantFrom<PermissionMode>("ask", "allow", "deny", "plan"),
  }),
  fc.record({ kind: fc.constant("allow" as const), command: anyCommand }),
  fc.record({ kind: fc.constant("deny" as const), command: anyCommand }),
  fc.record({ kind: fc.constant("undeny" as const) }),
);

/** What the rules, grants and mode say, in the order in which section 7 tells it. */
function verdictOf(house: House, granted: ReadonlySet<string>, { session, command }: Put) {
  if (house.deny.includes(`bash:${command}`)) return false;
  if (house.mode === "plan") return false;
  if (house.allow.includes(`bash:${command}`)) return true;
  if (house.mode === "allow" || granted.has(`${session} ${command}`)) return true;
  return house.mode === "deny" ? false : undefined;
}

test("every history decides each question as a plain model of it does", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(anyStep, { maxLength: 14, size: "max" }), async (steps) => {
      const house = new House();
      const granted = new Set<string>();
      const calls: Put[] = [];
      /** The outcome that the model expects, by call. */
      const expected = new Map<Put, boolean>();
      const recheck = () => {
        for (const one of calls) {
          const now = expected.has(one) ? undefined : verdictOf(house, granted, one);
          if (now !== undefined) expected.set(one, now);
        }
      };
      for (const step of steps) {
        if (step.kind === "call") calls.push(await house.call(step.session, step.command));
        else if (step.kind === "answer") {
          const open = calls.filter((one) => !expected.has(one));
          const one = open[step.at % Math.max(open.length, 1)];
          if (one === undefined) continue;
          one.answer.resolve({ decision: step.decision });
          expected.set(one, step.decision !== "deny");
          if (step.decision === "allowForSession") granted.add(`${one.session} ${one.command}`);
          for (const other of step.decision === "deny" ? open : []) {
            const isSame = other.session === one.session && other.command === one.command;
            if (isSame) expected.set(other, false);
          }
        } else if (step.kind === "mode") {
          house.mode = step.mode;
          await house.questions.recheck();
        } else {
          if (step.kind === "allow") house.allow = [...house.allow, `bash:${step.command}`];
          if (step.kind === "deny") house.deny = [...house.deny, `bash:${step.command}`];
          if (step.kind === "undeny") house.deny = [];
          await house.look();
        }
        await settled();
        recheck();
        for (const one of calls) expect(one.verdict?.allowed).toBe(expected.get(one));
      }
      house.end();
      await settled();
      expect(house.clock.pending).toBe(0);
    }),
    { numRuns: 150 },
  );
});
