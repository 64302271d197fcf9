// The example plugin for Neovim, installed as its README says, in a Neovim without a screen.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { unless } from "../helpers/unless.js";
import { hasNoNeovim, installInNeovim, liveInNeovim, noNeovim } from "./neovimLife.js";
import { createSandbox, type Sandbox } from "./sandbox.js";

const root = fileURLToPath(new URL("../..", import.meta.url));
const laterRpc = join(root, "test/examples/laterNeovimRpc.lua");

let sandbox: Sandbox;
let processFile: string;

beforeEach(() => {
  sandbox = createSandbox();
  installInNeovim(sandbox);
  processFile = join(sandbox.folder, "server.pid");
});
afterEach(() => sandbox.remove());

/** One life of a Neovim. Its server's process is what a test may kill. */
function live(code: string, before = "") {
  const server = `echo $$ > ${processFile}; exec ${process.execPath} ${root}bin/turnwire.js serve --linger 600`;
  return liveInNeovim(sandbox, ["sh", "-c", server], code, before);
}

const writes =
  '@say Now:\\n@tool write {"path": "made.txt", "content": "hi\\\\n"}\\n@say Über 😀 all.';

/** The built-in picker of Neovim 0.7 asks with `inputlist`. */
const builtInPicker = `
  vim.fn.inputlist = function(items)
    table.insert(asked, table.concat(items, "|"))
    for _, win in ipairs(vim.api.nvim_list_wins()) do
      local shown = lines_of(vim.api.nvim_win_get_buf(win))
      if shown:find("+hi", 1, true) then table.insert(asked, "diff shown") end
    end
    return 1
  end`;
/** A picker that answers when the editor has done other things. */
const laterPicker = `
  vim.ui.select = function(items, options, on_choice)
    table.insert(asked, options.prompt .. "|" .. options.format_item(items[1]))
    for _, win in ipairs(vim.api.nvim_list_wins()) do
      local shown = lines_of(vim.api.nvim_win_get_buf(win))
      if shown:find("+hi", 1, true) then table.insert(asked, "diff shown") end
    end
    vim.defer_fn(function() on_choice(items[1]) end, 30)
  end`;

unless(
  describe,
  hasNoNeovim(),
  noNeovim,
)("the plugin for Neovim", () => {
  it("does what its README says", async () => {
    const readme = readFileSync(join(root, "examples/clients/neovim/README.md"), "utf8");
    const command = /```vim\n(:Turnwire .*)\n/.exec(readme)?.[1];
    const told = await live(`
      vim.cmd(${JSON.stringify(command)})
      wait_idle()
      return { text = text(), windows = windows() }`);
    expect(told.windows).toBe(2);
    expect(told.text).toMatch(/\n# @say There are 42\.\n\nThere are 42\.\s+\*succeeded\*\s+$/);
  });

  it.each([
    ["the version that is installed", "", builtInPicker],
    ["later versions", `dofile(${JSON.stringify(laterRpc)})`, laterPicker],
  ])("streams and asks with the diff, in %s", async (_, before, picker) => {
    const told = await live(
      `${picker}
      ask(${JSON.stringify(writes.replaceAll("\\n", "\n").replaceAll("\\\n", "\\n"))})
      wait_idle()
      return { text = text(), asked = asked, windows = windows() }`,
      before,
    );
    expect(readFileSync(join(sandbox.folder, "made.txt"), "utf8")).toBe("hi\n");
    expect(told.asked[0]).toMatch(/made\.txt.*\|.*Allow/);
    expect(told.asked[1]).toBe("diff shown");
    expect(told.windows).toBe(2);
    expect(told.text).toMatch(/Now:\s+`write`\s+Über 😀 all\.\s+\*succeeded\*\s+$/);
    expect(told.text.match(/Über/g).length).toBe(2); // Once in the prompt.
  });

  it("cancels, and denies where nothing is chosen", async () => {
    const told = await live(`
      vim.fn.inputlist = function() return 0 end
      vim.fn.confirm = function() return 0 end
      ask('@tool bash {"command": "echo 1 > made.txt"}\\n@say I begin.\\n@wait 60000')
      wait_text("\\nI begin.")
      vim.cmd("TurnwireCancel")
      wait_idle()
      return text()`);
    expect(told).toMatch(/\*cancelled\*\s+$/);
    expect(() => readFileSync(join(sandbox.folder, "made.txt"))).toThrow();
  });

  it("shows the whole message where a delta was lost, and counts as the protocol does", async () => {
    const told = await live(`
      vim.cmd("Turnwire")
      local window = require("turnwire.window")
      local read = function(show)
        show({ id = "m", parts = { { type = "text", text = "Über 😀 a" } } })
      end
      local delta = function(offset, text)
        window.delta({ messageId = "m", partIndex = 0, offset = offset, delta = text }, read)
      end
      delta(0, "Ü")
      delta(5, "😀 a")
      delta(9, "b")
      return text()`);
    expect(told).toBe("Über 😀 ab");
  });

  it("goes on when a question is withdrawn that nobody has answered", async () => {
    const told = await live(
      `vim.ui.select = function(_, options) table.insert(asked, options.prompt) end
      local notes = {}
      vim.notify = function(note) table.insert(notes, note) end
      ask('@tool bash {"command": "echo 1"}')
      wait_for(function() return #asked > 0 end)
      vim.cmd("TurnwireCancel")
      wait_idle()
      assert(windows() == 2, "the question is still shown")
      ask('@tool bash {"command": "echo 2"}')
      wait_for(function() return #asked > 1 end)
      vim.cmd("TurnwireCancel")
      wait_idle()
      return notes`,
      `dofile(${JSON.stringify(laterRpc)})`,
    );
    const note = expect.stringContaining("withdrawn");
    expect(told).toEqual([note, note]);
  });

  it("goes on when its server is killed, and says that the run was cut off", async () => {
    const told = await live(`
      ask("@say I begin.\\n@wait 60000")
      wait_text("\\nI begin.")
      vim.loop.kill(tonumber(vim.fn.readfile(${JSON.stringify(processFile)})[1]), "sigkill")
      wait_idle()
      ask("@say On we go.")
      wait_idle()
      return text()`);
    expect(told).toMatch(/\*interrupted: .*\*[\s\S]*\nOn we go\.\s+\*succeeded\*\s+$/);
  });

  it("loses no reply when Neovim ends: the next one shows it, once", async () => {
    await live(`
      ask("@say I begin.\\n@wait 1500\\n@say I am done.")
      wait_text("\\nI begin.")
      return {}`);
    const missed = await live(`
      vim.cmd("Turnwire")
      wait_text("succeeded")
      return text()`);
    expect(missed).toMatch(/# Missed\s+I begin\.\s+I am done\.\s+\*succeeded\*\s+$/);
    expect(
      await live(`
      ask("@say On we go.")
      wait_idle()
      return text()`),
    ).not.toContain("Missed");
  });
});
