// Faults in what protocol.md promises in section 4: going on after a loss.
import { changing, changingCalls, changingError, changingParams, type Fault } from "./fault.js";

export const goingOn: readonly Fault[] = [
  {
    name: "an `onServerLoss` that does nothing",
    caughtBy: [1, 2, 3, 4, 5, 6].map((number) => `TW-LOSS-00${number}`),
    breaking: changingCalls("sendMessage", ({ options: _, ...params }) => params),
  },
  {
    name: "runs that wait, and are told as queued",
    caughtBy: ["TW-LOSS-001", "TW-LOSS-006"],
    breaking: changing((message) => {
      for (const run of message.result?.runs ?? []) run.state = "queued";
      return message;
    }),
  },
  {
    name: "a busy session that does not say that it waits",
    caughtBy: ["TW-LOSS-003"],
    breaking: changingError("SessionBusy", ({ data: { waiting: _, ...data }, ...error }) => ({
      ...error,
      data,
    })),
  },
  {
    name: "a run that went on, and does not say so",
    caughtBy: ["TW-LOSS-004"],
    breaking: changingParams("runComplete", ({ continuations: _, ...params }) => params),
  },
  {
    name: "a shutdown that does not name what it parks",
    caughtBy: ["TW-LOSS-006"],
    breaking: changing((message) =>
      message.result?.parked === undefined ? message : { ...message, result: { parked: [] } },
    ),
  },
];
