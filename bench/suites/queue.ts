// What a prompt costs by what waits before it on its session, and by how many workspaces are open.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { makePlace, Provider, type Server, startServer } from "../contestants.js";
import { type BenchContext, type Findings, median, type Row, type Suite } from "../measure.js";

export const queue: Suite = { name: "queue", run };

const suite = "queue";
const mostQueued = 1_000;
const groups = 10;

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const place = makePlace(context.makeFolder(), provider);
  const server = startServer(place);
  await server.greet();
  const waiting = await queueUp(server);
  await server.end();
  const open = await manyWorkspaces(context, provider);
  await provider.end();
  const first = waiting[0] ?? Number.NaN;
  const last = waiting.at(-1) ?? Number.NaN;
  const flat = { kind: "ratioAtMost", limit: 1.5 } as const;
  const rows: Row[] = [
    {
      suite,
      what: "a prompt behind 900 to 1,000 others",
      unit: "ms",
      rule: flat,
      ours: last,
      floor: first,
      note: "floor: behind none to 100",
    },
    {
      suite,
      what: "a turn with 200 workspaces open",
      unit: "ms",
      rule: flat,
      ours: open.many,
      floor: open.one,
      note: "floor: with one",
    },
  ];
  const size = mostQueued / groups;
  return {
    rows,
    plots: [
      {
        file: "queue.svg",
        title: "From `sendMessage` to its answer, by what waits on the session",
        xLabel: "prompts that wait",
        yLabel: "ms",
        series: [{ name: "Turnwire", points: waiting.map((ms, group) => [group * size, ms]) }],
      },
    ],
  };
}

/** The median time to accept a prompt, by hundreds of prompts that wait already. */
async function queueUp(server: Server): Promise<number[]> {
  const { ids } = await server.session();
  const send = (runId: string, prompt: string) =>
    server.peer.request("sendMessage", { ...ids, prompt, runId });
  for (let warm = 0; warm < 50; warm++) await server.turn(ids, "chunks 1 20");
  // The first one runs until it is cancelled, and everything else waits behind it.
  await send("runs", "chunks 100000 20 50");
  const medians: number[] = [];
  for (let group = 0; group < groups; group++) {
    const samples: number[] = [];
    for (let index = 0; index < mostQueued / groups; index++) {
      const begun = performance.now();
      await send(`queued-${group}-${index}`, "chunks 1 20");
      samples.push(performance.now() - begun);
    }
    medians.push(median(samples));
  }
  await server.peer.request("cancelSession", ids);
  return medians;
}

async function manyWorkspaces(context: BenchContext, provider: Provider) {
  const turns = context.isQuick ? 30 : 100;
  const place = makePlace(context.makeFolder(), provider);
  const server = startServer(place);
  await server.greet();
  const session = await server.session();
  const cost = async () => {
    const samples: number[] = [];
    for (let turn = 0; turn < turns; turn++) samples.push((await session.turn("chunks 1 20")).ms);
    return median(samples);
  };
  await cost();
  const one = await cost();
  for (let index = 0; index < 199; index++) {
    const path = join(place.workspace, String(index));
    mkdirSync(path);
    await server.open(path);
  }
  await cost();
  const many = await cost();
  await server.end();
  return { one, many };
}
