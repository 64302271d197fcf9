import { expect, test } from "vitest";
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
