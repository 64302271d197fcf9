// An editor's window closes: the agent is killed in mid-turn, at random moments. Whatever was accepted
// ends, and is told by the next `session/load`; what is told twice carries the same completion id.
// `npm run test:crash` plays it 200 times.
import { afterAll, expect, it } from "vitest";
import { isLong } from "../crash/longRun.js";
import { SeededRandom } from "../helpers/seededRandom.js";
import { Editor, endEditors, makeFolder } from "./editor.js";

afterAll(endEditors);

const rounds = isLong ? 200 : 8;

it(`loses no turn in ${rounds} kills`, { timeout: isLong ? 1_200_000 : 180_000 }, async () => {
  const random = new SeededRandom(2811);
  const dataDir = makeFolder();
  const cwd = makeFolder();
  const told = new Told();
  let sessionId: string | undefined;
  /** How long a whole turn takes here, and a half: within it an editor is killed. */
  let mostMs = 0;
  for (let round = 0; round < rounds; round++) {
    const editor = new Editor({ dataDir, args: ["--log-level", "warn"] });
    await editor.greet();
    if (sessionId === undefined) {
      ({ sessionId } = await editor.agent.request("session/new", { cwd, mcpServers: [] }));
    } else {
      await editor.agent.request("session/load", { sessionId, cwd, mcpServers: [] });
      // The turn that was killed is told by this load, if it had been accepted at all.
      told.note(editor, sessionId);
    }
    const begun = performance.now();
    const outcome = editor
      .prompt(sessionId, `@say ${round}\n@wait 40\n@tool ls {}\n@say end`)
      .then(({ _meta }) => told.add(_meta))
      // Killed before its answer.
      .catch(() => {});
    const moment = new Promise((resolve) => setTimeout(resolve, random.between(0, mostMs)));
    // The first turn is measured.
    await (round === 0 ? outcome : Promise.race([outcome, moment]));
    if (round === 0) mostMs = Math.round(1.5 * (performance.now() - begun));
    await editor.kill();
    await outcome;
  }
  const last = new Editor({ dataDir });
  await last.greet();
  await last.agent.request("session/load", { sessionId: sessionId ?? "", cwd, mcpServers: [] });
  told.note(last, sessionId ?? "");
  const prompts = last
    .updates(sessionId ?? "")
    .filter(({ sessionUpdate }) => sessionUpdate === "user_message_chunk").length;
  expect(prompts).toBeGreaterThan(1);
  // Every prompt that the session has was told to have ended, and each end has one id.
  expect(told.runs).toBeGreaterThanOrEqual(prompts);
  expect(told.runsWithSeveralEnds).toEqual([]);
});

/** The ends that editors were told of, by their runs. */
class Told {
  readonly #ends = new Map<string, Set<string>>();

  /** What an editor was told by updates. */
  note(editor: Editor, sessionId: string): void {
    for (const { _meta } of editor.updates(sessionId)) this.add(_meta);
  }

  add(meta: { [key: string]: unknown } | null | undefined): void {
    const own = meta?.["turnwire.dev"] as { runId: string; completionId: string } | undefined;
    if (own === undefined) return;
    const ends = this.#ends.get(own.runId) ?? new Set();
    this.#ends.set(own.runId, ends.add(own.completionId));
  }

  get runs(): number {
    return this.#ends.size;
  }

  get runsWithSeveralEnds(): string[] {
    return [...this.#ends].flatMap(([runId, ends]) => (ends.size > 1 ? [runId] : []));
  }
}
