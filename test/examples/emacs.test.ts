// The example package for Emacs, compiled without a warning and played without a screen.
import { execFile } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasNoEmacs, noEmacs } from "../helpers/emacs.js";
import { unless } from "../helpers/unless.js";
import { createSandbox, type Sandbox } from "./sandbox.js";

const run = promisify(execFile);
const root = fileURLToPath(new URL("../..", import.meta.url));

let sandbox: Sandbox;
let processFile: string;

beforeEach(() => {
  sandbox = createSandbox();
  copyFileSync(
    join(root, "examples/clients/emacs/turnwire.el"),
    join(sandbox.folder, "turnwire.el"),
  );
  processFile = join(sandbox.folder, "server.pid");
});
afterEach(() => sandbox.remove());

async function emacs(...args: string[]) {
  return await run("emacs", ["-Q", "--batch", "-L", sandbox.folder, ...args], {
    cwd: sandbox.folder,
    env: sandbox.env,
    timeout: 25_000,
  });
}

/** One life of an Emacs. `code` gives, as Lisp, the text that is told. */
async function live(code: string): Promise<string> {
  const script = join(sandbox.folder, "session.el");
  // Its process is what a test may kill.
  const server = `echo $$ > ${processFile}; exec ${process.execPath} ${root}bin/turnwire.js serve --linger 600`;
  writeFileSync(
    script,
    `;; -*- lexical-binding: t; -*-
     (require 'turnwire)
     (setq turnwire-command (list "sh" "-c" ${JSON.stringify(server)})
           turnwire-identity-file "${sandbox.folder}/identity")
     (defun text () (with-current-buffer (turnwire--buffer) (buffer-string)))
     (defun wait-for (what is-true)
       (let ((end (+ (float-time) 15)))
         (while (not (funcall is-true))
           (when (> (float-time) end) (error "waited in vain for %s: %s" what (text)))
           (accept-process-output nil 0.02))))
     (defun wait-idle () (wait-for "the end" (lambda () (null turnwire--runs))))
     (defun wait-text (part) (wait-for part (lambda () (string-search part (text)))))
     (let ((told (progn ${code})))
       (let ((coding-system-for-write 'utf-8)) (princ told)))`,
  );
  return (await emacs("-l", script)).stdout;
}

unless(
  describe,
  hasNoEmacs(),
  noEmacs,
)("the package for Emacs", () => {
  it("compiles without a warning", async () => {
    const compile = "(setq byte-compile-error-on-warn t)";
    const { stderr } = await emacs("--eval", compile, "-f", "batch-byte-compile", "turnwire.el");
    expect(stderr).not.toMatch(/warning|error/i);
  });

  it("does what its README says", async () => {
    const readme = readFileSync(join(root, "examples/clients/emacs/README.md"), "utf8");
    const prompt = /M-x turnwire RET (.*) RET/.exec(readme)?.[1];
    const told = await live(`(turnwire ${JSON.stringify(prompt)}) (wait-idle) (text)`);
    expect(told).toMatch(/\* @say There are 42\.\n\nThere are 42\.\s+\(succeeded\)\s+$/);
  });

  it("streams, and asks with the diff", async () => {
    const told = await live(`
      (defvar asked nil)
      (cl-letf (((symbol-function 'read-multiple-choice)
                 (lambda (prompt choices &rest _)
                   (setq asked (list prompt (mapcar #'cadr choices)
                                     (with-current-buffer "*turnwire question*" (buffer-string))))
                   (car choices))))
        (turnwire "@say Now:\\n@tool write {\\"path\\": \\"made.txt\\", \\"content\\": \\"hi\\\\n\\"}\\n@say Über 😀 all.")
        (wait-idle))
      (format "%S\\n%s" asked (text))`);
    expect(readFileSync(join(sandbox.folder, "made.txt"), "utf8")).toBe("hi\n");
    expect(told).toMatch(/^\(".*made\.txt.*" \("allow" "allow for this session" "deny"\) "/);
    expect(told).toContain("+hi");
    expect(told).toMatch(/\nNow:\s+\[write\]\s+Über 😀 all\.\s+\(succeeded\)\s+$/);
    expect(told.match(/Über/g)?.length).toBe(2); // Once in the prompt.
  });

  it("cancels, and denies where the question is left", async () => {
    const told = await live(`
      (cl-letf (((symbol-function 'read-multiple-choice)
                 (lambda (&rest _) (turnwire--append "Asked.\\n") (signal 'quit nil))))
        (turnwire "@tool bash {\\"command\\": \\"echo 1 > made.txt\\"}\\n@say I begin.\\n@wait 60000")
        (wait-text "\\nI begin.")
        (turnwire-cancel)
        (wait-idle))
      (text)`);
    expect(told).toMatch(/\nAsked\.\n[\s\S]*\(cancelled\)\s+$/);
    expect(() => readFileSync(join(sandbox.folder, "made.txt"))).toThrow();
  });

  it("shows the whole message where a delta was lost, and counts as the protocol does", async () => {
    const told = await live(`
      (cl-letf (((symbol-function 'turnwire--send)
                 (lambda (_method _params show)
                   (funcall show '(:id "m" :parts [(:type "text" :text "Über 😀 a")])))))
        (let ((delta (lambda (offset text)
                       (turnwire--delta :messageId "m" :partIndex 0 :offset offset :delta text))))
          (funcall delta 0 "Ü")
          (funcall delta 5 "😀 a")
          (funcall delta 9 "b")))
      (text)`);
    expect(told).toBe("Über 😀 ab");
  });

  it("goes on when its server is killed, and says that the run was cut off", async () => {
    const told = await live(`
      (turnwire "@say I begin.\\n@wait 60000")
      (wait-text "\\nI begin.")
      (signal-process
       (with-temp-buffer (insert-file-contents "${processFile}") (string-to-number (buffer-string)))
       'KILL)
      (wait-idle)
      (turnwire "@say On we go.")
      (wait-idle)
      (text)`);
    expect(told).toMatch(/\(interrupted: .*\)[\s\S]*\nOn we go\.\s+\(succeeded\)\s+$/);
  });

  it("loses no reply when Emacs ends: the next one shows it, once", async () => {
    await live(`
      (turnwire "@say I begin.\\n@wait 1500\\n@say I am done.")
      (wait-text "\\nI begin.")
      ""`);
    const missed = await live(`(turnwire "") (wait-text "succeeded") (text)`);
    expect(missed).toMatch(/\* Missed\s+I begin\.\s+I am done\.\s+\(succeeded\)\s+$/);
    expect(await live(`(turnwire "@say On we go.") (wait-idle) (text)`)).not.toContain("Missed");
  });
});
