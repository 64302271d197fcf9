import * as z from "zod";
import { declareNotification } from "../declare.js";
import { sessionEvent } from "../objects/ids.js";
import { Todo } from "../objects/session.js";

/** `todosChanged`, protocol.md section 6. */
export const todosChanged = declareNotification({
  name: "todosChanged",
  section: 6,
  summary: "The model has replaced a session's list of todos.",
  params: () => z.object({ ...sessionEvent(), todos: z.array(Todo()) }),
  example: {
    workspaceId: "ws_1f0c",
    sessionId: "ses_7a2b",
    runId: "r-1",
    todos: [
      { text: "Find the parser.", status: "completed" },
      { text: "Mend it.", status: "inProgress" },
    ],
  },
});
