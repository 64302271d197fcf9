import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DomainError } from "../../src/base/errors.js";
import { parseConfigFile } from "../../src/config/parse.js";

function failureOf(text: string): DomainError {
  try {
    parseConfigFile("/etc/config.json", text);
  } catch (error) {
    if (error instanceof DomainError) return error;
    throw error;
  }
  throw new Error("the text was accepted");
}

describe("a configuration file", () => {
  test("may have comments, trailing commas, a schema and nothing at all", () => {
    const text = `// mine
      { "$schema": "./x.json", /* few */ "limits": { "maxSteps": 3, }, }`;
    expect(parseConfigFile("f", text)).toEqual({ $schema: "./x.json", limits: { maxSteps: 3 } });
    expect(parseConfigFile("f", "")).toEqual({});
    expect(parseConfigFile("f", " // nothing yet\n")).toEqual({});
  });

  test.each([
    ["{", "line 1, column 2: close brace expected"],
    ['{\n  "limits": }', "line 2, column 13: value expected"],
    ['{\r\n\r\n  "limits": {} "models": {} }', "line 3, column 16: comma expected"],
    ['{ "a": "b }', "line 1, column 8: unexpected end of string"],
    ["{} {}", "line 1, column 4: end of file expected"],
    ['{\n "limits": {},\n "limits": {} }', "line 3, column 2: the field limits is there twice"],
    ['{"__proto__": {}}', "line 1, column 2: the field __proto__ cannot have this name"],
    ["[".repeat(200_000), "is nested too deeply"],
  ])("with a syntax error (%#) is told by line and column", (text, problem) => {
    const error = failureOf(text);
    expect(error.name).toBe("ConfigInvalid");
    expect(error.message).toBe(`/etc/config.json: ${problem}`);
    expect(error.data).toEqual({
      file: "/etc/config.json",
      issues: [{ path: "", message: problem, ...lineIn(problem) }],
    });
  });

  test.each<[string, unknown, string, string]>([
    ["a list", [], "", "expected object"],
    [
      "a misspelt field",
      { permision: {} },
      "permision",
      'unknown field; did you mean "permissions"?',
    ],
    ["a field in another case", { mcpservers: {} }, "mcpservers", 'did you mean "mcpServers"?'],
    ["a strange field", { colour: 1 }, "colour", "unknown field"],
    [
      "a misspelt field of a provider",
      { providers: { a: { type: "openai", baseURL: "https://example.test" } } },
      "providers.a.baseURL",
      'unknown field; did you mean "baseUrl"?',
    ],
    [
      "a misspelt field of a model",
      {
        providers: { a: { type: "openai", models: [{ id: "m" }, { id: "n", contextwindow: 1 }] } },
      },
      "providers.a.models[1].contextwindow",
      'did you mean "contextWindow"?',
    ],
    ["a provider without a type", { providers: { a: {} } }, "providers.a.type", "expected one of"],
    [
      "a provider of an unknown type",
      { providers: { a: { type: "oolama" } } },
      "providers.a.type",
      "expected one of",
    ],
    [
      "a compatible provider without a place",
      { providers: { a: { type: "openai-compatible" } } },
      "providers.a.baseUrl",
      "needs a `baseUrl`",
    ],
    [
      "a place that is no URL",
      { providers: { a: { type: "openai", baseUrl: "localhost:80" } } },
      "providers.a.baseUrl",
      "must be an http or https URL",
    ],
    [
      "a place with a password",
      { providers: { a: { type: "openai", baseUrl: "https://u:p@example.test" } } },
      "providers.a.baseUrl",
      "must not hold a user name or password",
    ],
    [
      "a provider's id with a slash",
      { providers: { "a/b": { type: "openai" } } },
      'providers."a/b"',
      "an id is made of",
    ],
    [
      "another provider under the embedded one's id",
      { providers: { offline: { type: "openai" } } },
      "providers.offline",
      "taken by the embedded model",
    ],
    [
      "a dollar sign that names nothing",
      { providers: { a: { type: "openai", apiKey: "pa$5" } } },
      "providers.a.apiKey",
      "write `$$`",
    ],
    [
      "an empty key",
      { providers: { a: { type: "openai", apiKey: " " } } },
      "providers.a.apiKey",
      "must not be empty",
    ],
    [
      "a header's name with a space",
      { providers: { a: { type: "openai", headers: { "X Y": "z" } } } },
      'providers.a.headers."X Y"',
      "is no header name",
    ],
    [
      "a choice without a provider",
      { models: { large: { model: "m" } } },
      "models.large.provider",
      "expected string",
    ],
    [
      "a mode that is none",
      { permissions: { mode: "yolo" } },
      "permissions.mode",
      'expected one of "ask"|"acceptEdits"|"allow"|"deny"|"plan"',
    ],
    [
      "a rule with nothing behind its colon",
      { permissions: { deny: ["bash", "bash:"] } },
      "permissions.deny[1]",
      "a rule is",
    ],
    [
      "a tool server that is nowhere",
      { mcpServers: { d: {} } },
      "mcpServers.d",
      "either a `command` or a `url`",
    ],
    [
      "a tool server in two places",
      { mcpServers: { d: { command: "x", url: "https://example.test" } } },
      "mcpServers.d",
      "either a `command` or a `url`",
    ],
    [
      "headers for a program",
      { mcpServers: { d: { command: "x", headers: {} } } },
      "mcpServers.d.headers",
      "goes with `url`",
    ],
    [
      "variables for a place",
      { mcpServers: { d: { url: "https://example.test", env: {} } } },
      "mcpServers.d.env",
      "goes with `command`",
    ],
    [
      "an argument with a NUL",
      { mcpServers: { d: { command: "x", args: ["a\0"] } } },
      "mcpServers.d.args[0]",
      "NUL",
    ],
    ["a limit of nothing", { limits: { maxSteps: 0 } }, "limits.maxSteps", ">=1"],
    ["a limit in words", { limits: { maxSteps: "many" } }, "limits.maxSteps", "expected number"],
    [
      "a limit with a fraction",
      { limits: { maxDenials: 1.5 } },
      "limits.maxDenials",
      "expected int",
    ],
  ])("with %s is told by field", (_what, value, path, problem) => {
    const error = failureOf(JSON.stringify(value));
    const [issue] = error.data.issues as { path: string; message: string }[];
    expect(issue?.path).toBe(path);
    expect(issue?.message).toContain(problem);
    expect(error.message).toContain(`/etc/config.json: ${path}`);
  });

  test("with several mistakes names them all in its data and counts them in its message", () => {
    const error = failureOf('{"limits": {"maxSteps": 0, "maxStep": 1}, "x": 1}');
    const paths = (error.data.issues as { path: string }[]).map(({ path }) => path);
    expect(paths.sort()).toEqual(["limits.maxStep", "limits.maxSteps", "x"]);
    expect(error.message).toMatch(/\(and 2 more\)$/);
  });

  test("cannot make a terminal obey the name of a field", () => {
    const error = failureOf(JSON.stringify({ "\u001b[2J": 1 }));
    expect(error.message).toBe('/etc/config.json: "\\u001b[2J": unknown field');
  });

  test("of any content is accepted or told as invalid, and nothing else", () => {
    const anything = fc.oneof(
      fc.string(),
      fc.json(),
      fc.string({ unit: fc.constantFrom(...'{}[]",:\\/*\n$1ae') }),
    );
    fc.assert(
      fc.property(anything, (text) => {
        try {
          parseConfigFile("f", text);
        } catch (error) {
          expect(error).toBeInstanceOf(DomainError);
        }
      }),
    );
  });
});

/** The line that a problem names, as the issue tells it. */
function lineIn(problem: string): { line?: number } {
  const line = /^line (\d+)/.exec(problem)?.[1];
  return line === undefined ? {} : { line: Number(line) };
}
