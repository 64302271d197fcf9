// A turn of the real agent that is lost at each point, and goes on in the next server: what its model is
// sent then is what strict providers take, and what limits it counts on.
import type { LanguageModelV3CallOptions } from "@ai-sdk/provider";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Provider } from "../../src/config/types.js";
import { createLanguageModel } from "../../src/models/createLanguageModel.js";
import { AgentEngine, type AgentEngineOptions, GatedCall } from "../helpers/agentEngine.js";
import { fakeInfo } from "../helpers/agentTurn.js";
import { CoordinatorHouse, temporaryFolder } from "../helpers/coordinatorHouse.js";
import { finish, text, toolCall } from "../helpers/fakeModel.js";
import { RawProvider } from "../helpers/rawProvider.js";
import { expectStrict } from "../helpers/strictRequest.js";
import { CountingIds } from "../helpers/virtualScheduler.js";
import { answerOf, wireFormats } from "../helpers/wireFormats.js";

let folder: ReturnType<typeof temporaryFolder>;
let ids: CountingIds;
let effects: Map<string, number>;
let server: Server | undefined;

/** One server, and the gates of its turn. */
class Server {
  readonly engine: AgentEngine;
  readonly house: CoordinatorHouse;

  constructor(more: Partial<AgentEngineOptions> = {}) {
    this.engine = new AgentEngine({ effects, ids, ...more });
    this.house = new CoordinatorHouse({ directory: folder.path, ids, engine: this.engine });
  }

  async settle(): Promise<void> {
    // What is streamed is stored a moment later.
    await this.house.clock.advance(300);
    for (let round = 0; round < 4; round++) await this.house.clock.settle();
  }

  get call(): GatedCall {
    const [gate] = this.engine.gates;
    if (!(gate instanceof GatedCall)) throw new Error(`no model call waits, but ${gate?.kind}`);
    return gate;
  }

  /** The model replies, with calls of `write` by these ids. */
  async reply(...callIds: string[]): Promise<void> {
    await this.replyWith(callIds, (id) => id);
  }

  /** The same, with the text of each call. */
  async replyWith(callIds: readonly string[], textOf: (id: string) => string): Promise<void> {
    const parts = callIds.flatMap((id) => toolCall(id, "write", { text: textOf(id) }));
    const reason = callIds.length === 0 ? "stop" : "tool-calls";
    this.engine.reply(
      this.call,
      ...text(callIds.length === 0 ? "done" : "I write"),
      ...parts,
      finish(reason),
    );
    await this.settle();
  }

  /** The tool that waits goes one step further: its permission, its effect, its result. */
  async step(steps: number, isAllowed = true): Promise<void> {
    for (let step = 0; step < steps; step++) {
      const [gate] = this.engine.gates;
      if (gate === undefined || gate instanceof GatedCall) throw new Error("no tool waits");
      this.engine.open(gate, isAllowed);
      await this.settle();
    }
  }

  crash(): void {
    this.house.crash();
  }
}

/** A server whose session `s` has a turn that goes on, at its first model call. */
async function begun(more: Partial<AgentEngineOptions> = {}): Promise<Server> {
  const first = new Server(more);
  first.house.session("s");
  first.house.accept("s", { runId: "r", text: "write", goesOn: true });
  await first.settle();
  return first;
}

/** The next server has taken over. */
async function next(lost: Server, more: Partial<AgentEngineOptions> = {}): Promise<Server> {
  lost.crash();
  const found = new Server(more);
  server = found;
  found.house.coordinator.adopt("s");
  await found.settle();
  return found;
}

beforeEach(() => {
  folder = temporaryFolder();
  ids = new CountingIds();
  effects = new Map();
});

afterEach(async () => {
  await server?.house.close();
  server = undefined;
  folder.remove();
});

