// What a data directory that has been used for years costs: the start, `createSession`, a turn and a
// page of `listSessions`, against the same with nothing stored.
import { makePlace, Provider, type Server, type ServerPlace, startServer } from "../contestants.js";
import {
  type BenchContext,
  type Findings,
  interleaved,
  median,
  type Row,
  type Suite,
} from "../measure.js";
import { fillRuns, fillStore, makeUsed, storedSessionId } from "./fillStore.js";

export const stored: Suite = { name: "stored", run };

const messagesEach = 10;
/** The runs that a session has had which is used for months. */
const runsBefore = 10_000;

interface Costs {
  readonly what: string;
  readonly rounds: number;
  of(server: Server, workspaceId: string): Promise<number>;
}

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const sizes = context.isQuick ? [20_000] : [1_000, 10_000, 100_000];
  const rows: Row[] = [];
  const points: [number, number][] = [];
  for (const size of sizes) {
    context.say(`  with ${size} sessions`);
    const places = {
      none: makePlace(context.makeFolder(), provider),
      many: makePlace(context.makeFolder(), provider),
    };
    const workspaceId = await makeUsed(places.many);
    await makeUsed(places.none);
    fillStore(places.many, workspaceId, { sessions: size, messagesEach });
    fillRuns(places.many, workspaceId, storedSessionId(0), runsBefore);
    const found = await compare(context, places, provider, size);
    const turn = found.find(({ what }) => what.startsWith("a turn"));
    if (turn !== undefined) points.push([size, turn.ours]);
    if (size === sizes.at(-1)) rows.push(...found);
  }
  await provider.end();
  return {
    rows,
    plots: [
      {
        file: "stored.svg",
        title: "A one-chunk turn, by what is stored",
        xLabel: "stored sessions, ten messages each",
        yLabel: "ms",
        series: [{ name: "Turnwire", points }],
      },
    ],
  };
}

async function compare(
  context: BenchContext,
  places: { none: ServerPlace; many: ServerPlace },
  provider: Provider,
  size: number,
): Promise<Row[]> {
  const suite = "stored";
  const among = `${size.toLocaleString("en")} sessions, ${(size * messagesEach).toLocaleString("en")} messages`;
  const note = `${among}; floor: none`;
  const rule = { kind: "ratioAtMost", limit: 1.3 } as const;
  const begin = (place: ServerPlace) => async () => {
    const begun = performance.now();
    const server = startServer(place);
    await server.greet();
    const ms = performance.now() - begun;
    await server.end();
    return ms;
  };
  const starts = await interleaved(
    context.isQuick ? 7 : 15,
    begin(places.none),
    begin(places.many),
  );
  const row = (what: string, ms: { floor: number[]; ours: number[] }): Row => ({
    suite,
    what,
    note,
    unit: "ms",
    rule,
    floor: median(ms.floor),
    ours: median(ms.ours),
  });
  const rows = [row("start", starts)];
  const servers = { none: startServer(places.none), many: startServer(places.many) };
  for (const one of Object.values(servers)) await one.greet();
  const workspaces = {
    none: await servers.none.open(places.none.workspace),
    many: await servers.many.open(places.many.workspace),
  };
  for (const { what, rounds, of } of costs(provider)) {
    const none = () => of(servers.none, workspaces.none);
    const many = () => of(servers.many, workspaces.many);
    await interleaved(5, none, many);
    rows.push(row(what, await interleaved(rounds, none, many)));
  }
  const turnIn = (index: number) => async () => {
    const ids = { workspaceId: workspaces.many, sessionId: storedSessionId(index) };
    const { ms } = await servers.many.turn(ids, "chunks 1 20");
    return netOf(ms, provider);
  };
  await interleaved(5, turnIn(1), turnIn(0));
  const before = runsBefore.toLocaleString("en");
  const what = `a turn in a session that had ${before} runs (floor: none)`;
  rows.push({ ...row(what, await interleaved(40, turnIn(1), turnIn(0))), note: among });
  await Promise.all(Object.values(servers).map((one) => one.end()));
  return rows;
}

/** A turn's time without the provider's own. */
async function netOf(ms: number, provider: Provider): Promise<number> {
  const [own = 0] = await provider.takeTimes();
  return ms - own;
}

function costs(provider: Provider): Costs[] {
  const timed = async (work: () => Promise<unknown>) => {
    const begun = performance.now();
    await work();
    return performance.now() - begun;
  };
  return [
    {
      what: "`createSession`",
      rounds: 100,
      of: (server, workspaceId) => timed(() => server.sessionIn(workspaceId)),
    },
    {
      what: "a turn of one chunk",
      rounds: 40,
      async of(server, workspaceId) {
        const session = await server.sessionIn(workspaceId);
        const { ms } = await session.turn("chunks 1 20");
        return netOf(ms, provider);
      },
    },
    {
      what: "a page of `listSessions`",
      rounds: 40,
      of: (server, workspaceId) =>
        timed(() => server.peer.request("listSessions", { workspaceId, limit: 20 })),
    },
  ];
}
