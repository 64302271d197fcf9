// Random histories of the daemons of one data directory (protocol.md section 2, The daemon): who starts, who
// serves, who makes room, and what becomes of clients. A failure prints its seed and path; `TURNWIRE_SEED` and
// `TURNWIRE_PATH` play it again, `TURNWIRE_HISTORIES` says how many.
import fc from "fast-check";
import { expect, it } from "vitest";
import { defined } from "../../src/base/defined.js";
import { isLong } from "../crash/longRun.js";
import { temporaryFolder } from "../helpers/outboxHouse.js";
import { onWindows, unless } from "../helpers/unless.js";
import { DaemonHistory } from "./daemonHistory.js";
import { daemonStep } from "./daemonStep.js";

const { TURNWIRE_SEED, TURNWIRE_PATH, TURNWIRE_HISTORIES } = process.env;

const parameters = {
  numRuns: Number(TURNWIRE_HISTORIES ?? (isLong ? 2000 : 25)),
  ...defined({ seed: TURNWIRE_SEED === undefined ? undefined : Number(TURNWIRE_SEED) }),
  ...defined({ path: TURNWIRE_PATH }),
};

const onUnix = unless(it, onWindows, "its sockets are files");

onUnix(
  "one daemon serves a data directory, and whoever asks for it gets it or the reason, in every history",
  {
    timeout: Math.max(180_000, parameters.numRuns * 2000),
  },
  async () => {
    let steps = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(daemonStep, { minLength: 5, maxLength: 40, size: "max" }),
        async (history) => {
          const folder = temporaryFolder();
          const play = new DaemonHistory(folder.path);
          try {
            for (const step of history) await play.take(step);
            await play.finish();
            steps += history.length;
          } finally {
            play.close();
            folder.remove();
          }
        },
      ),
      parameters,
    );
    expect(steps).toBeGreaterThan(parameters.numRuns);
  },
);
