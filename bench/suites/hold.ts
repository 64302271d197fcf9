// How long the event loop is held by the worst that a model, a repository, a page or a peer can send.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { HostileHouse, hostileInputs } from "../../test/helpers/hostileInputs.js";
import { longestHold } from "../../test/helpers/longestHold.js";
import { LongSession } from "../../test/helpers/longSession.js";
import { median, type Row, type Suite } from "../measure.js";

const mostMs = 50;

export const hold: Suite = {
  name: "hold",
  async run(context) {
    // The bundle that this runs in looks for the programs of work beside itself.
    for (const name of ["workProcess.mjs", "pageConverter.mjs"]) {
      copyFileSync(`dist/${name}`, new URL(`./${name}`, import.meta.url));
    }
    const folder = join(context.makeFolder(), "workspace");
    mkdirSync(folder);
    const house = new HostileHouse(folder);
    const rows: Row[] = [];
    for (const { what, prepare } of hostileInputs(context.isQuick ? 20_000 : 100_000)) {
      const work = await prepare(house);
      // What is compiled and loaded the first time is no input's fault.
      await longestHold(work);
      const samples: number[] = [];
      for (let round = 0; round < 3; round++) samples.push(await longestHold(work));
      rows.push(row(what, median(samples)));
    }
    await house.close();
    rows.push(await forkRow(context.makeFolder()));
    return { rows: [row("the worst of them", Math.max(...rows.map(({ ours }) => ours))), ...rows] };
  },
};

function row(what: string, ours: number): Row {
  const rule = { kind: "atMost", limit: mostMs } as const;
  return { suite: "hold", what: `the loop is held, ${what}`, unit: "ms", ours, rule };
}

/** A session of 20 MB is forked, and its copy added to the search index. */
async function forkRow(folder: string): Promise<Row> {
  const long = new LongSession(join(folder, "turnwire.db"));
  long.add(200, 20_000);
  const forking = long.forking("srv");
  const samples: number[] = [];
  for (let round = 0; round < 4; round++) {
    const held = await longestHold(async () => {
      await forking.fork(long.request(`f${round}`), () => undefined);
      while (long.store.forks.all().length > 0) await setImmediate();
    });
    if (round > 0) samples.push(held);
  }
  long.database.close();
  return row("a session of 20 MB is forked", median(samples));
}
