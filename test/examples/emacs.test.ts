// The example package for Emacs, compiled without a warning and played without a screen.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { hasNoEmacs, noEmacs } from "../helpers/emacs.js";
import { unless } from "../helpers/unless.js";
import { emacs, installInEmacs, liveInEmacs } from "./emacsLife.js";
import { createSandbox, type Sandbox } from "./sandbox.js";

const root = fileURLToPath(new URL("../..", import.meta.url));

let sandbox: Sandbox;
let processFile: string;

beforeEach(() => {
  sandbox = createSandbox();
  installInEmacs(sandbox);
  processFile = join(sandbox.folder, "server.pid");
});
afterEach(() => sandbox.remove());

/** One life of an Emacs. Its server's process is what a test may kill. */
function live(code: string): Promise<string> {
  const server = `echo $$ > ${processFile}; exec ${process.execPath} ${root}bin/turnwire.js serve --linger 600`;
  return liveInEmacs(sandbox, ["sh", "-c", server], code);
}

unless(
  describe,
  hasNoEmacs(),
  noEmacs,
)("the package for Emacs", () => {
  it("compiles without a warning", async () => {
    const compile = "(setq byte-compile-error-on-warn t)";
    const { stderr } = await emacs(
      sandbox,
      "--eval",
      compile,
      "-f",
      "batch-byte-compile",
      "turnwire.el",
    );
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
