// The example package for Emacs, in an Emacs without a screen.
import { execFile } from "node:child_process";
import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import type { Sandbox } from "./sandbox.js";

const run = promisify(execFile);
const source = fileURLToPath(new URL("../../examples/clients/emacs/turnwire.el", import.meta.url));

/** Puts the package into the sandbox. */
export function installInEmacs({ folder }: Sandbox): void {
  copyFileSync(source, join(folder, "turnwire.el"));
}

export async function emacs({ folder, env }: Sandbox, ...args: string[]) {
  const options = { cwd: folder, env, timeout: 120_000 };
  return await run("emacs", ["-Q", "--batch", "-L", folder, ...args], options);
}

/** One life of an Emacs whose server is started by `command`. `code` gives, as Lisp, the text that is told. */
export async function liveInEmacs(
  sandbox: Sandbox,
  command: readonly string[],
  code: string,
): Promise<string> {
  const script = join(sandbox.folder, "session.el");
  const words = command.map((word) => JSON.stringify(word)).join(" ");
  writeFileSync(
    script,
    `;; -*- lexical-binding: t; -*-
     (require 'turnwire)
     (setq turnwire-command (list ${words})
           turnwire-identity-file "${sandbox.folder}/identity")
     (defun text () (with-current-buffer (turnwire--buffer) (buffer-string)))
     (defun wait-for (what is-true)
       (let ((end (+ (float-time) 60)))
         (while (not (funcall is-true))
           (when (> (float-time) end) (error "waited in vain for %s: %s" what (text)))
           (accept-process-output nil 0.02))))
     (defun wait-idle () (wait-for "the end" (lambda () (null turnwire--runs))))
     (defun wait-text (part) (wait-for part (lambda () (string-search part (text)))))
     (let ((told (progn ${code})))
       (let ((coding-system-for-write 'utf-8)) (princ told)))`,
  );
  return (await emacs(sandbox, "-l", script)).stdout;
}
