import { describe, expect, it } from "vitest";
import { createProgram } from "../../src/cli/program.js";
import { defaultServeOptions } from "../../src/cli/serveOptions.js";

/** Runs a command line and says what came of it. */
async function run(argv: string[], isStdinTty = true) {
  const calls: unknown[] = [];
  let stdout = "";
  let stderr = "";
  const note =
    (name: string, exitCode: number) =>
    async (...options: unknown[]) => {
      calls.push([name, ...options]);
      return exitCode;
    };
  const program = createProgram(
    {
      serve: note("serve", 10),
      run: note("run", 11),
      schema: note("schema", 12),
      doctor: note("doctor", 13),
      mcp: note("mcp", 14),
      sessions: note("sessions", 15),
      models: note("models", 16),
      config: note("config", 17),
      completion: note("completion", 18),
      conformance: note("conformance", 19),
      relay: note("relay", 20),
      attach: note("attach", 21),
      daemon: note("daemon", 22),
      worker: note("worker", 23),
      inspect: note("inspect", 26),
      acp: note("acp", 24),
      runs: note("runs", 31),
      permissions: note("permissions", 25),
    },
    {
      version: "1.2.3",
      isStdinTty,
      writeOut: (text) => {
        stdout += text;
      },
      writeError: (text) => {
        stderr += text;
      },
    },
  );
  const exitCode = await program.run(argv);
  return { calls, exitCode, stdout, stderr };
}

describe("turnwire alone", () => {
  it("is serve where stdin is no terminal", async () => {
    expect(await run([], false)).toMatchObject({
      calls: [["serve", defaultServeOptions]],
      exitCode: 10,
    });
  });

  it("shows help where stdin is a terminal", async () => {
    const { calls, exitCode, stdout } = await run([]);
    expect({ calls, exitCode }).toEqual({ calls: [], exitCode: 0 });
    expect(stdout).toContain("Usage: turnwire");
  });
});

describe("serve", () => {
  it("has defaults", async () => {
    expect((await run(["serve"])).calls).toEqual([["serve", defaultServeOptions]]);
  });

  it("takes every option", async () => {
    const argv = [
      ...["serve", "--stdio", "--framing", "header", "--data-dir", "/d", "--log-level", "debug"],
      ...["--log-file", "/l", "--linger", "1.5", "--max-message-bytes", "1024"],
    ];
    expect((await run(argv)).calls).toEqual([
      [
        "serve",
        {
          framing: "header",
          dataDir: "/d",
          logLevel: "debug",
          logFile: "/l",
          lingerSeconds: 1.5,
          maxMessageBytes: 1024,
        },
      ],
    ]);
  });

  it.each([
    [["--framing", "xml"]],
    [["--log-level", "loud"]],
    [["--linger", "-1"]],
    [["--linger", "soon"]],
    [["--max-message-bytes", "0"]],
    [["--max-message-bytes", "1e3"]],
    [["--data-dir", ""]],
    [["--port", "1"]],
    [["extra"]],
    [["--help"]],
  ])("writes nothing to stdout for %j", async (rest) => {
    const { calls, exitCode, stdout, stderr } = await run(["serve", ...rest]);
    expect({ calls, stdout }).toEqual({ calls: [], stdout: "" });
    expect(exitCode).toBe(rest[0] === "--help" ? 0 : 2);
    expect(stderr).not.toBe("");
  });
});

describe("the prompt of run", () => {
  it.each([
    [["one", "two  three", "4"], "one two  three 4"],
    [["--", "-one", "--two"], "-one --two"],
    [["--output", "text", "--", "--output", "json"], "--output json"],
    [["-"], "-"],
  ])("is of %j one text", async (words, prompt) => {
    expect((await run(["run", ...words])).calls).toMatchObject([["run", { prompt }]]);
  });
});

describe("run", () => {
  it("takes a prompt and prints text unless told", async () => {
    expect(await run(["run", "hello"])).toMatchObject({
      calls: [["run", { prompt: "hello", output: "text" }]],
      exitCode: 11,
    });
  });

  it("takes every option", async () => {
    const argv = [
      ...["run", "--cwd", "/w", "--data-dir", "/d", "--session", "s", "--model", "local/a/b"],
      ...["--permission-mode", "allow", "--output", "json", "--timeout", "2", "-"],
    ];
    expect((await run(argv)).calls).toEqual([
      [
        "run",
        {
          prompt: "-",
          cwd: "/w",
          dataDir: "/d",
          session: "s",
          output: "json",
          model: { provider: "local", model: "a/b" },
          permissionMode: "allow",
          timeoutSeconds: 2,
        },
      ],
    ]);
    expect((await run(["run", "--continue", "p"])).calls).toMatchObject([
      ["run", { continueLatest: true }],
    ]);
  });

  it.each([
    [[]],
    [["--session", "s", "--continue", "p"]],
    [["--model", "qwen", "p"]],
    [["--model", "local/", "p"]],
    [["--permission-mode", "maybe", "p"]],
    [["--output", "xml", "p"]],
    [["--timeout", "0", "p"]],
    [["-one"]],
  ])("exits with 2 and says why for %j", async (rest) => {
    const { calls, exitCode, stdout, stderr } = await run(["run", ...rest]);
    expect({ calls, exitCode, stdout }).toEqual({ calls: [], exitCode: 2, stdout: "" });
    expect(stderr).toMatch(/^error: /);
  });
});

