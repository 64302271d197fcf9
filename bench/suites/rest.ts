// Resident memory of a server at rest: what work has taken is given back within 20 seconds. Each
// measurement has a server of its own, and they run side by side, because most of their time is waiting.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { makePlace, Provider, type Server, startServer } from "../contestants.js";
import type { BenchContext, Findings, Row, Rule, Suite } from "../measure.js";
import { type MemoryRow, wait } from "./memoryRow.js";
import { soakRows } from "./soak.js";

export const rest: Suite = { name: "rest", run };

const suite = "rest";
/** How much more than before a server may have once its work is given back, in MB. */
const backToIdle: Rule = { kind: "moreAtMost", limit: 20 };
const told: Rule = { kind: "told" };
/** What loads the agent and the provider's package, so that no figure tells of them. */
const shortTurn = "chunks 1 20";

async function run(context: BenchContext): Promise<Findings> {
  const provider = await Provider.start();
  const start = async () => {
    const permissions = { allow: ["bash:*"] };
    const server = startServer(makePlace(context.makeFolder(), provider, { permissions }));
    await server.greet();
    return server;
  };
  const scenarios = [
    workspacesAtRest,
    sessionsAtRest,
    afterThousandTurns,
    afterLongOutput,
    afterLongTurn,
    soakRows,
  ];
  const rows = await Promise.all(
    scenarios.map(async (scenario) => {
      const server = await start();
      const found = await scenario(server, context);
      await server.end();
      return found;
    }),
  );
  await provider.end();
  return { rows: rows.flat().map((row) => ({ suite, unit: "MB", ...row }) satisfies Row) };
}

/** What is resident after one short turn, 10 s later. */
async function idle(server: Server): Promise<number> {
  await (await server.session()).turn(shortTurn);
  await wait(10);
  return server.peer.residentMb();
}

async function workspacesAtRest(server: Server, context: BenchContext): Promise<MemoryRow[]> {
  const floor = await idle(server);
  const folder = context.makeFolder();
  for (let index = 1; index < 20; index++) {
    const path = join(folder, `workspace-${index}`);
    mkdirSync(path);
    await (await server.sessionIn(await server.open(path))).turn(shortTurn);
  }
  await wait(20);
  const what = "resident memory with 20 workspaces at rest, one turn each (floor: with one)";
  return [{ what, floor, ours: server.peer.residentMb(), rule: told }];
}

async function sessionsAtRest(server: Server, context: BenchContext): Promise<MemoryRow[]> {
  await (await server.session()).turn(shortTurn);
  const sessions = [];
  for (let index = 0; index < 100; index++) sessions.push(await server.session());
  await wait(10);
  const floor = server.peer.residentMb();
  for (let round = 0; round < (context.isQuick ? 1 : 5); round++) {
    await Promise.all(sessions.map((session) => session.turn("chunks 100 20")));
  }
  await wait(20);
  const what = "resident memory with 100 sessions at rest, 20 s after work (floor: before it)";
  return [{ what, floor, ours: server.peer.residentMb(), rule: backToIdle }];
}

async function afterThousandTurns(server: Server, context: BenchContext): Promise<MemoryRow[]> {
  const floor = await idle(server);
  const turns = context.isQuick ? 200 : 1_000;
  for (let session = 0; session < 10; session++) {
    const one = await server.session();
    for (let turn = 0; turn < turns / 10; turn++) await one.turn(shortTurn);
  }
  return lateRows(server, `after ${turns.toLocaleString("en")} turns in 10 sessions`, floor, [20]);
}

async function afterLongOutput(server: Server): Promise<MemoryRow[]> {
  const floor = await idle(server);
  await (await server.session()).turn("command head -c 50000000 /dev/zero | tr '\\0' x");
  return lateRows(server, "after a tool's output of 50 MB", floor, [20]);
}

async function afterLongTurn(server: Server): Promise<MemoryRow[]> {
  const floor = await idle(server);
  await (await server.session()).turn("chunks 10000 20");
  return lateRows(server, "after a 10,000-chunk turn", floor, [10, 20]);
}

/** A row for what is resident at once, and one for each of the moments after it, in seconds. */
async function lateRows(
  server: Server,
  after: string,
  floor: number,
  moments: readonly number[],
): Promise<MemoryRow[]> {
  const name = (moment: string) => `resident memory ${moment} ${after} (floor: idle)`;
  const ours = server.peer.residentMb();
  const rows: MemoryRow[] = [{ what: name("at once"), floor, ours, rule: told }];
  let waited = 0;
  for (const moment of moments) {
    await wait(moment - waited);
    waited = moment;
    const found = server.peer.residentMb();
    rows.push({ what: name(`${moment} s`), floor, ours: found, rule: backToIdle });
  }
  return rows;
}
