// Section 7 of protocol.md: modes, answers with an input, and answers for a session; and section 3.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { demand, demandSame } from "../checkFailure.js";
import type { Workspace } from "../kit.js";
import { type Members, membersOf, textOf } from "../message.js";
import type { Requirement } from "../requirement.js";
import { long } from "./session.js";

const inSection = { section: 7, level: "MUST", group: "core", lane: "main" } as const;
const ofWorkspaces = { ...inSection, section: 3 } as const;

/** Lets a session's turn write a file; gives what was asked, and what the file holds then. */
async function writes(own: Workspace, sessionId: string, name: string, answer: object) {
  const asked: Members[] = [];
  own.peer.answerers.set(sessionId, (question) => {
    asked.push(question);
    return { result: answer };
  });
  const input = JSON.stringify({ path: name, content: "as the model wants" });
  await own.run(sessionId, `@tool write ${input}\n@say done`);
  const path = join(own.path, name);
  return { asked: asked.length, text: existsSync(path) ? readFileSync(path, "utf8") : undefined };
}

const permissions: readonly Requirement[] = [
  {
    ...inSection,
    id: "TW-PERMISSION-006",
    sentence:
      "For every other call the mode decides, the run's own or else the workspace's: `ask` asks; `acceptEdits` asks too, but not about `write` and `edit` of files inside the workspace that grant nothing; `allow` allows without a question; `deny` refuses everything that would need a question; `plan` refuses everything that does not read.",
    async check(kit) {
      const { peer } = await kit.shared();
      const wanted = { ask: [1, true], acceptEdits: [0, true], allow: [0, true], deny: [0, false] };
      for (const [permissionMode, expected] of Object.entries({ ...wanted, plan: [0, false] })) {
        const own = await kit.workspace(peer, kit.newFolder(), { permissionMode });
        const done = await writes(own, await own.session(), "a.txt", { decision: "allow" });
        const told = [done.asked, done.text !== undefined];
        demandSame(told, expected, `questions and the file in the mode ${permissionMode}`);
      }
    },
  },
  {
    ...inSection,
    id: "TW-PERMISSION-007",
    sentence:
      "`allowForSession` applies for the rest of the session, to the same tool with the same path or host, or to the same command in the same folder (`cwd`).",
    async check(kit) {
      const own = await kit.shared();
      const [sessionId, other] = [await own.session(), await own.session()];
      const name = `${sessionId.replace(/\W/g, "")}-again.txt`;
      const answer = { decision: "allowForSession" };
      const asked = async (session: string, file: string) =>
        (await writes(own, session, file, answer)).asked;
      demandSame(await asked(sessionId, name), 1, "the questions for the first write");
      rmSync(join(own.path, name), { force: true });
      const again = await writes(own, sessionId, name, answer);
      demandSame([again.asked, again.text !== undefined], [0, true], "the same file once more");
      demandSame(await asked(sessionId, `x${name}`), 1, "the questions for another file");
      // A server may refuse to replace a file that the other session has not read.
      rmSync(join(own.path, name), { force: true });
      demandSame(await asked(other, name), 1, "the questions in another session");
    },
  },
  {
    ...inSection,
    id: "TW-PERMISSION-008",
    sentence:
      "An answer `allow` may have an `input` of its own, for example a command that the user has corrected. Then the call begins again with that input.",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const name = `${sessionId.replace(/\W/g, "")}-input.txt`;
      const input = { path: name, content: "as the user wants" };
      const { text } = await writes(own, sessionId, name, { decision: "allow", input });
      demandSame(text, "as the user wants", "the file after an answer with an input");
    },
  },
  {
    ...inSection,
    id: "TW-PERMISSION-009",
    sentence: "With any other decision than `allow`, an `input` makes the answer malformed.",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const name = `${sessionId.replace(/\W/g, "")}-malformed.txt`;
      const input = { path: name, content: "as the user wants" };
      const { text } = await writes(own, sessionId, name, { decision: "allowForSession", input });
      demandSame(text, undefined, "the file after a malformed answer");
    },
  },
  {
    ...inSection,
    id: "TW-PERMISSION-010",
    sentence: "The input has to fit the tool's schema.",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const name = `${sessionId.replace(/\W/g, "")}-unfit.txt`;
      const input = { path: name, content: { no: "text" } };
      const { text } = await writes(own, sessionId, name, { decision: "allow", input });
      demandSame(text, undefined, "the file after an input that does not fit");
    },
  },
  {
    ...inSection,
    id: "TW-PERMISSION-011",
    sentence: "The answer counts for this call alone.",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const name = `${sessionId.replace(/\W/g, "")}-alone.txt`;
      const answer = { decision: "allow", input: { path: name, content: "of the user" } };
      demandSame((await writes(own, sessionId, name, answer)).asked, 1, "the first questions");
      rmSync(join(own.path, name), { force: true });
      demandSame((await writes(own, sessionId, name, answer)).asked, 1, "the next questions");
    },
  },
];

