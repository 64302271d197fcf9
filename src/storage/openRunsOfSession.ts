/**
 * The table of runs, for statements that ask for the open ones of a session. The index must be named:
 * another one has all runs of a session, SQLite cannot tell which of both is shorter, and a session may
 * have had thousands of runs, each of which would be looked at.
 */
export const openRuns = "runs INDEXED BY openRunsOfSession";

/** What those fulfil. SQLite takes the index only for a statement that says it in these words. */
export const isOpenInSession = "sessionId = ?1 AND state <> 'completed'";
