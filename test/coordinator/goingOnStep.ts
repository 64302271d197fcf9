// What can happen in a random history of several servers over one database.
import fc from "fast-check";

/** The places of servers; each has at most one at a time. */
export const places = 3;
/** The place whose servers can go on with no run: the variables that its runs need are not set. */
export const unablePlace = 2;
/** The sessions of every history. */
export const sessionIds = ["s", "t"];

const house = fc.nat({ max: places - 1 });
const session = fc.nat({ max: sessionIds.length - 1 });
const pick = fc.nat({ max: 20 });

/** Everything that can be done; what does not apply at its moment is passed over. */
export const goingOnStep = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      type: fc.constant("send"),
      house,
      session,
      goesOn: fc.boolean(),
      joins: fc.boolean(),
      isSummary: fc.nat({ max: 9 }).map((number) => number === 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("repeat"), house, pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("stream"), pick }) },
  {
    weight: 8,
    arbitrary: fc.record({
      type: fc.constant("callTools"),
      pick,
      count: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("say"), pick }) },
  {
    weight: 16,
    arbitrary: fc.record({
      type: fc.constant("openTool"),
      pick,
      isAllowed: fc.nat({ max: 5 }).map((number) => number > 0),
    }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("cancelSession"), house, session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("cancelRun"), house, pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("clearQueue"), house, session }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("removeQueued"), house, pick }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("pause"), house, session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("resume"), house, session }) },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("adopt"), house, session }) },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("adoptAndDie"),
      house,
      session,
      times: fc.integer({ min: 1, max: 4 }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ type: fc.constant("kill"), house }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("park"), house }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("takeForDead"), house }) },
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant("takeOverFromLiving"), house, session, other: house }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("dropLost") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("days"),
      house,
      days: fc.integer({ min: 1, max: 5 }),
    }),
  },
);

/** One step of a history. */
export type GoingOnStep = typeof goingOnStep extends fc.Arbitrary<infer T> ? T : never;
