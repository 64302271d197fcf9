import * as z from "zod";
import { declareMethod } from "../declare.js";
import { editorPath, fileVersion } from "../objects/editorFile.js";
import { optionalRunId, sessionId, workspaceId } from "../objects/ids.js";

/** `writeFile`, protocol.md section 7. */
export const writeFile = declareMethod({
  name: "writeFile",
  section: 7,
  summary:
    "Replaces what a file of the workspace holds in the client's editor, and saves it. The client answers with the error `FileChanged` if the file is no longer in this version. Sent once; withdrawn by `$/cancelRequest`.",
  direction: "serverToClient",
  params: () =>
    z.object({
      workspaceId: workspaceId(),
      sessionId: sessionId(),
      runId: optionalRunId(),
      path: editorPath(),
      content: z.string().describe("The whole new text, with its line ends and byte order mark."),
      version: fileVersion()
        .nullable()
        .describe("The version that `readFile` answered; `null` if the file must not exist."),
    }),
  result: () => z.object({ version: fileVersion() }),
  errors: ["FileChanged"],
  example: {
    params: {
      workspaceId: "ws_1f0c",
      sessionId: "ses_7a2b",
      runId: "r-1",
      path: "/home/me/app/src/main.ts",
      content: "listen(80);\n",
      version: "17",
    },
    result: { version: "18" },
  },
});
