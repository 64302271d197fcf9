// Faults in what protocol.md promises in section 3: the search.
import type { Breaking, Message } from "../brokenServer.js";
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
    breaking: changingQuery((query) => query.split(" ")[0] ?? ""),
  },
  {
    name: "a search that does not look into titles",
    caughtBy: ["TW-SEARCH-007", "TW-SEARCH-011"],
    breaking: changing((message) => {
      const { results } = message.result ?? {};
      if (results === undefined) return message;
      const found = results.filter((each: Message) => each.messageId !== undefined);
      return { ...message, result: { ...message.result, results: found } };
    }),
  },
  {
    name: "a search for whole words in scripts without blanks",
    caughtBy: ["TW-SEARCH-008"],
    breaking: changingQuery((query) => (/[^ -~]/.test(query) ? `${query}more` : query)),
  },
  {
    name: "a query that is used whole, however long it is",
    caughtBy: ["TW-SEARCH-009"],
    breaking: changingQuery((query) =>
      query.length > 1000 || query.split(" ").length > 16 ? "absent" : query,
    ),
  },
  {
    name: "a search in the results of tools",
    caughtBy: ["TW-SEARCH-010"],
    breaking: changingQuery((query) => (query === "zucchini" ? "listed" : query)),
  },
  {
    name: "a search whose oldest session comes first",
    caughtBy: ["TW-SEARCH-011"],
    breaking: changing((message) => {
      message.result?.results?.reverse();
      return message;
    }),
  },
];

/** Searches for something else than what the client asks for. */
function changingQuery(change: (query: string) => string): () => Breaking {
  return () => ({
    fromClient(message) {
      if (message.method !== "searchSessions") return [message];
      const { params } = message;
      return [{ ...message, params: { ...params, query: change(params.query) } }];
    },
  });
}