/** Where the server is lost; the tools of its last reply, and how many of their steps are left. */
const points: readonly {
  readonly at: string;
  readonly to: (server: Server) => Promise<void>;
  readonly stepsLeft: number;
  /** What the model is told of the calls of the turn. */
  readonly results: readonly RegExp[];
}[] = [
  { at: "before the first reply", to: async () => {}, stepsLeft: 0, results: [] },
  {
    at: "while a reply is streamed",
    to: async (lost) => {
      lost.call.send(...text("I begin"));
      await lost.settle();
    },
    stepsLeft: 0,
    results: [],
  },
  {
    at: "while a call is streamed",
    to: async (lost) => {
      lost.call.send(...text("I begin"), ...toolCall("c0", "write", { text: "a" }).slice(0, 2));
      await lost.settle();
    },
    stepsLeft: 0,
    results: [],
  },
  {
    at: "while a call is pending",
    to: (lost) => lost.reply("c1", "c2"),
    stepsLeft: 6,
    results: [/wrote c1/, /wrote c2/],
  },
  {
    at: "while a call is running",
    to: async (lost) => {
      await lost.reply("c1", "c2");
      await lost.step(1);
    },
    stepsLeft: 3,
    results: [/not known/, /wrote c2/],
  },
  {
    at: "when an effect is done and its result is not stored",
    to: async (lost) => {
      await lost.reply("c1", "c2");
      await lost.step(2);
    },
    stepsLeft: 3,
    results: [/not known/, /wrote c2/],
  },
  {
    at: "when one of two results is stored",
    to: async (lost) => {
      await lost.reply("c1", "c2");
      await lost.step(3);
    },
    stepsLeft: 3,
    results: [/wrote c1/, /wrote c2/],
  },
  {
    at: "when one call was denied",
    to: async (lost) => {
      await lost.reply("c1", "c2");
      await lost.step(1, false);
    },
    stepsLeft: 3,
    results: [/No\./, /wrote c2/],
  },
  {
    at: "behind the results",
    to: async (lost) => {
      await lost.reply("c1", "c2");
      await lost.step(6);
    },
    stepsLeft: 0,
    results: [/wrote c1/, /wrote c2/],
  },
  {
    at: "while the reply behind the results is streamed",
    to: async (lost) => {
      await lost.reply("c1", "c2");
      await lost.step(6);
      lost.call.send(...text("And so"), ...toolCall("c3", "write", { text: "b" }).slice(0, 3));
      await lost.settle();
    },
    stepsLeft: 0,
    results: [/wrote c1/, /wrote c2/],
  },
  {
    at: "when a prompt has joined behind the results",
    to: async (lost) => {
      await lost.reply("c1");
      lost.house.accept("s", { runId: "j", text: "and more", options: { whenBusy: "join" } });
      await lost.step(3);
      lost.call.send(...text("Yes"));
      await lost.settle();
    },
    stepsLeft: 0,
    results: [/wrote c1/],
  },
];

/** The text of each result, in order. */
function resultsIn({ prompt }: LanguageModelV3CallOptions): string[] {
  return prompt.flatMap((message) =>
    message.role === "tool"
      ? message.content.flatMap((part) =>
          part.type === "tool-result" ? JSON.stringify(part.output) : [],
        )
      : [],
  );
}

const formats = wireFormats.filter(({ type }) => type !== "azure" && type !== "vertex");

