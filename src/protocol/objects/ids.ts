import * as z from "zod";

/** Params that many declarations share. Ids are opaque strings (contract section 3). */
export const workspaceId = () => z.string().describe("The workspace's id.");
export const sessionId = () => z.string().describe("The session's id.");
export const optionalRunId = () =>
  z.string().min(1).optional().describe("The run's id, if it has one.");

/**
 * An id of the client's own making. It comes back as it was sent; text with a NUL or with half a
 * character (a lone surrogate) would not, so that such a one is refused.
 */
export const ownId = (description: string) =>
  z
    .string()
    .min(1)
    .max(200)
    .refine((id) => !/[\0\p{Surrogate}]/u.test(id), "has a NUL or half a character in it")
    .describe(description);

/** Params of a page of a list. */
export const page = () => ({
  limit: z.int().min(1).max(1000).optional().describe("At most so many; 100 unless told."),
  cursor: z.string().optional().describe("`nextCursor` of the page before."),
});

/** The members that every event of a session carries (contract section 6). */
export const sessionEvent = () => ({
  workspaceId: workspaceId(),
  sessionId: sessionId(),
  runId: optionalRunId(),
});
