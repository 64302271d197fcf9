// What protocol.md section 7 promises of questions that wait, step by step beside real desks of two
// servers over one file.
import { join } from "node:path";
import { PassThrough } from "node:stream";
import fc from "fast-check";
import { expect } from "vitest";
import { createMessageConnection, type MessageConnection } from "vscode-jsonrpc/node";
import { DomainError } from "../../src/base/errors.js";
import type { PermissionAnswer, PermissionQuestion } from "../../src/protocol/registry.js";
import type { Askable } from "../../src/rpc/askable.js";
import { AskingDesk } from "../../src/rpc/askingDesk.js";
import { ConnectionStore } from "../../src/storage/connectionStore.js";
import { Database } from "../../src/storage/database.js";
import { QuestionStore } from "../../src/storage/questionStore.js";
import { RunStore } from "../../src/storage/runStore.js";
import { ServerRegistry } from "../../src/storage/serverRegistry.js";
import { bashQuestion } from "../helpers/bashQuestion.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { promisesHaveRun, VirtualScheduler } from "../helpers/virtualScheduler.js";

const client = fc.constantFrom("ada", "ben");
const pick = fc.nat({ max: 20 });
const server = fc.constantFrom(0, 1);
const step = (type: string, more: Record<string, fc.Arbitrary<unknown>> = {}) =>
  fc.record({ type: fc.constant(type), ...more });

/** One step of a history. */
export interface QuestionStep {
  readonly type: string;
  readonly client?: string;
  readonly pick?: number;
  readonly server?: number;
  readonly seconds?: number;
  readonly ms?: number;
  readonly decision?: "allow" | "deny";
}

const decision = fc.constantFrom("allow", "deny");
export const questionStep = fc.oneof(
  { weight: 6, arbitrary: step("ask", { client, seconds: fc.constantFrom(0, 5, 60) }) },
  { weight: 6, arbitrary: step("connect", { client, server }) },
  { weight: 4, arbitrary: step("leave", { pick }) },
  { weight: 5, arbitrary: step("answer", { pick, decision }) },
  { weight: 2, arbitrary: step("nonsense", { pick }) },
  { weight: 4, arbitrary: step("answerPermission", { client, server, pick, decision }) },
  { weight: 2, arbitrary: step("cancel", { pick }) },
  { weight: 2, arbitrary: step("change", { pick }) },
  { weight: 1, arbitrary: step("decide", { pick }) },
  { weight: 8, arbitrary: step("wait", { ms: fc.constantFrom(0, 1100, 3000, 61_000) }) },
) as fc.Arbitrary<QuestionStep>;

interface Server {
  readonly desk: AskingDesk;
  readonly connections: ConnectionStore;
  readonly id: string;
  close(): void;
}

interface Connection {
  readonly server: Server;
  readonly clientId: string;
  readonly asked: Map<string, (result: unknown) => void>;
  readonly seen: string[];
  leave(): void;
}

interface Asked {
  readonly client: string;
  readonly seconds: number;
  readonly turn: AbortController;
  /** The id that counts now, and those that it had. */
  id: string;
  readonly ids: string[];
  /** Set once something else would happen, or nobody needs to be asked. */
  next: "same" | "changed" | "decided";
  settled?: { readonly answer: PermissionAnswer | undefined } | "cancelled";
  /** Since when no connection of its client lives; undefined while one does. */
  aloneSince: number | undefined;
  /** Every valid answer that was given to it. */
  readonly given: PermissionAnswer[];
  /** The answer that `answerPermission` has confirmed, and to which id. */
  confirmed?: { readonly id: string; readonly answer: PermissionAnswer };
}

/** One history: the first server runs the runs, the second serves the same clients. */
export class QuestionHistory {
  readonly #clock = new VirtualScheduler();
  readonly #servers: readonly Server[];
  readonly #runs: RunStore;
  readonly #database: Database;
  readonly #open: MessageConnection[] = [];
  #connections: Connection[] = [];
  readonly #asked: Asked[] = [];
  #lastId = 0;