describe("what a model is sent in a turn that goes on", () => {
  let provider: RawProvider;
  beforeAll(async () => {
    provider = await RawProvider.start();
  });
  afterAll(() => provider.close());

  /** Sends a call to each kind of provider; each of the requests must be what a strict one takes. */
  async function expectAllTake({ prompt, tools }: LanguageModelV3CallOptions): Promise<void> {
    for (const format of formats) {
      provider.usual = answerOf(format, { text: ["Done."] });
      const account: Provider = {
        id: fakeInfo.provider,
        type: format.type,
        headers: {},
        models: [fakeInfo],
        baseUrl: `${provider.origin}${format.path}`,
        apiKey: "key-0123456789",
        ...format.account,
      };
      const model = await createLanguageModel(account, fakeInfo);
      const options = tools === undefined ? { prompt } : { prompt, tools };
      const { stream } = await model.doStream(options);
      for await (const _part of stream);
      expectStrict(format.type, JSON.parse(provider.requests.at(-1)?.body ?? ""));
    }
  }

  it.each(points)("is valid, if the server is lost $at", async ({ to, stepsLeft, results }) => {
    const lost = await begun();
    await to(lost);
    let goesOn = await next(lost);
    await goesOn.step(stepsLeft);
    const { options } = goesOn.call;
    expect(resultsIn(options)).toEqual(results.map((result) => expect.stringMatching(result)));
    await expectAllTake(options);
    // And once more, while the next server streams.
    goesOn.call.send(...text("I see"));
    await goesOn.settle();
    goesOn = await next(goesOn);
    await expectAllTake(goesOn.call.options);
    await goesOn.reply();
    expect(goesOn.house.completion("r")).toMatchObject({ status: "succeeded", continuations: 2 });
    // What the next turn is sent has all of it, too.
    goesOn.house.accept("s", { runId: "later", text: "later" });
    await goesOn.settle();
    await expectAllTake(goesOn.call.options);
    await goesOn.reply();
    for (const [call, count] of effects) expect(count, call).toBe(1);
  });
});

describe("what limits a turn that goes on", () => {
  it("counts its model calls on, and not the one that was cut", async () => {
    const lost = await begun({ maxSteps: 3 });
    await lost.reply("c1");
    await lost.step(3);
    let goesOn = await next(lost, { maxSteps: 3 });
    await goesOn.reply("c2");
    await goesOn.step(1);
    goesOn = await next(goesOn, { maxSteps: 3 });
    await goesOn.reply("c3");
    await goesOn.step(3);
    expect(goesOn.house.completion("r")).toMatchObject({
      status: "failed",
      errorName: "StepLimit",
      continuations: 2,
    });
  });

  it("counts refused permissions on, also those in a row and of the reply that was open", async () => {
    const more = { maxDenials: 4 };
    const lost = await begun(more);
    await lost.reply("c1");
    await lost.step(1, false);
    await lost.reply("c2", "c3");
    await lost.step(1, false);
    let goesOn = await next(lost, more);
    await goesOn.step(1, false);
    goesOn = await next(goesOn, more);
    await goesOn.reply("c4");
    await goesOn.step(1, false);
    expect(goesOn.house.completion("r")).toMatchObject({
      status: "failed",
      errorName: "PermissionDenied",
      denials: 4,
    });
  });

  it("begins the row of refused permissions anew behind an allowed one, before the loss or after", async () => {
    const more = { maxDenials: 2 };
    const lost = await begun(more);
    await lost.reply("c1", "c2");
    await lost.step(1, false);
    await lost.step(3);
    let goesOn = await next(lost, more);
    await goesOn.reply("c3");
    await goesOn.step(1, false);
    goesOn = await next(goesOn, more);
    await goesOn.reply("c4");
    await goesOn.step(3);
    await goesOn.reply();
    expect(goesOn.house.completion("r")).toMatchObject({ status: "succeeded", denials: 2 });
  });

  it.each([2, 3])(
    "counts a repeated call on, with the note of the model behind it (lost in reply %i)",
    async (at) => {
      let goesOn = await begun();
      for (let reply = 1; reply <= 5; reply++) {
        await goesOn.replyWith([`c${reply}`], () => "same");
        if (reply === at) goesOn = await next(goesOn);
        await goesOn.step(3);
        if (reply === at + 1) goesOn = await next(goesOn);
      }
      expect(goesOn.house.completion("r")).toMatchObject({
        status: "failed",
        errorName: "ToolLoop",
        continuations: 2,
      });
    },
  );
});
