import * as z from "zod";
import { declareMethod } from "../declare.js";
import { session } from "../objects/examples.js";
import { anyId, workspaceId } from "../objects/ids.js";
import { Session } from "../objects/session.js";

/** `searchSessions`, protocol.md section 3. */
export const searchSessions = declareMethod({
  name: "searchSessions",
  section: 3,
  summary: "Finds sessions with all of the given words, in one message or in the title.",
  params: () =>
    z.object({
      workspaceId: workspaceId()
        .optional()
        .describe("If absent, the sessions of every workspace of the data directory are searched."),
      query: z.string().describe("Plain words. No character has a special meaning."),
      limit: z.int().min(1).max(100).optional().describe("20 by default."),
      cursor: anyId().optional().describe("`nextCursor` of the page before."),
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
              "The newest message with all of the words. Absent if only the title has them.",
            ),
          snippet: z
            .string()
            .describe("A piece of that message, or the title: one line, at most 202 characters."),
        }),
      ),
      nextCursor: z
        .string()
        .optional()
        .describe("There may be more results, even if this page has fewer than `limit`."),
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