  constructor(directory: string) {
    const made = ["srv_1", "srv_2"].map((id) => this.#server(directory, id));
    this.#servers = made.map(({ server: one }) => one);
    const [first] = made;
    if (first === undefined) throw new Error("no server");
    this.#database = first.database;
    this.#runs = new RunStore(first.database);
  }

  #server(directory: string, id: string) {
    const database = Database.open(join(directory, "turnwire.db"));
    const registry = ServerRegistry.register(database, directory, { id, now: this.#clock.now() });
    const connections = new ConnectionStore(database);
    const book = new QuestionStore(database, registry);
    const desk = new AskingDesk({ clock: this.#clock, log: recordingLog().log, book });
    const close = () => {
      registry.close(this.#clock.now());
      database.close();
    };
    return { database, server: { desk, connections, id, close } };
  }

  /** Takes one step, and checks what must hold then. */
  async take(taken: QuestionStep): Promise<void> {
    const connection = this.#connections[(taken.pick ?? 0) % this.#connections.length];
    const asked = this.#asked[(taken.pick ?? 0) % this.#asked.length];
    const decided = { decision: taken.decision ?? "deny" };
    if (taken.type === "ask") this.#ask(taken.client ?? "", taken.seconds ?? 0);
    if (taken.type === "connect") this.#connect(taken.client ?? "", taken.server ?? 0);
    if (taken.type === "leave" && connection !== undefined) this.#leave(connection);
    if (taken.type === "answer") this.#reply(connection, decided);
    if (taken.type === "nonsense") this.#reply(connection, { decision: "perhaps" });
    if (taken.type === "answerPermission") this.#answerPermission(taken, asked, decided);
    if (taken.type === "cancel") asked?.turn.abort(new Error("cancelled"));
    if (taken.type === "change" && asked?.next === "same") asked.next = "changed";
    if (taken.type === "decide" && asked !== undefined) asked.next = "decided";
    if (taken.type === "wait") await this.#wait(taken.ms ?? 0);
    await this.#settle();
    this.#check();
  }

  #ask(clientId: string, seconds: number): void {
    const turn = new AbortController();
    const id = this.#newId();
    const asked: Asked = {
      client: clientId,
      seconds,
      turn,
      id,
      ids: [id],
      next: "same",
      given: [],
      aloneSince: this.#isThere(clientId) ? undefined : this.#clock.now(),
    };
    this.#asked.push(asked);
    const position = this.#database.write(() =>
      this.#runs.insert({
        workspaceId: "w",
        sessionId: "s",
        runId: id,
        clientId,
        serverId: "srv_1",
        kind: "prompt",
        promptHash: "",
        options: undefined,
        state: "running",
        acceptedAt: this.#clock.now(),
      }),
    );
    const run = { position, clientId, permissionSeconds: seconds };
    const anew = async () => {
      if (asked.next === "decided") return undefined;
      if (asked.next === "changed") {
        asked.id = this.#newId();
        asked.ids.push(asked.id);
        asked.next = "same";
      }
      return bashQuestion(asked.id);
    };
    this.#servers[0]?.desk.ask(run, bashQuestion(id), turn.signal, anew).then(
      (answer) => this.#end(asked, position, { answer }),
      () => this.#end(asked, position, "cancelled"),
    );
  }

