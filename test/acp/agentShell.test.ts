// agent-shell, the editor's own package, set up with the words of docs/editors.md.
import { execFile } from "node:child_process";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, expect, inject, it } from "vitest";
import { emacsLibrary, hasNoEmacs, noLibrary } from "../helpers/emacs.js";
import { testNode } from "../helpers/testNode.js";
import { unless } from "../helpers/unless.js";
import { endEditors, makeFolder } from "./editor.js";

const run = promisify(execFile);
const page = fileURLToPath(new URL("../../docs/editors.md", import.meta.url));
const libraries = ["acp", "shell-maker", "agent-shell"].map(emacsLibrary);

afterAll(endEditors);

function reasonAgainst(): string {
  if (hasNoEmacs(29)) return "there is no Emacs 29 or newer here, which agent-shell needs";
  return libraries.includes(undefined) ? noLibrary("acp.el", "shell-maker", "agent-shell") : "";
}

/** The package asks in the buffer; a person would answer with a key. */
const answering = `
  (setq agent-shell-permission-responder-function
        (lambda (asked)
          (let ((option (seq-find (lambda (one) (equal (map-elt one :kind) "allow_once"))
                                  (map-elt asked :options))))
            (funcall (map-elt asked :respond) (map-elt option :option-id))
            t)))`;

const reason = reasonAgainst();
unless(
  it,
  reason !== "",
  reason,
)("agent-shell talks, asks, and finds the turn again that died with its buffer", async () => {
  const folder = makeFolder();
  const programs = join(folder, "bin");
  mkdirSync(programs);
  const data = join(folder, "data");
  const command = `exec "${testNode}" "${inject("serverScript")}" "$@" --data-dir "${data}"`;
  writeFileSync(join(programs, "turnwire"), `#!/bin/sh\n${command}\n`, { mode: 0o700 });
  const block = /```elisp\n([\s\S]*?)```/.exec(readFileSync(page, "utf8"))?.[1];
  const script = join(folder, "session.el");
  writeFileSync(
    script,
    `;; -*- lexical-binding: t; -*-
       ${block}
       ${answering}
       (setq agent-shell-session-restore-verbosity 'full)
       (defvar shell nil)
       (defun text () (with-current-buffer shell (buffer-substring-no-properties (point-min) (point-max))))
       (defun wait-for (what is-true)
         (let ((end (+ (float-time) 20)))
           (while (not (funcall is-true))
             (when (> (float-time) end) (error "waited in vain for %s: %s" what (text)))
             (accept-process-output nil 0.05))))
       (defun wait-text (part) (wait-for part (lambda () (string-search part (text)))))
       (defun start (strategy)
         (setq agent-shell-session-strategy strategy)
         (agent-shell-start :config (car agent-shell-agent-configs))
         (setq shell (seq-find (lambda (one) (with-current-buffer one (derived-mode-p 'agent-shell-mode)))
                               (buffer-list)))
         (set-window-buffer (selected-window) shell)
         (wait-text "undo"))
       (defun say (prompt)
         (agent-shell-insert :text prompt :submit t :no-focus t :shell-buffer shell))
       (let (first)
         (start 'new)
         (say "@say Über 😀\\n@tool bash {\\"command\\": \\"echo over\\"}\\n@say there")
         (wait-for "the end" (lambda () (not (with-current-buffer shell (shell-maker-busy)))))
         (say "@say begun\\n@wait 60000")
         (wait-text "\\nbegun\\n")
         (setq first (text))
         (kill-buffer shell)
         (start 'latest)
         (wait-text "The server stopped")
         (let ((coding-system-for-write 'utf-8))
           (princ (json-encode (list :first first :second (text))))))`,
  );
  const args = ["-Q", "--batch", ...libraries.flatMap((one) => ["-L", dirname(one ?? "")])];
  const { stdout } = await run("emacs", [...args, "-l", script], {
    cwd: folder,
    env: { PATH: `${programs}${delimiter}${process.env.PATH}`, HOME: makeFolder() },
    timeout: 120_000,
  });
  const { first, second } = JSON.parse(stdout.slice(stdout.indexOf("{"))) as {
    first: string;
    second: string;
  };
  expect(first).toContain("\nÜber 😀\n");
  expect(first).toMatch(/\nover\n[\s\S]*\nthere\n/);
  expect(second).toContain("Über 😀");
  expect(second).toContain("over");
  // What comes on stderr is shown under this name.
  expect(first + second).not.toContain("Notices");
});
