import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { workspaceId } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `searchSessions`, protocol.md section 3. */
export const searchSessions = declareMethod({
  name: "searchSessions",
  section: 3,
  summary: "Sessions in which all of some words were said, or stand in the title.",
  params: () =>
    z.object({
      workspaceId: workspaceId()
        .optional()
        .describe("Absent: the sessions of every workspace that the data directory knows."),
      query: z.string().describe("Plain words; no character in it has a meaning of its own."),
      limit: z.int().min(1).max(100).optional().describe("20 unless told."),
      cursor: z.string().optional().describe("`nextCursor` of the page before."),
    }),
  result: () =>
    z.object({
      results: z.array(
        z.object({
          session: Session(),
          messageId: z
            .string()
            .optional()
            .describe(
              "The newest message with all of the words; absent where only the title has them.",
            ),
          snippet: z
            .string()
            .describe("A piece of that message, or the title: one line, at most 202 characters."),
        }),
      ),
      nextCursor: z
        .string()
        .optional()
        .describe("There may be more, also where this page has fewer results than `limit`."),
    }),
  errors: ["WorkspaceNotFound", "StorageFailed"],
  example: {
    params: { query: "lines" },
    result: {
      results: [
        {
          session: { ...session, workspacePath: "/home/ada/engine" },
          messageId: "msg_91cb",
          snippet: "How many lines does main.ts have?",
        },
      ],
    },
  },
});
