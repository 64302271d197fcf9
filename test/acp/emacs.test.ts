// Emacs as the editor, for real: batch Emacs with acp.el, the library of agent-shell, and where that is not
// installed with a stand-in that speaks as it does. What is told comes out of Emacs as JSON.
import { execFile } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeEach, describe, expect, inject, it } from "vitest";
import { emacsLibrary, hasNoEmacs, noEmacs, noLibrary } from "../helpers/emacs.js";
import { testNode } from "../helpers/testNode.js";
import { unless } from "../helpers/unless.js";
import { recordingIn } from "../inspector/teeChild.js";
import { endEditors, makeFolder } from "./editor.js";

const run = promisify(execFile);
const lisp = fileURLToPath(new URL("emacs", import.meta.url));

afterAll(endEditors);

const installed = emacsLibrary("acp");

/** What an Emacs told, by names. */
type Told = Record<string, unknown>;

describe.each([
  ["the stand-in for acp.el", join(lisp, "standIn.el"), hasNoEmacs() ? noEmacs : ""],
  ["acp.el", installed ?? "", installed === undefined ? noLibrary("acp.el") : ""],
])("Emacs with %s", (_name, library, missing) => {
  let folder: string;
  let dataDir: string;
  beforeEach(() => {
    folder = makeFolder();
    dataDir = makeFolder();
  });

  const agent = () => [testNode, inject("serverScript"), "acp", "--data-dir", dataDir];

  /** One life of an Emacs, whose agent is started by `command`. */
  async function live(command: readonly string[], code: string): Promise<Told> {
    const script = join(folder, "life.el");
    const words = command.map((word) => JSON.stringify(word)).join(" ");
    writeFileSync(
      script,
      `;; -*- lexical-binding: t; -*-
       (require 'conversation)
       (setq backtrace-on-error-noninteractive nil)
       (setq talk-command (list ${words}))
       (let ((folder ${JSON.stringify(folder)})) ${code})`,
    );
    const places = ["-L", lisp, "-L", join(library, "..")];
    const args = ["-Q", "--batch", ...places, "-l", library, "-l", script];
    const env = { PATH: process.env.PATH, HOME: makeFolder() };
    const { stdout } = await run("emacs", args, { cwd: folder, env, timeout: 120_000 });
    return JSON.parse(stdout) as Told;
  }

  const test = unless(it, missing !== "", missing);

  test("begins, chooses, and prompts, in any script", async () => {
    const told = await live(
      agent(),
      `(let* ((greeting (talk-start))
              (login (talk-ask (acp-make-authenticate-request :method-id "none")))
              (opened (talk-ask (acp-make-session-new-request :cwd folder)))
              (session (map-elt opened 'sessionId))
              (chosen (list
                (talk-ask (acp-make-session-set-mode-request :session-id session :mode-id "allow"))
                (talk-ask (acp-make-session-set-model-request
                           :session-id session :model-id "offline/offline"))))
              (options (talk-ask (acp-make-session-set-config-option-request
                                  :session-id session :config-id "mode" :value "ask")))
              (answer (talk-prompt session "@say Über 😀 \\"all\\"\\n@say 漢字\\t∀")))
         (talk-tell :greeting greeting :login login :opened opened :chosen (vconcat chosen)
                    :options options :answer answer :said (talk-said)
                    :unknown (talk-prompt "ses_none" "hi") :errors (vconcat talk-errors)))`,
    );
    expect(told).toMatchObject({
      greeting: { protocolVersion: 1, authMethods: [], agentCapabilities: { loadSession: true } },
      login: null,
      opened: { sessionId: expect.stringMatching(/^ses_/), modes: { currentModeId: "ask" } },
      chosen: [null, null],
      answer: { stopReason: "end_turn" },
      said: 'Über 😀 "all"\n漢字\t∀',
      unknown: { error: { code: -32002 } },
      errors: [],
    });
    expect(told.options).toMatchObject({
      configOptions: [
        { id: "mode", currentValue: "ask" },
        { id: "model" },
        { id: "thought_level" },
      ],
    });
  });

  test("is asked, and gives and takes the texts of its buffers; all of it is valid", async () => {
    const recording = join(folder, "exchange.jsonl");
    const edits = [{ oldText: "ü", newText: "é" }];
    const prompt = `@tool read {"path": "open.txt"}
@tool edit ${JSON.stringify({ path: "open.txt", edits })}`;
    const tee = [testNode, inject("serverScript"), "inspect", "--no-page", "--record", recording];
    const told = await live(
      [...tee, "--", ...agent()],
      `(talk-start :read-text-file-capability t :write-text-file-capability t)
       (let* ((path (expand-file-name "open.txt" folder)) (session (talk-open folder)))
         (setq talk-files (list (cons path "not saved: ü\\n")))
         (talk-prompt session ${JSON.stringify(prompt)})
         (setq talk-choice "reject_once")
         (talk-prompt session "@tool bash {\\"command\\": \\"touch made\\"}\\n@say On.")
         (talk-tell :file (map-elt talk-files path nil #'equal) :said (talk-said)
                    :kinds (vconcat (talk-kinds)) :questions (vconcat (reverse talk-questions))
                    :results (vconcat (talk-results)))
         (process-send-eof (talk-process))
         (talk-until "the end" (lambda () (not (process-live-p (talk-process))))))`,
    );
    expect(told).toMatchObject({ file: "not saved: é\n", said: "On." });
    expect(() => readFileSync(join(folder, "made"))).toThrow();
    expect(() => readFileSync(join(folder, "open.txt"))).toThrow();
    const [edit, bash] = told.questions as { toolCall: object; options: { kind: string }[] }[];
    expect(edit?.options.map(({ kind }) => kind)).toEqual([
      "allow_once",
      "allow_always",
      "reject_once",
    ]);
    expect(edit?.toolCall).toMatchObject({
      kind: "edit",
      content: [{ type: "diff", oldText: "not saved: ü", newText: "not saved: é" }, {}],
    });
    expect(bash?.toolCall).toMatchObject({ kind: "execute", title: "touch made" });
    expect(told.results).toEqual(["completed", "completed", "failed"]);
    const { entries } = recordingIn(recording);
    expect(entries.filter((entry) => "invalid" in entry)).toEqual([]);
    expect(entries.at(-1)).toMatchObject({ kind: "end", code: 0 });
  });

  test("cancels a turn, also while a question is open", async () => {
    const told = await live(
      agent(),
      `(talk-start)
       (let* ((session (talk-open folder))
              (cancel (lambda () (acp-send-notification
                                  :client talk-client
                                  :notification (acp-make-session-cancel-notification
                                                 :session-id session :reason "User cancelled"))))
              (turn (talk-send (talk-prompt-request session "@say begun\\n@wait 60000")))
              first second)
         (talk-until "the turn" (lambda () (string-search "begun" (talk-said))))
         (funcall cancel)
         (setq first (talk-until "the end of the turn" turn) talk-choice nil
               turn (talk-send (talk-prompt-request session "@tool bash {\\"command\\": \\"touch made\\"}")))
         (talk-until "the question" (lambda () talk-questions))
         (funcall cancel)
         (setq second (talk-until "the end of the asking turn" turn))
         (talk-tell :first (car first) :second (car second) :after (talk-prompt session "@say On.")
                    :said (talk-said) :errors (vconcat talk-errors)))`,
    );
    expect(told).toMatchObject({
      first: { stopReason: "cancelled" },
      second: { stopReason: "cancelled" },
      after: { stopReason: "end_turn" },
      said: "begunOn.",
      errors: [],
    });
  });

  test("finds the turn again that died with its agent, and nothing is told as an error", async () => {
    const told = await live(
      agent(),
      `(talk-start)
       (let ((session (talk-open folder)) listed loaded said prompts resumed deleted)
         (talk-prompt session "@say first")
         (talk-send (talk-prompt-request session "@say begun\\n@wait 60000"))
         (talk-until "the turn" (lambda () (string-search "begun" (talk-said))))
         (acp-shutdown :client talk-client)
         (talk-start)
         (setq listed (talk-ask (acp-make-session-list-request :cwd (concat folder "/")))
               loaded (talk-ask (acp-make-session-load-request :session-id session :cwd folder))
               said (talk-said) prompts (talk-said "user_message_chunk"))
         (acp-shutdown :client talk-client)
         (talk-start)
         (setq resumed (talk-ask (acp-make-session-resume-request :session-id session :cwd folder)))
         (talk-tell :session session :listed listed :loaded loaded :said said :prompts prompts
                    :resumed resumed :replayed (talk-said)
                    :answer (talk-prompt session "@say next")
                    :deleted (talk-ask (acp-make-session-delete-request :session-id session))
                    :left (talk-ask (acp-make-session-list-request :cwd folder))
                    :errors (vconcat talk-errors)))`,
    );
    expect(told).toMatchObject({
      listed: { sessions: [{ sessionId: told.session, cwd: folder }] },
      loaded: { modes: { currentModeId: "ask" } },
      said: expect.stringMatching(/^first.*The server stopped before this had ended\.$/s),
      prompts: "@say first@say begun\n@wait 60000",
      resumed: { modes: { currentModeId: "ask" } },
      replayed: "",
      answer: { stopReason: "end_turn" },
      deleted: null,
      left: { sessions: [] },
      errors: [],
    });
  });
});
