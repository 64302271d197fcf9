// The inspector beside the example clients for editors, each in its editor: Neovim and Emacs without a
// screen, VS Code as a stand-in. Each asks for a permission, so that both sides ask and answer.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, inject, it } from "vitest";
import { installInEmacs, liveInEmacs } from "../examples/emacsLife.js";
import { hasNoNeovim, installInNeovim, liveInNeovim, noNeovim } from "../examples/neovimLife.js";
import { createSandbox, type Sandbox } from "../examples/sandbox.js";
import { extensionIn, installInVscode, liveInVscode } from "../examples/vscodeLife.js";
import { hasNoEmacs, noEmacs } from "../helpers/emacs.js";
import { unless } from "../helpers/unless.js";
import { recordingIn } from "./teeChild.js";
import { expectWhole, inspected, inspecting, recordingOf } from "./wholeExchange.js";

const prompt = '@tool write {"path": "made.txt", "content": "hi\\n"}\n@say It runs.';

describe("through the inspector", () => {
  let sandbox: Sandbox;
  beforeEach(() => {
    sandbox = createSandbox();
  });
  afterEach(() => sandbox.remove());

  /** An editor that ends at once kills its server, and the last answer may be lost. */
  const recorded = () => JSON.stringify(recordingOf(sandbox));
  const answered = JSON.stringify('"acknowledged":["');
  const made = () => readFileSync(join(sandbox.folder, "made.txt"), "utf8");

  unless(
    it,
    hasNoNeovim(),
    noNeovim,
  )("the plugin for Neovim", async () => {
    installInNeovim(sandbox);
    const told = await liveInNeovim(
      sandbox,
      inspected(sandbox, "--linger", "600"),
      `vim.fn.inputlist = function() return 1 end
       ask(${JSON.stringify(prompt)})
       wait_idle()
       wait_for(function()
         return table.concat(vim.fn.readfile(${recorded()}), "\\n"):find(${answered}, 1, true)
       end)
       return text()`,
    );
    expect(told).toContain("It runs.");
    expect(made()).toBe("hi\n");
    // Neovim has asked its server to end, and does not wait for it.
    await expect.poll(() => recordingIn(recordingOf(sandbox)).entries.at(-1)?.kind).toBe("end");
    expectWhole(sandbox);
  });

  unless(
    it,
    hasNoEmacs(),
    noEmacs,
  )("the package for Emacs", async () => {
    installInEmacs(sandbox);
    const told = await liveInEmacs(
      sandbox,
      inspected(sandbox, "--linger", "600"),
      `(cl-letf (((symbol-function 'read-multiple-choice) (lambda (_ choices &rest _) (car choices))))
         (turnwire ${JSON.stringify(prompt)})
         (wait-idle))
       (wait-for "the answer to the acknowledgement"
                 (lambda () (with-temp-buffer
                              (insert-file-contents ${recorded()})
                              (search-forward ${answered} nil t))))
       (let ((server (jsonrpc--process turnwire--connection)))
         (process-send-eof server)
         (wait-for "the end of the server" (lambda () (not (process-live-p server)))))
       (text)`,
    );
    expect(told).toContain("It runs.");
    expect(made()).toBe("hi\n");
    expectWhole(sandbox);
  });

  it("the extension for VS Code", async () => {
    await installInVscode(sandbox);
    // The extension takes the server from its own folder.
    const server = join(extensionIn(sandbox), "bin/turnwire.js");
    mkdirSync(join(server, ".."));
    const program = JSON.stringify(inject("serverScript"));
    writeFileSync(
      server,
      `const before = ${JSON.stringify(inspecting(sandbox))};
       process.argv.splice(1, 1, ${program}, ...before, process.execPath, ${program});
       import(${program});`,
    );
    const { text } = await liveInVscode(
      sandbox,
      `user.picks = () => "Allow";
       const { text } = await chat(${JSON.stringify(prompt)});
       await end();
       console.log(JSON.stringify({ text: text.trim() }));`,
    );
    expect(text).toBe("It runs.");
    expect(made()).toBe("hi\n");
    expectWhole(sandbox);
  });
});