describe("the other commands", () => {
  it("are schema and doctor", async () => {
    expect((await run(["schema"])).calls).toHaveLength(1);
    expect((await run(["doctor", "--data-dir", "/d"])).calls).toEqual([
      ["doctor", { dataDir: "/d" }],
    ]);
  });

  it("print the version", async () => {
    expect(await run(["--version"])).toMatchObject({ stdout: "1.2.3\n", exitCode: 0 });
  });

  it("are told from mistakes", async () => {
    expect(await run(["server"])).toMatchObject({ exitCode: 2, stdout: "" });
  });
});

describe("the commands about what is stored and configured", () => {
  it.each([
    [["sessions"], "sessions", { action: "list" }],
    [["sessions", "--all", "--limit", "3"], "sessions", { action: "list", all: true, limit: 3 }],
    [["sessions", "show", "s", "--json"], "sessions", { action: "show", session: "s", json: true }],
    [
      ["sessions", "export", "s", "-o", "f"],
      "sessions",
      { action: "export", session: "s", format: "markdown", outputFile: "f" },
    ],
    [
      ["sessions", "delete", "a", "b", "--yes"],
      "sessions",
      { action: "delete", sessions: ["a", "b"], yes: true },
    ],
    [["sessions", "search", "two", "words"], "sessions", { action: "search", query: "two words" }],
    [["models", "--trust"], "models", { trust: true }],
    [["config"], "config", { action: "path" }],
    [["config", "check", "--json"], "config", { action: "check", json: true }],
  ])("%j is understood", async (argv, name, options) => {
    expect((await run(argv)).calls).toEqual([[name, options]]);
  });

  it.each([
    [["sessions", "show"]],
    [["sessions", "search"]],
    [["sessions", "list", "--limit", "0"]],
    [["sessions", "export", "s", "--format", "xml"]],
    [["sessions", "show", ""]],
    [["config", "chekc"]],
    [["completion", "tcsh"]],
  ])("%j is bad usage", async (argv) => {
    const { calls, exitCode, stderr } = await run(argv);
    expect({ calls, exitCode }).toEqual({ calls: [], exitCode: 2 });
    expect(stderr).toContain("error: ");
  });
});

describe("a group of commands", () => {
  const groups = {
    sessions: "list",
    config: "path",
    permissions: "list",
    mcp: undefined,
  } as const;

  it.each(Object.keys(groups))("names the command of %s that it does not have", async (group) => {
    const { calls, exitCode, stderr } = await run([group, "bogus"]);
    expect({ calls, exitCode }).toEqual({ calls: [], exitCode: 2 });
    expect(stderr).toContain("'bogus'");
    expect(stderr).not.toContain("too many arguments");
  });

  it.each([
    [["sessions", "lst"], "list"],
    [["sessions", "--json", "exprt"], "export"],
    [["config", "chek"], "check"],
    [["permissions", "remov"], "remove"],
    [["mcp", "logn"], "login"],
    [["sesions"], "sessions"],
  ])("guesses what %j should be", async (argv, meant) => {
    const { exitCode, stderr } = await run(argv);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(new RegExp(`[Dd]id you mean ${meant}\\?`));
  });

  it.each([
    [["sessions", "list", "x"], "too many arguments for 'list'"],
    [["config", "path", "x"], "too many arguments for 'path'"],
    [["config", "check", "x"], "too many arguments for 'check'"],
    [["sessions", "show", "a", "b"], "too many arguments for 'show'"],
  ])("still tells of arguments too many: %j", async (argv, told) => {
    const { calls, exitCode, stderr } = await run(argv);
    expect({ calls, exitCode }).toEqual({ calls: [], exitCode: 2 });
    expect(stderr).toContain(told);
  });

  it.each([["sessions"], ["config"]])("does what %s does if no command is named", async (group) => {
    expect((await run([group])).calls).toHaveLength(1);
    expect((await run([group, "--json"])).calls).toHaveLength(1);
  });
});
