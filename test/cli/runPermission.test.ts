import { PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import { PermissionPrompt } from "../../src/cli/runPermission.js";
import { requestPermission } from "../../src/protocol/methods/requestPermission.js";

const question = requestPermission.example.params;

function terminal() {
  const input = new PassThrough();
  const output = new PassThrough();
  let shown = "";
  output.setEncoding("utf8").on("data", (text: string) => {
    shown += text;
  });
  const prompt = new PermissionPrompt(input, output);
  const { signal } = new AbortController();
  return { input, prompt, signal, shown: () => shown };
}

describe("asking at the terminal", () => {
  it.each([
    ["y", "allow"],
    ["YES ", "allow"],
    ["n", "deny"],
    ["a", "allowForSession"],
  ])("takes %j as %s", async (line, decision) => {
    const { input, prompt, signal, shown } = terminal();
    const answer = prompt.ask(question, { signal });
    input.write(`${line}\n`);
    expect(await answer).toEqual({ decision });
    expect(shown()).toContain("bash: Run: npm test\nAllow?");
  });

  it("offers what the question does, and takes nothing else", async () => {
    const { input, prompt, signal, shown } = terminal();
    const once = prompt.ask({ ...question, choices: ["allow", "deny"] }, { signal });
    input.write("a\n");
    setImmediate(() => input.write("y\n"));
    expect(await once).toEqual({ decision: "allow" });
    expect(shown()).toContain("Allow? [y]es, [n]o: Allow? [y]es, [n]o: ");
    const choices = ["allow", "allowForSession", "deny"] as const;
    const always = prompt.ask({ ...question, choices: [...choices] }, { signal });
    input.write("a\n");
    expect(await always).toEqual({ decision: "allowForSession" });
    expect(shown()).toContain("[y]es, [n]o, [a]lways in this session: ");
  });

  it("asks again where the answer is none", async () => {
    const { input, prompt, signal, shown } = terminal();
    const answer = prompt.ask(question, { signal });
    input.write("what?\n");
    setImmediate(() => input.write("y\n"));
    expect(await answer).toEqual({ decision: "allow" });
    expect(shown().match(/Allow\?/g)).toHaveLength(2);
  });

  it("takes the end of the input as a no", async () => {
    const { input, prompt, signal } = terminal();
    const answer = prompt.ask(question, { signal });
    input.end();
    expect(await answer).toEqual({ decision: "deny" });
  });

  it("gives up a question that is withdrawn, and asks the next", async () => {
    const { input, prompt, signal } = terminal();
    const controller = new AbortController();
    const withdrawn = prompt.ask(question, { signal: controller.signal });
    const next = prompt.ask(question, { signal });
    controller.abort();
    expect(await withdrawn).toEqual({ decision: "deny" });
    input.write("y\n");
    expect(await next).toEqual({ decision: "allow" });
  });
});
