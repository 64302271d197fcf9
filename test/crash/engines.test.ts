// A server that is lost at each moment of a turn of an agent's program: one completion, the user's prompt
// reaches an agent once, and before anything goes on nothing of the old agent lives.
import { afterAll, describe, expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { EngineHouse, endHouses } from "../helpers/engineHouse.js";
import { processesWith, uniqueSeconds } from "../helpers/processList.js";
import type { WireSession } from "../helpers/wireSession.js";
import { isLong } from "./longRun.js";

afterAll(endHouses);

const call = { toolCallId: "c", title: "T", kind: "read", status: "in_progress" };
const done = { sessionUpdate: "tool_call_update", toolCallId: "c", status: "completed" };
const toAsk = { toolCallId: "q", title: "Q", kind: "other" };

interface Moment {
  readonly at: string;
  /** How the agent begins. */
  readonly told?: object;
  /** What it does with the prompt. */
  readonly script?: readonly string[];
  /** Whether it has the prompt then; undefined where both may be. */
  readonly hasPrompt?: boolean;
}

const moments: readonly Moment[] = [
  { at: "initialize", told: { losesAt: "initialize" }, hasPrompt: false },
  { at: "session/new", told: { losesAt: "new" }, hasPrompt: false },
  { at: "the answer to session/new", told: { losesAt: "opened" } },
  { at: "the prompt", script: ["lose"], hasPrompt: true },
  { at: "a text", script: ["say so far", "lose"], hasPrompt: true },
  { at: "an open call", script: [`tool ${JSON.stringify(call)}`, "lose"], hasPrompt: true },
  {
    at: "an ended call",
    script: [`tool ${JSON.stringify(call)}`, `update ${JSON.stringify(done)}`, "lose"],
    hasPrompt: true,
  },
  { at: "a permission", script: [`askAndLose ${JSON.stringify(toAsk)}`], hasPrompt: true },
  { at: "the answer", script: ["say so far", "loseAfter"], hasPrompt: true },
];

/** These, or all of them in the long run. */
const some = (...names: readonly string[]) =>
  moments.filter(({ at }) => isLong || names.includes(at));

/** Loses a server at a moment of the run `r`, and opens the next one. */
async function lose(moment: Moment, options?: { readonly onServerLoss: "continue" }) {
  const house = new EngineHouse({ stubborn: true, ...moment.told });
  const seconds = uniqueSeconds();
  const hello = { protocolVersion: 1, clientId: "c" } as const;
  await house.server.call("initialize", hello);
  const session = await house.open("ask");
  const script = moment.script ?? ["say done"];
  const prompt = [`deafChild ${seconds}`, `bare ${seconds}`, ...script].join("\n");
  const params = { ...session.params(prompt, "r"), ...defined({ options }) };
  // The server may die before it answers.
  await session.server.ask("sendMessage", params).catch(() => {});
  await session.server.exit;
  house.configure({ stubborn: true });
  house.start();
  await house.server.call("initialize", hello);
  const again = await house.open("ask", session.sessionId);
  const completion = await house.server.completion("r");
  return { house, session: again, prompt, seconds, completion };
}

type Lost = Awaited<ReturnType<typeof lose>>;

const prompts = ({ house }: Lost) => house.seen.filter((line) => line.startsWith("prompt"));

/** How often an agent got the user's own text. */
function timesSent(lost: Lost): number {
  return prompts(lost).filter((line) => line === `prompt ${JSON.stringify(lost.prompt)}`).length;
}

/** The messages are whole, the session works, and the run was told once. */
async function expectWhole(lost: Lost, session: WireSession): Promise<void> {
  expect(await session.run("say after", "after")).toMatchObject({ status: "succeeded" });
  const messages = await session.messages();
  expect(messages.filter(({ role }) => role === "user")).toHaveLength(2);
  const parts = messages.flatMap((one) => one.parts);
  const results = parts.flatMap((part) => (part.type === "toolResult" ? [part.toolCallId] : []));
  for (const part of parts) {
    if (part.type !== "toolCall") continue;
    expect(["completed", "failed", "denied", "cancelled"]).toContain(part.state);
    expect(results).toContain(part.toolCallId);
  }
  const told = lost.house.server.events("runComplete").filter(({ runId }) => runId === "r");
  expect(new Set(told.map(({ completionId }) => completionId)).size).toBe(1);
  await lost.house.server.close();
  expect(processesWith(lost.seconds)).toEqual([]);
}

const interrupted = some("the answer to session/new", "a permission");
const goneOn = some("session/new", "the prompt", "an open call", "a permission", "the answer");

describe("a server that is lost while an engine's turn is at", () => {
  it.concurrent.each(interrupted)(
    "$at interrupts it, and its prompt is not sent again",
    async (moment) => {
      const lost = await lose(moment);
      const { completion, session } = lost;
      if (moment.at !== "the answer" || completion.status !== "succeeded") {
        expect(completion).toMatchObject({ status: "interrupted", cause: "crash" });
      }
      const times = timesSent(lost);
      if (moment.hasPrompt === undefined) expect(times).toBeLessThanOrEqual(1);
      else expect(times).toBe(moment.hasPrompt ? 1 : 0);
      await expectWhole(lost, session);
    },
  );

  it.concurrent.each(goneOn)(
    "$at goes on where it may, and sends the prompt once",
    async (moment) => {
      const { script } = moment;
      const lost = await lose(moment, { onServerLoss: "continue" });
      const { completion, session, house } = lost;
      if (moment.at === "the answer" && completion.continuations === undefined) {
        expect(completion).toMatchObject({ status: "succeeded", text: "so far" });
      } else {
        expect(completion).toMatchObject({ status: "succeeded", continuations: 1 });
        const times = timesSent(lost);
        const ours = prompts(lost).filter((line) => line.includes("your work was cut off")).length;
        if (script !== undefined) expect([times, ours]).toEqual([1, 1]);
        else if (moment.hasPrompt === false) expect([times, ours]).toEqual([1, 0]);
        else expect(times).toBeLessThanOrEqual(1);
        // A program notes at its start which of those before it live.
        expect(house.seen.filter((line) => line.startsWith("alive"))).toEqual([]);
      }
      await expectWhole(lost, session);
    },
  );
});
