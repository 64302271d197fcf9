import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createProgram } from "../../src/cli/program.js";
import {
  defaultServeOptions,
  readServeOptions,
  type ServeOptions,
} from "../../src/cli/serveOptions.js";

/** What the parser makes of a command line; undefined where it is a mistake. */
async function parsed(argv: string[]): Promise<ServeOptions | undefined> {
  let asked: ServeOptions | undefined;
  const other = async () => 0;
  const program = createProgram(
    {
      serve: async (options) => {
        asked = options;
        return 0;
      },
      run: other,
      runs: other,
      attach: other,
      daemon: other,
      acp: other,
      schema: other,
      doctor: other,
      mcp: other,
      sessions: other,
      models: other,
      config: other,
      permissions: other,
      completion: other,
      conformance: other,
      relay: other,
      worker: other,
      inspect: other,
    },
    { version: "1.2.3", isStdinTty: false, writeOut: () => {}, writeError: () => {} },
  );
  await program.run(argv);
  return asked;
}

describe("a command line that is read without the parser", () => {
  it("asks for a server and makes no mistake", () => {
    expect(readServeOptions([], false)).toBe(defaultServeOptions);
    expect(readServeOptions(["serve", "--stdio"], true)).toBe(defaultServeOptions);
    expect(readServeOptions(["serve", "--data-dir", "/d", "--linger=1.5"], true)).toEqual({
      ...defaultServeOptions,
      dataDir: "/d",
      lingerSeconds: 1.5,
    });
  });

  it.each([
    [["run", "hello"]],
    [["serve", "--help"]],
    [["serve", "--data-dir"]],
    [["serve", "--data-dir", ""]],
    [["serve", "--data-dir", "--stdio"]],
    [["serve", "--linger", "soon"]],
    [["serve", "--framing", "smoke"]],
    [["serve", "--toString", "x"]],
    [["serve", "here"]],
  ])("is not %j, which the parser gets", (argv) => {
    expect(readServeOptions(argv, false)).toBeUndefined();
  });

  it("leaves a terminal to the parser's help", () => {
    expect(readServeOptions([], true)).toBeUndefined();
  });

  it("is never understood in another way than the parser's", async () => {
    const word = fc.constantFrom(
      ...["--stdio", "--framing", "--data-dir", "--log-level", "--log-file", "--linger"],
      ...["--inspect", "--inspect=1"],
      ...["--max-message-bytes", "--framing=ndjson", "--log-level=debug", "--data-dir=/d=e"],
      ...["--linger=", "--data-dir=", "-", "--", "auto", "header", "warn", "0", "1.5", "1e3", "64"],
      ...["-1", "/d", "", " ", "--linger=2", "--max-message-bytes=0", "--help", "--log-level=loud"],
    );
    let understood = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(word, { maxLength: 5 }), async (words) => {
        const argv = ["serve", ...words];
        const read = readServeOptions(argv, false);
        if (read === undefined) return;
        understood++;
        expect(read).toEqual(await parsed(argv));
      }),
      { numRuns: 2000 },
    );
    expect(understood).toBeGreaterThan(100);
  });
});
