// The steps of which a history of daemons is made.
import fc from "fast-check";

/** How many runs and clients a step can choose from; it takes the nearest that there is. */
const pick = fc.nat({ max: 9 });
const version = fc.constantFrom(1, 2);
/** How a process is started that the step brings about. */
const launch = fc.record({
  version,
  startMs: fc.constantFrom(0, 0, 20, 400, 2000),
  idleSeconds: fc.constantFrom(0, 2, 8),
  slowness: fc.nat({ max: 5 }),
  fails: fc.constantFrom(false, false, false, false, false, false, false, true),
});

const step = <T extends string, V>(type: T, value: fc.Arbitrary<V>) =>
  fc.record({ type: fc.constant(type), value });

/** What a person, a client, the system or the time does. */
export const daemonStep = fc.oneof(
  { weight: 3, arbitrary: step("spawn", launch) },
  { weight: 4, arbitrary: step("start", launch) },
  { weight: 2, arbitrary: step("stop", launch) },
  { weight: 4, arbitrary: step("connect", launch) },
  { weight: 5, arbitrary: step("connectOrStart", launch) },
  { weight: 3, arbitrary: step("leave", pick) },
  { weight: 3, arbitrary: step("begin", pick) },
  { weight: 3, arbitrary: step("endRun", pick) },
  { weight: 2, arbitrary: step("kill", pick) },
  { weight: 1, arbitrary: step("terminate", pick) },
  { weight: 6, arbitrary: step("turn", fc.integer({ min: 1, max: 15 })) },
  { weight: 4, arbitrary: step("timer", fc.constant(0)) },
  {
    weight: 7,
    arbitrary: step("wait", fc.constantFrom(10, 60, 500, 1500, 3000, 12_000)),
  },
  { weight: 1, arbitrary: step("removeSocket", fc.constant(0)) },
  { weight: 1, arbitrary: step("staleSocket", fc.constantFrom("daemon.sock", "daemon.new")) },
  { weight: 1, arbitrary: step("garbageNote", fc.constantFrom("", "{", '{"address":"/gone"}')) },
  { weight: 2, arbitrary: step("look", fc.constant(0)) },
  { weight: 2, arbitrary: step("lookEnds", fc.constant(0)) },
);

export type DaemonStep = typeof daemonStep extends fc.Arbitrary<infer T> ? T : never;