  #end(asked: Asked, position: number, how: NonNullable<Asked["settled"]>): void {
    expect(asked.settled, "a question settles once").toBeUndefined();
    asked.settled = how;
    const { confirmed } = asked;
    if (how !== "cancelled" && confirmed?.id === asked.id && asked.next !== "decided") {
      expect(how.answer, "what was confirmed counts").toEqual(confirmed.answer);
    }
    this.#runs.setState(position, "completed");
  }

  #newId(): string {
    return `per_${++this.#lastId}`;
  }

  #connect(clientId: string, at: number): void {
    const own = this.#servers[at];
    if (own === undefined || this.#connections.length >= 5) return;
    const [up, down] = [new PassThrough(), new PassThrough()];
    const connection = createMessageConnection(up, down);
    const other = createMessageConnection(down, up);
    this.#open.push(connection, other);
    const asked = new Map<string, (result: unknown) => void>();
    const seen: string[] = [];
    other.onRequest("requestPermission", ({ permissionId }: PermissionQuestion, token) => {
      seen.push(permissionId);
      return new Promise((resolve) => {
        asked.set(permissionId, resolve);
        token.onCancellationRequested(() => asked.delete(permissionId));
      });
    });
    const askable: Askable = { clientId, canAnswer: true, canGiveInput: false, connection };
    const forget = own.desk.add(askable);
    connection.listen();
    other.listen();
    own.connections.add(own.id, clientId, this.#clock.now());
    own.desk.identified(askable);
    const leave = () => {
      forget();
      const isLast = !this.#connections.some(
        (one) => one.server === own && one.clientId === clientId,
      );
      if (isLast) own.connections.remove(own.id, clientId, this.#clock.now());
      connection.dispose();
    };
    this.#connections.push({ server: own, clientId, asked, seen, leave });
    for (const one of this.#asked) if (one.client === clientId) one.aloneSince = undefined;
  }

  #leave(connection: Connection): void {
    this.#connections = this.#connections.filter((one) => one !== connection);
    connection.leave();
    if (this.#isThere(connection.clientId)) return;
    for (const one of this.#asked) {
      if (one.client === connection.clientId) one.aloneSince ??= this.#clock.now();
    }
  }

  #isThere(clientId: string): boolean {
    return this.#connections.some((one) => one.clientId === clientId);
  }

  #reply(connection: Connection | undefined, result: { decision: string }): void {
    const [id, resolve] = [...(connection?.asked ?? [])][0] ?? [];
    if (id === undefined || resolve === undefined) return;
    connection?.asked.delete(id);
    const about = this.#asked.find((one) => one.ids.includes(id));
    const isValid = result.decision !== "perhaps";
    if (isValid && about?.id === id) about.given.push(result as PermissionAnswer);
    resolve(result);
  }

  /** What is answered to `answerPermission` must be true, whoever sends it and whenever. */
  #answerPermission(taken: QuestionStep, asked: Asked | undefined, given: PermissionAnswer): void {
    const at = this.#servers[taken.server ?? 0];
    if (asked === undefined || at === undefined) return;
    const id = asked.ids[(taken.pick ?? 0) % asked.ids.length] ?? "";
    const mayBe = asked.client === taken.client && asked.settled === undefined && id === asked.id;
    try {
      at.desk.answer({ permissionId: id, ...given }, taken.client ?? "");
      expect(mayBe, `${id} is open, and of ${taken.client}`).toBe(true);
      asked.given.push(given);
      asked.confirmed ??= { id, answer: given };
      if (asked.confirmed.id !== id) asked.confirmed = { id, answer: given };
      else expect(asked.confirmed.answer, "only one answer is confirmed").toBe(given);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      expect(error.name).toBe("PermissionNotFound");
    }
  }

  async #wait(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 500) {
      await this.#clock.advance(Math.min(left, 500));
      for (const { desk } of this.#servers) desk.lookAtOthers();
      await this.#settle();
    }
  }

  async #settle(): Promise<void> {
    for (let times = 0; times < 6; times++) {
      await promisesHaveRun();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  #check(): void {
    for (const asked of this.#asked) {
      const { settled, given, client: owner, seconds, ids } = asked;
      const strangers = this.#connections.filter(({ clientId }) => clientId !== owner);
      if (seconds > 0) {
        const overheard = strangers.flatMap(({ seen }) => seen.filter((id) => ids.includes(id)));
        expect(overheard, "what a stranger was asked").toEqual([]);
      }
      const { aloneSince = this.#clock.now() } = asked;
      const aloneMs = this.#clock.now() - aloneSince;
      if (settled === undefined && seconds === 0) {
        const here = this.#connections.filter(({ server }) => server === this.#servers[0]);
        expect(here, `${ids} is put to somebody`).not.toEqual([]);
        continue;
      }
      if (settled === undefined) {
        expect(aloneMs, `${ids} waits no longer than it may`).toBeLessThan(seconds * 1000 + 4000);
        continue;
      }
      if (settled === "cancelled" || settled.answer === undefined) continue;
      expect(given, "the answer is one that was given").toContainEqual(settled.answer);
    }
    this.#checkLists();
  }

  /** Both servers list the same questions of a client once each has looked. */
  #checkLists(): void {
    for (const clientId of ["ada", "ben"]) {
      const own = this.#asked.filter((one) => one.client === clientId && !one.settled);
      const listed = (at: Server | undefined) =>
        at?.desk.list({}, clientId).permissions.map(({ permissionId }) => permissionId);
      const all = new Set(listed(this.#servers[0]));
      expect(own.map(({ id }) => id)).toEqual(expect.arrayContaining([...all]));
      // One that the other server has an answer of is settled a moment later.
      const isOpen = ({ given }: Asked) => given.length === 0;
      expect([...all]).toEqual(expect.arrayContaining(own.filter(isOpen).map(({ id }) => id)));
      const stored = own.filter(({ seconds, id }) => seconds > 0 && id);
      for (const id of listed(this.#servers[1]) ?? []) {
        expect(
          stored.map((one) => one.id),
          "what the other server lists",
        ).toContain(id);
      }
    }
  }

  /** Whether every question has come to an end, once all time that any had is over. */
  async end(): Promise<void> {
    for (const connection of [...this.#connections]) this.#leave(connection);
    await this.#wait(66_000);
    expect(this.#asked.filter(({ settled }) => settled === undefined)).toEqual([]);
    const left = this.#database.prepare("SELECT permissionId FROM questions").all();
    expect(left, "what is left in the file").toEqual([]);
  }

  close(): void {
    for (const one of this.#open) one.dispose();
    for (const one of this.#servers) one.close();
  }
}
