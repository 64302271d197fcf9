// How long the event loop is held by the worst that a model, a repository, a page or a peer can send.
import { copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { HostileHouse, hostileInputs } from "../../test/helpers/hostileInputs.js";
import { longestHold } from "../../test/helpers/longestHold.js";
import { median, type Row, type Suite } from "../measure.js";

const mostMs = 50;

export const hold: Suite = {
  name: "hold",
  async run(context) {
    // The bundle that this runs in looks for the thread's program beside itself.
    copyFileSync("dist/pageConverter.mjs", new URL("./pageConverter.mjs", import.meta.url));
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
    await house.host.close();
    return { rows: [row("the worst of them", Math.max(...rows.map(({ ours }) => ours))), ...rows] };
  },
};

function row(what: string, ours: number): Row {
  const rule = { kind: "atMost", limit: mostMs } as const;
  return { suite: "hold", what: `the loop is held, ${what}`, unit: "ms", ours, rule };
}
