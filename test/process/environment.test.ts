import { execFileSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { toolEnvironment } from "../../src/process/environment.js";

test("keys and the server's own variables are taken out", () => {
  const base = {
    PATH: "/bin",
    ANTHROPIC_API_KEY: "a",
    OPENAI_API_KEY: "b",
    GEMINI_API_KEY: "c",
    GOOGLE_GENERATIVE_AI_API_KEY: "d",
    LOCAL_KEY: "e",
    TURNWIRE_CONFIG: "f",
    UNSET: undefined,
    AWS_PROFILE: "mine",
  };
  const environment = toolEnvironment(base, ["LOCAL_KEY"], {});
  expect(environment).toMatchObject({ PATH: "/bin", AWS_PROFILE: "mine" });
  expect(Object.values(environment).filter((value) => /^[a-f]$/.test(value))).toEqual([]);
  expect("UNSET" in environment).toBe(false);
});

test("what the workspace's own environment sets is there, keys too", () => {
  const environment = toolEnvironment({ OPENAI_API_KEY: "server" }, ["MINE"], {
    OPENAI_API_KEY: "workspace",
    MINE: "x",
    PAGER: "less",
  });
  expect(environment).toMatchObject({ OPENAI_API_KEY: "workspace", MINE: "x", PAGER: "less" });
});

test("nothing waits for a person", () => {
  expect(toolEnvironment({ PAGER: "less", GIT_TERMINAL_PROMPT: "1" }, [], {})).toMatchObject({
    PAGER: "cat",
    GIT_PAGER: "cat",
    GIT_TERMINAL_PROMPT: "0",
  });
});

describe("what belongs to whoever started the server", () => {
  test.each([
    ...execFileSync("git", ["rev-parse", "--local-env-vars"], { encoding: "utf8" }).split("\n"),
    ...["GIT_CONFIG_KEY_0", "GIT_CONFIG_VALUE_0", "GIT_NAMESPACE", "GIT_QUARANTINE_PATH"],
    ...["GIT_REFLOG_ACTION", "GIT_PUSH_OPTION_0"],
    ...["ELECTRON_RUN_AS_NODE", "ELECTRON_NO_ATTACH_CONSOLE", "CHROME_DESKTOP"],
    ...["NODE_CHANNEL_FD", "NODE_CHANNEL_SERIALIZATION_MODE", "NODE_UNIQUE_ID"],
    ...["NODE_INSPECTOR_IPC", "VSCODE_INSPECTOR_OPTIONS", "VSCODE_IPC_HOOK_CLI", "VSCODE_PID"],
    ...["NVIM", "NVIM_LISTEN_ADDRESS", "npm_lifecycle_event", "npm_package_json", "INIT_CWD"],
    ...["npm_config_yes", "npm_config_local_prefix"],
  ])("%s is left out, unless the workspace sets it", (name) => {
    if (name === "") return;
    const base = { PATH: "/bin", [name]: "inherited" };
    expect(toolEnvironment(base, [], {})).not.toHaveProperty([name]);
    expect(toolEnvironment(base, [], { [name]: "own" })).toHaveProperty([name], "own");
  });

  test.each([
    ...["HOME", "PATH", "LANG", "SSH_AUTH_SOCK", "GIT_AUTHOR_NAME", "GIT_SSH_COMMAND"],
    ...["GIT_CEILING_DIRECTORIES", "NODE_ENV", "NODE_PATH", "npm_config_registry", "XVSCODE_A"],
  ])("%s stays", (name) => {
    expect(toolEnvironment({ [name]: "x" }, [], {})).toHaveProperty([name], "x");
  });

  test("an editor's way to ask for a password goes with the variables that it needs", () => {
    const own = { GIT_ASKPASS: "/home/ada/bin/token", SSH_ASKPASS: "/usr/bin/ksshaskpass" };
    expect(toolEnvironment(own, [], {})).toMatchObject(own);
    const editors = toolEnvironment({ ...own, VSCODE_GIT_ASKPASS_NODE: "/usr/bin/code" }, [], {});
    expect(editors).not.toHaveProperty(["GIT_ASKPASS"]);
    expect(editors).not.toHaveProperty(["SSH_ASKPASS"]);
  });

  test.each([
    ["--max-old-space-size=4096", "--max-old-space-size=4096"],
    ["--inspect", undefined],
    ["--inspect=127.0.0.1:9229 --max-old-space-size=1", "--max-old-space-size=1"],
    ["--inspect-brk=0 --inspect-publish-uid=http", undefined],
    ["--inspect-port 9230 --no-warnings", "--no-warnings"],
    ["--debug-port=1  --inspect-wait", undefined],
    ["--experimental-network-inspection --trace-warnings", "--trace-warnings"],
    [
      "--require /usr/share/code/extensions/ms-vscode.js-debug/src/bootloader.js --no-warnings",
      "--no-warnings",
    ],
    [
      '--require "/home/ada lovelace/.vscode/ms-vscode.js-debug/bootloader.js" --inspect-publish-uid=http',
      undefined,
    ],
    ["--require=/x/js-debug/bootloader.js", undefined],
    ["-r /idea/plugins/JavaScriptDebugger/debugConnector.js", undefined],
    ["--import file:///x/ms-vscode.js-debug/bootloader.mjs", undefined],
    ["--require /home/ada/shim.js --inspect", "--require /home/ada/shim.js"],
    ['--require "/a \\"b\\"/shim.js"', '--require "/a \\"b\\"/shim.js"'],
    ["--require", "--require"],
  ])("of NODE_OPTIONS %j, %j stays", (inherited, left) => {
    expect(toolEnvironment({ NODE_OPTIONS: inherited }, [], {}).NODE_OPTIONS).toBe(left);
  });
});
