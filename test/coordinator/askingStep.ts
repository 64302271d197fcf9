// What can happen to the questions of runs in a random history of several servers over one database.
import fc from "fast-check";

/** The places of servers; each has at most one at a time. */
export const askingPlaces = 2;
export const askingSessions = ["s", "t"];
export const askingClients = ["ada", "ben"];

const house = fc.nat({ max: askingPlaces - 1 });
const session = fc.nat({ max: askingSessions.length - 1 });
const client = fc.constantFrom(...askingClients);
const pick = fc.nat({ max: 20 });
const decision = fc.constantFrom("allow" as const, "deny" as const);
const type = <T extends string>(name: T) => fc.constant(name);

/** Everything that can be done; what does not apply at its moment is passed over. */
export const askingStep = fc.oneof(
  {
    weight: 14,
    /** A prompt, whose model calls tools at once. */
    arbitrary: fc.record({
      type: type("send"),
      house,
      session,
      client,
      seconds: fc.constantFrom(60, 60, 8, 0),
      goesOn: fc.nat({ max: 5 }).map((number) => number > 0),
      calls: fc.nat({ max: 2 }),
      /** Whether its client is connected to that server. */
      isThere: fc.boolean(),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: type("speak"), pick, calls: fc.nat({ max: 2 }) }),
  },
  { weight: 3, arbitrary: fc.record({ type: type("letToolsEnd") }) },
  { weight: 7, arbitrary: fc.record({ type: type("connect"), house, client }) },
  { weight: 3, arbitrary: fc.record({ type: type("leave"), pick }) },
  { weight: 5, arbitrary: fc.record({ type: type("reply"), pick, decision }) },
  { weight: 1, arbitrary: fc.record({ type: type("nonsense"), pick }) },
  {
    weight: 14,
    arbitrary: fc.record({
      type: type("answer"),
      house,
      /** Whether it is a stranger who answers. */
      isStranger: fc.nat({ max: 5 }).map((number) => number === 0),
      /** Whether the question may be any that there ever was, and not one that is open. */
      isAny: fc.nat({ max: 3 }).map((number) => number === 0),
      pick,
      decision,
      /** Whether the server is killed with the answer on its lips. */
      dies: fc.nat({ max: 3 }).map((number) => number === 0),
      /** Whether a server that was taken for dead is told. */
      isGhost: fc.boolean(),
    }),
  },
  { weight: 3, arbitrary: fc.record({ type: type("change"), pick }) },
  { weight: 1, arbitrary: fc.record({ type: type("decide"), pick }) },
  { weight: 2, arbitrary: fc.record({ type: type("cancel"), house, pick }) },
  { weight: 2, arbitrary: fc.record({ type: type("rewind"), house, session }) },
  { weight: 8, arbitrary: fc.record({ type: type("adopt"), house }) },
  { weight: 6, arbitrary: fc.record({ type: type("kill"), house, adopts: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ type: type("park"), house }) },
  { weight: 6, arbitrary: fc.record({ type: type("takeForDead"), house, adopts: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ type: type("dropLost") }) },
  {
    weight: 5,
    arbitrary: fc.record({ type: type("wait"), ms: fc.constantFrom(1100, 4000, 10_000, 65_000) }),
  },
);

/** One step of a history. */
export type AskingStep = typeof askingStep extends fc.Arbitrary<infer T> ? T : never;
