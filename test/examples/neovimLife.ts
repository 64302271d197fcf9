// The example plugin for Neovim, installed as its README says, in a Neovim without a screen.
import { execFile, execFileSync } from "node:child_process";
import { cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { onWindows } from "../helpers/unless.js";
import type { Sandbox } from "./sandbox.js";

const run = promisify(execFile);
const source = fileURLToPath(new URL("../../examples/clients/neovim", import.meta.url));

/** Whether Neovim is missing, or older than 0.7. */
export function hasNoNeovim(): boolean {
  if (onWindows) return true;
  try {
    const version = execFileSync("nvim", ["--version"], { encoding: "utf8" });
    return !/^NVIM v(0\.([7-9]|\d\d)|[1-9])/.test(version);
  } catch {
    return true;
  }
}

export const noNeovim = "there is no Neovim 0.7 or newer here";

/** Puts the plugin into the sandbox. */
export function installInNeovim({ folder }: Sandbox): void {
  const packs = join(folder, "share/nvim/site/pack/turnwire/start");
  mkdirSync(packs, { recursive: true });
  cpSync(source, join(packs, "turnwire.nvim"), { recursive: true });
}

/** One life of a Neovim whose server is started by `command`. `code` gives, as Lua, what is told. */
export async function liveInNeovim(
  sandbox: Sandbox,
  command: readonly string[],
  code: string,
  before: string = "",
) {
  const script = join(sandbox.folder, "session.lua");
  const words = command.map((word) => JSON.stringify(word)).join(", ");
  writeFileSync(
    script,
    `${before}
     require("turnwire").setup({ cmd = { ${words} } })
     asked = {}
     local function buffer_named(name)
       for _, each in ipairs(vim.api.nvim_list_bufs()) do
         if vim.api.nvim_buf_get_name(each):find(name, 1, true) then return each end
       end
     end
     function lines_of(buffer)
       return table.concat(vim.api.nvim_buf_get_lines(buffer, 0, -1, false), "\\n")
     end
     function text() return lines_of(buffer_named("turnwire://conversation")) end
     function wait_for(is_true) assert(vim.wait(60000, is_true, 20), "waited in vain: " .. text()) end
     function wait_idle() wait_for(function() return require("turnwire").is_idle() end) end
     function wait_text(part) wait_for(function() return text():find(part, 1, true) end) end
     function ask(prompt) require("turnwire").ask(prompt) end
     function windows() return #vim.api.nvim_list_wins() end
     local function play() ${code} end
     local ok, told = xpcall(play, debug.traceback)
     io.stdout:write(vim.json.encode({ ok = ok, told = told }))
     vim.cmd("qa!")`,
  );
  const { stdout, stderr } = await run("nvim", ["--headless", "-u", "NORC", "-S", script], {
    cwd: sandbox.folder,
    env: { ...sandbox.env, XDG_DATA_HOME: join(sandbox.folder, "share") },
    timeout: 120_000,
  });
  const { ok, told } = JSON.parse(stdout);
  if (!ok) throw new Error(`${told}\n${stderr}`);
  return told;
}
