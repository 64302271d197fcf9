import { PassThrough } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createMessageConnection, type MessageConnection } from "vscode-jsonrpc/node";
import { AskingDesk } from "../../src/rpc/askingDesk.js";
import { bashQuestion } from "../helpers/bashQuestion.js";
import { ManualClock } from "../helpers/manualClock.js";
import { recordingLog } from "../helpers/recordingLog.js";
import { promisesHaveRun } from "../helpers/virtualScheduler.js";

const question = bashQuestion("p");
const never = new AbortController().signal;
/** A run whose questions do not wait. */
const runOf = (clientId: string) => ({ position: 1, clientId, permissionSeconds: 0 });

let desk: AskingDesk;
let log: ReturnType<typeof recordingLog>;
const connections: MessageConnection[] = [];

beforeEach(() => {
  log = recordingLog();
  desk = new AskingDesk({ clock: new ManualClock(), log: log.log });
});

afterEach(() => {
  for (const connection of connections.splice(0)) connection.dispose();
});

/** A connection to a client that is known at the desk. */
function client(clientId: string, canAnswer = true, canGiveInput = true) {
  const [up, down] = [new PassThrough(), new PassThrough()];
  const connection = createMessageConnection(up, down);
  const other = createMessageConnection(down, up);
  connections.push(connection, other);
  const leave = desk.add({ clientId, canAnswer, canGiveInput, connection });
  connection.listen();
  return { connection, other, leave };
}

/** A client that gives this answer. */
function answering(clientId: string, answer: unknown) {
  const { other, ...rest } = client(clientId);
  other.onRequest("requestPermission", () => answer);
  other.listen();
  return rest;
}

describe("a question", () => {
  it("goes to the client that sent the prompt", async () => {
    answering("ada", { decision: "deny" });
    answering("ben", { decision: "allow", message: "go" });
    expect(await desk.ask(runOf("ben"), question, never)).toEqual({
      decision: "allow",
      message: "go",
    });
  });

  it("goes to whoever is there where that one is not", async () => {
    answering("ada", { decision: "allowForSession" });
    expect(await desk.ask(runOf("ben"), question, never)).toEqual({ decision: "allowForSession" });
  });

  it("goes to nobody else where the clients are strangers", async () => {
    desk = new AskingDesk({ clock: new ManualClock(), log: log.log, isShared: true });
    answering("ada", { decision: "allow" });
    expect(await desk.ask(runOf("ben"), question, never)).toBeUndefined();
  });

  it("goes to all connections of the client: the first valid answer counts", async () => {
    const silent = client("ada");
    const withdrawn = new Promise<boolean>((resolve) => {
      silent.other.onRequest("requestPermission", (_params, token) => {
        token.onCancellationRequested(() => resolve(true));
        return new Promise(() => {});
      });
    });
    silent.other.listen();
    answering("ada", { decision: "perhaps" });
    answering("ada", { decision: "allow" });
    expect(await desk.ask(runOf("ada"), question, never)).toEqual({ decision: "allow" });
    expect(await withdrawn).toBe(true);
  });

  it("has no answer where all connections of the client give none", async () => {
    answering("ada", { decision: "perhaps" });
    answering("ada", {});
    expect(await desk.ask(runOf("ada"), question, never)).toBeUndefined();
  });

  it("has no answer where nobody is connected", async () => {
    const { leave } = answering("ada", { decision: "allow" });
    leave();
    expect(await desk.ask(runOf("ada"), question, never)).toBeUndefined();
  });

  it("is not put to a client that said it cannot answer", async () => {
    const { other } = client("ada", false);
    let asked = 0;
    other.onRequest("requestPermission", () => ({ decision: "allow", asked: asked++ }));
    other.listen();
    expect(await desk.ask(runOf("ada"), question, never)).toBeUndefined();
    expect(asked).toBe(0);
  });

  it.each([
    ["a malformed answer", { decision: "maybe" }],
    ["no answer at all", null],
    ["a text", "allow"],
  ])("with %s has none", async (_, answer) => {
    answering("ada", answer);
    expect(await desk.ask(runOf("ada"), question, never)).toBeUndefined();
    expect(log.messages).toEqual(["a question got a malformed answer"]);
  });

  it("that the client has no handler for has none", async () => {
    client("ada").other.listen();
    expect(await desk.ask(runOf("ada"), question, never)).toBeUndefined();
    expect(log.messages).toEqual(["a question was not answered"]);
  });

  it("to a client that goes away has none", async () => {
    const { connection, other } = client("ada");
    other.onRequest("requestPermission", () => new Promise(() => {}));
    other.listen();
    const answer = desk.ask(runOf("ada"), question, never);
    await promisesHaveRun();
    connection.dispose();
    expect(await answer).toBeUndefined();
  });

  it("to a client that has gone already, but is still known here, has none", async () => {
    const { connection } = client("ada");
    connection.dispose();
    expect(await desk.ask(runOf("ada"), question, never)).toBeUndefined();
  });
});

describe("a question that is withdrawn", () => {
  it("rejects with the turn's reason, and the client is told so", async () => {
    const { other } = client("ada");
    let wasCancelled = false;
    other.onRequest("requestPermission", (_params, token) => {
      token.onCancellationRequested(() => {
        wasCancelled = true;
      });
      return new Promise(() => {});
    });
    other.listen();
    const turn = new AbortController();
    const answer = desk.ask(runOf("ada"), question, turn.signal);
    await promisesHaveRun();
    turn.abort(new Error("cancelled (user)"));
    await expect(answer).rejects.toThrow("cancelled (user)");
    while (!wasCancelled) await promisesHaveRun();
  });

  it("is not asked where the turn was cancelled before", async () => {
    const { other } = client("ada");
    let asked = 0;
    other.onRequest("requestPermission", () => ({ decision: "allow", asked: asked++ }));
    other.listen();
    const turn = AbortSignal.abort(new Error("cancelled (user)"));
    await expect(desk.ask(runOf("ada"), question, turn)).rejects.toThrow("cancelled (user)");
    expect(asked).toBe(0);
  });

  it("is not changed by an answer that comes later", async () => {
    const { other } = client("ada");
    let answerNow: (value: object) => void = () => {};
    other.onRequest("requestPermission", () => new Promise((resolve) => (answerNow = resolve)));
    other.listen();
    const turn = new AbortController();
    const answer = desk.ask(runOf("ada"), question, turn.signal);
    await promisesHaveRun();
    turn.abort(new Error("cancelled (user)"));
    answerNow({ decision: "allow" });
    await expect(answer).rejects.toThrow("cancelled (user)");
    await promisesHaveRun();
  });
});

describe("a question of a tool server", () => {
  const head = { inputId: "inp_1", workspaceId: "w", sessionId: "s" };
  const input = { ...head, message: "Which?", schema: { type: "object" } };

  it("goes to a client that says that it can answer, and to no other", async () => {
    const able = client("ada");
    able.other.onRequest("requestInput", () => ({ action: "accept", content: { n: 1 } }));
    able.other.listen();
    client("ben", true, false).other.listen();
    expect(await desk.requestInput("ada", input, never)).toEqual({
      action: "accept",
      content: { n: 1 },
    });
    expect(await desk.requestInput("ben", input, never)).toBeUndefined();
  });

  it("has no answer where that is malformed", async () => {
    const { other } = client("ada");
    other.onRequest("requestInput", () => ({ action: "accept", content: { deep: {} } }));
    other.listen();
    expect(await desk.requestInput("ada", input, never)).toBeUndefined();
  });
});