const workspaces: readonly Requirement[] = [
  {
    ...ofWorkspaces,
    id: "TW-WORKSPACE-005",
    sentence:
      "[`deleteWorkspace`](#deleteworkspace) closes it: no new runs, running turns cancelled and awaited, then released. Its sessions stay on disk.",
    async check(kit) {
      const { peer } = await kit.shared();
      const own = await kit.workspace(peer);
      const sessionId = await own.session();
      const runId = await own.send(sessionId, long);
      await peer.result("deleteWorkspace", { workspaceId: own.id, force: true });
      demandSame((await peer.completion(runId)).status, "cancelled", "the running turn");
      const params = { workspaceId: own.id, sessionId, prompt: "@say no" };
      await peer.refused("sendMessage", params, "WorkspaceNotFound");
      const again = await kit.workspace(peer, own.path);
      const done = await again.run(sessionId, "@say still there");
      demandSame(done.status, "succeeded", "a run in a session of a workspace that was closed");
    },
  },
  {
    ...ofWorkspaces,
    id: "TW-WORKSPACE-006",
    sentence: "Times are RFC 3339 in UTC.",
    async check(kit) {
      const own = await kit.shared();
      const session = await own.peer.result("createSession", { workspaceId: own.id });
      const done = await own.run(textOf(session, "id"), "@say when");
      const times = [session.createdAt, session.updatedAt, done.completedAt];
      const isTime = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
      const wrong = times.filter((time) => !isTime.test(String(time)));
      demandSame(wrong, [], "times that are not RFC 3339 in UTC");
    },
  },
  {
    ...ofWorkspaces,
    id: "TW-EVENTS-006",
    section: 6,
    sentence: "[`workspaceClosed`](#workspaceclosed) is only about a workspace.",
    async check(kit) {
      const { peer } = await kit.shared();
      const { id } = await kit.workspace(peer);
      await peer.result("deleteWorkspace", { workspaceId: id });
      const event = await peer.notice("workspaceClosed", (params) => params.workspaceId === id);
      demand(!("sessionId" in event || "runId" in event), "workspaceClosed names a session or run");
    },
  },
  {
    ...inSection,
    id: "TW-RUN-007",
    section: 4,
    sentence: "Any other `/name` is ordinary text.",
    async check(kit) {
      const own = await kit.shared();
      const sessionId = await own.session();
      const done = await own.run(sessionId, "/no-such-command of mine\n@say as text");
      demandSame([done.status, done.text], ["succeeded", "as text"], "the status and the text");
      const page = await own.peer.result("listMessages", { workspaceId: own.id, sessionId });
      const first = membersOf({ first: (page.messages as readonly unknown[])[0] }, "first");
      demand(JSON.stringify(first).includes("/no-such-command"), "the prompt was not stored");
    },
  },
];

export const modes: readonly Requirement[] = [...permissions, ...workspaces];
