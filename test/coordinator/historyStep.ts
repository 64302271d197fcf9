// What can happen in a random history of the runs of a workspace.
import fc from "fast-check";

/** The sessions of every history. */
export const sessionIds = ["s", "t", "u"];
const session = fc.integer({ min: 0, max: sessionIds.length - 1 });
const pick = fc.nat({ max: 20 });

/** Everything that can be done; what does not apply at its moment is passed over. */
export const stepArbitrary = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ type: fc.constant("accept"), session, named: fc.boolean() }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant("ask"),
      session,
      named: fc.boolean(),
      whenBusy: fc.constantFrom("queue", "reject", "join", undefined),
    }),
  },
  {
    weight: 6,
    arbitrary: fc.record({ type: fc.constant("join"), session, named: fc.boolean() }),
  },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("repeat"), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("conflict"), pick }) },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("summarize"), session, named: fc.boolean() }),
  },
  { weight: 8, arbitrary: fc.record({ type: fc.constant("ready"), session }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("unready"), session }) },
  { weight: 4, arbitrary: fc.record({ type: fc.constant("call"), session }) },
  { weight: 5, arbitrary: fc.record({ type: fc.constant("succeed"), session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("fail"), session }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("throw"), session }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("stop"), session }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("cancel"), session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("cancelRun"), pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("clearQueue"), session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("pause"), session }) },
  { weight: 3, arbitrary: fc.record({ type: fc.constant("resume"), session }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("move"), session, pick, before: pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("edit"), session, pick }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("remove"), session, pick }) },
  { weight: 12, arbitrary: fc.record({ type: fc.constant("settle") }) },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("breakDisk") }) },
  { weight: 2, arbitrary: fc.record({ type: fc.constant("healDisk") }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant("close"),
      cause: fc.constantFrom("deleted" as const, "shutdown" as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant("crash") }) },
);
/** One step of a history. */
export type HistoryStep = typeof stepArbitrary extends fc.Arbitrary<infer T> ? T : never;

const ofTheEngine = ["ready", "unready", "call", "succeed", "fail", "throw", "stop"];
const ofTheDisk = ["breakDisk", "healDisk"];

/** Whether a step finds accepted, or refused, what was sent before it. */
export function settlesFirst({ type }: HistoryStep): boolean {
  return !ofTheEngine.includes(type) && !ofTheDisk.includes(type) && type !== "settle";
}
