// The blocks of docs/editors.md are what a newcomer pastes.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { hasNoNeovim, noNeovim } from "../examples/neovimLife.js";
import { hasNoEmacs, noEmacs } from "../helpers/emacs.js";
import { unless } from "../helpers/unless.js";

const page = readFileSync(new URL("../../docs/editors.md", import.meta.url), "utf8");
const folder = mkdtempSync(join(tmpdir(), "turnwire-page-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** The blocks in a language. */
function blocks(language: string): string[] {
  return [...page.matchAll(/```(\w+)\n([\s\S]*?)```/g)].flatMap(([, name, text = ""]) =>
    name === language ? [text] : [],
  );
}

/** A block in a file, whose path is handed to its editor. */
function fileOf(block: string, ending: string): string {
  const file = join(folder, `block.${ending}`);
  writeFileSync(file, block);
  return file;
}

describe("the page for editors", () => {
  it("has only blocks that are tried here", () => {
    const languages = [...page.matchAll(/^```(\w+)$/gm)].map(([, name]) => name);
    expect(new Set(languages)).toEqual(new Set(["json", "lua", "elisp"]));
  });

  it("starts the agent with options that it has", () => {
    for (const block of blocks("json")) {
      const { agent_servers } = JSON.parse(block);
      expect(Object.keys(agent_servers)).toEqual(["Turnwire"]);
      expect(agent_servers.Turnwire).toMatchObject({
        command: expect.stringMatching(/(^|\/)turnwire$/),
        // These are what attached.test.ts gives the agent.
        args: ["acp", "--attach", "--start"],
      });
    }
    expect(blocks("json")).toHaveLength(2);
    // Zed reads no entry without its type.
    const zed = JSON.parse(/## Zed[\s\S]*?```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "{}");
    expect(zed.agent_servers.Turnwire.type).toBe("custom");
  });

  unless(
    it,
    hasNoNeovim(),
    noNeovim,
  )("has Lua that sets up the plugins it names", () => {
    const told = blocks("lua").map((block) => {
      const script = fileOf(
        `local told = {}
         package.preload["codecompanion"] = function()
           return { setup = function(options) told = options.adapters.acp.turnwire().commands.default end }
         end
         package.preload["codecompanion.adapters.acp"] = function()
           return { extend = function(_, adapter) return adapter end }
         end
         package.preload["avante"] = function()
           return { setup = function(options)
             local agent = options.acp_providers[options.provider]
             told = { agent.command, unpack(agent.args) }
           end }
         end
         ${block}
         io.stdout:write(vim.json.encode(told))
         vim.cmd("qa!")`,
        "lua",
      );
      const args = ["--headless", "-u", "NONE", "-S", script];
      return JSON.parse(execFileSync("nvim", args, { encoding: "utf8", stdio: "pipe" }));
    });
    expect(told).toEqual([
      ["turnwire", "acp"],
      ["turnwire", "acp"],
    ]);
  });

  unless(
    it,
    hasNoEmacs(),
    noEmacs,
  )("has Lisp that makes a client", () => {
    const [block = ""] = blocks("elisp");
    const script = fileOf(
      `;; -*- lexical-binding: t; -*-
       (provide 'acp)
       (provide 'agent-shell)
       (defun acp-make-client (&rest options) options)
       (defun agent-shell-make-agent-config (&rest config) config)
       ${block}
       (let ((client (funcall (plist-get (car agent-shell-agent-configs) :client-maker) nil)))
         (princ (cons (plist-get client :command) (plist-get client :command-params))))`,
      "el",
    );
    const args = ["-Q", "--batch", "-l", script];
    expect(execFileSync("emacs", args, { encoding: "utf8" })).toBe("(turnwire acp)");
  });
});
