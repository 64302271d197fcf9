import * as z from "zod";
import { declareMethod } from "../declare.js";
import { editorPath, fileVersion } from "../objects/editorFile.js";
import { optionalRunId, sessionId, workspaceId } from "../objects/ids.js";

/** `readFile`, protocol.md section 7. */
export const readFile = declareMethod({
  name: "readFile",
  section: 7,
  summary:
    "Asks what a file of the workspace holds in the client's editor. Sent only to clients that say `capabilities.files` in `initialize`. An error or a malformed answer makes the tool fail.",
  direction: "serverToClient",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      runId: optionalRunId(),
      path: editorPath(),
    }),
  result: () =>
    z.union([
      z.object({
        content: z
          .string()
          .describe(
            "The whole text, unsaved changes included, with its line ends and byte order mark. At most 10 MiB of UTF-8.",
          ),
        version: fileVersion(),
      }),
      z.object({ missing: z.literal(true).describe("There is no such file.") }),
    ]),
  errors: [],
  example: {
    params: {
      workspaceId: "ws_1f0c",
      sessionId: "ses_7a2b",
      runId: "r-1",
      path: "/home/me/app/src/main.ts",
    },
    result: { content: "listen(8080);\n", version: "17" },
  },
});
