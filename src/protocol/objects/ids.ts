import * as z from "zod";

/**
 * Far longer than any id, in UTF-16 units. An id that nobody knows is looked up, and stands in the error:
 * one of many megabytes would hold everything else up.
 */
const longestId = 10_000;

/** An id, or a name that is looked up like one. Ids are opaque strings (protocol.md section 3). */
export const anyId = () =>
  z.string().refine(({ length }) => length <= longestId, {
    abort: true,
    error: "is longer than any id",
  });

/** Params that many declarations share. */
export const workspaceId = () => anyId().describe("The workspace's id.");
export const sessionId = () => anyId().describe("The session's id.");
export const queueId = () => anyId().describe("`queueId` of an entry of `listQueue`.");
export const optionalRunId = () =>
  anyId().min(1).optional().describe("The run's id, if it has one.");

/** Text that comes back as it was sent: one with a NUL or with half a character would not. */
const keptAsSent = (text: z.ZodString) =>
  text.refine((sent) => !/[\0\p{Surrogate}]/u.test(sent), "has a NUL or half a character in it");

/** An id of the client's own making. It comes back as it was sent. */
export const ownId = (description: string) =>
  keptAsSent(z.string().min(1).max(200, { abort: true })).describe(description);

/** A title that a person gives. It comes back as it was sent. */
export const ownTitle = () => keptAsSent(z.string().max(500, { abort: true }));

/** Params of a page of a list. */
export const page = () => ({
  limit: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe("The most entries of a page; 100 by default."),
  cursor: anyId().optional().describe("`nextCursor` of the page before."),
});

/** The members that every event of a session carries (protocol.md section 6). */
export const sessionEvent = () => ({
  workspaceId: workspaceId(),
  sessionId: sessionId(),
  runId: optionalRunId(),
});
