// Makes a session's title: at once from its first prompt, and then with the small model, in the
// background.
import { setMaxListeners } from "node:events";
import { messageOf } from "../base/errors.js";
import type { Log } from "../base/log.js";
import { clipCharacters, cutText } from "../base/text.js";
import type { Turn } from "../engine/engine.js";
import type { AcceptedRun } from "./acceptedRun.js";
import type { CoordinatorOptions } from "./coordinatorOptions.js";
import { endedElsewhere, takenOver } from "./endedElsewhere.js";
import { PatientWrites } from "./patientWrites.js";

const maxLength = 80;
/** How much of a prompt is looked at: its first line may have megabytes. */
const mostLooked = 10_000;

type TitleOptions = Pick<
  CoordinatorOptions,
  "workspaceId" | "serverId" | "database" | "commits" | "runs" | "sessions" | "clock" | "log"
>;

/** The first turn of a session. */
interface TitledTurn {
  readonly run: Pick<AcceptedRun, "ref" | "epoch" | "isLost" | "hasEndedHere">;
  readonly turn: Turn;
  readonly writes: PatientWrites;
  readonly log: Log;
}

/** Gives sessions their titles. */
export class TitleKeeper {
  readonly #options: TitleOptions;
  readonly #tell: (sessionId: string) => void;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<void>>();

  constructor(options: TitleOptions, tell: (sessionId: string) => void) {
    this.#options = options;
    this.#tell = tell;
    // Any number of sessions may begin at once: Node would warn of a leak on stderr.
    setMaxListeners(0, this.#closing.signal);
  }

  /**
   * Makes the title of a session whose first turn begins with `prompt`, through that turn's
   * `writes`. Never waits.
   */
  begin(sessionId: string, prompt: string, titled: TitledTurn): void {
    const { writes, log } = titled;
    const { sessions, workspaceId } = this.#options;
    if (this.#closing.signal.aborted) return;
    if (sessions.text(workspaceId, sessionId, "title") !== "") return;
    const provisional = firstLine(prompt);
    if (provisional === "") return;
    writes.write(() => this.#suggest(sessionId, provisional));
    const task = this.#ask(sessionId, prompt, titled)
      .catch((error: unknown) => {
        log.debug({ reason: messageOf(error) }, "no title from the model");
      })
      .finally(() => this.#underWay.delete(task));
    this.#underWay.add(task);
  }

  async #ask(sessionId: string, prompt: string, { run, turn }: TitledTurn) {
    const { sessions, clock } = this.#options;
    const { signal } = this.#closing;
    // The turn may be over by then, and its writes with it.
    const writes = new PatientWrites({ ...this.#options, refuse: () => this.#refuse(run) });
    const usageSink = {
      addUsage: (usage: { promptTokens: number; completionTokens: number; cost: number }) =>
        writes.write(() => sessions.addUsage(sessionId, usage, clock.now())),
    };
    try {
      const title = await turn.title(prompt, usageSink, signal);
      if (title === undefined || signal.aborted) return;
      writes.write(() => this.#suggest(sessionId, title));
      await writes.stored(signal);
    } finally {
      writes.close();
    }
  }

  /** A session that another server has by now, or has ended the run of, gets no title from here. */
  #refuse({ ref, epoch, isLost, hasEndedHere }: TitledTurn["run"]): void {
    const { runs, serverId } = this.#options;
    if (isLost) throw takenOver();
    if (!hasEndedHere && !runs.isOwned(ref.position, { serverId, epoch })) throw endedElsewhere();
  }

  #suggest(sessionId: string, title: string): void {
    const { sessions, database, clock } = this.#options;
    database.write(() => {
      if (!sessions.suggestTitle(sessionId, title, clock.now())) return;
      database.afterCommit(() => this.#tell(sessionId));
    });
  }

  /** Ends the running title calls. */
  async close(): Promise<void> {
    this.#closing.abort(new Error("the workspace is closing"));
    await Promise.all(this.#underWay);
  }
}

function firstLine(prompt: string): string {
  const line =
    cutText(prompt.trimStart(), mostLooked)
      .trim()
      .split(/[\r\n\u2028\u2029]/, 1)[0] ?? "";
  return clipCharacters(line.replaceAll(/[\s\p{Cc}]+/gu, " ").trim(), maxLength);
}
