// Faults in what protocol.md promises in section 3: the search.
import { changing, type Fault } from "./fault.js";

export const search: readonly Fault[] = [
  {
    name: "a search that finds a session twice",
    caughtBy: ["TW-SEARCH-005"],
    breaking: changing((message) => {
      const { results } = message.result ?? {};
      return results === undefined
        ? message
        : { ...message, result: { ...message.result, results: [...results, ...results] } };
    }),
  },
  {
    name: "a search for some of the words",
    caughtBy: ["TW-SEARCH-001"],
    breaking: () => ({
      fromClient(message) {
        if (message.method !== "searchSessions") return [message];
        const query = message.params.query.split(" ")[0];
        return [{ ...message, params: { ...message.params, query } }];
      },
    }),
  },
];
