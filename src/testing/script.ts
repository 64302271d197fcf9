/**
 * Functions that make the script of the offline model (`protocol.md` section 10). They return a prompt,
 * or a part of one. `client.run({ …, prompt: script(say("Let me see."), tool("ls")) })`.
 */

/** One step: a line of a prompt, or several. */
export type ScriptStep = string;

/** Makes a prompt from steps. The offline model follows it step by step. */
export function script(...steps: readonly ScriptStep[]): string {
  return steps.join("\n");
}

/** The model says the text. Each line is a step of its own; all are in one part of the message. */
export function say(text: string): ScriptStep {
  return lines("@say", text);
}

/** The model thinks the text. */
export function think(text: string): ScriptStep {
  return lines("@think", text);
}

/**
 * The model streams so many deltas of text, each of so many characters.
 *
 * @throws RangeError unless both are whole numbers of at least 1.
 */
export function chunks(count: number, characters = 16): ScriptStep {
  return `@chunks ${whole("count", count)} ${whole("characters", characters)}`;
}

/**
 * The model waits, in milliseconds of the server's clock, which is a real one.
 *
 * @throws RangeError unless it is a whole number of at least 0.
 */
export function wait(ms: number): ScriptStep {
  return `@wait ${whole("ms", ms, 0)}`;
}

/** The model calls a tool. The steps after it come in the next model call, which has the result. */
export function tool(name: string, input: object = {}): ScriptStep {
  return `@tool ${name} ${JSON.stringify(input)}`;
}

/** The model gives this value for the run's `outputSchema`. The value need not fit. */
export function output(value: unknown): ScriptStep {
  return `@output ${JSON.stringify(value)}`;
}

/**
 * The model's provider fails with this HTTP status.
 *
 * @throws RangeError unless it is an HTTP status of an error.
 */
export function fail(status: number, message: string): ScriptStep {
  if (!Number.isInteger(status) || status < 400 || status > 599) {
    throw new RangeError(`\`status\` is ${status}: an HTTP status of an error is 400 to 599`);
  }
  return `@fail ${status} ${message.replaceAll(/[\r\n]+/g, " ")}`;
}

function lines(directive: string, text: string): ScriptStep {
  return text
    .split(/\r?\n/)
    .map((line) => `${directive} ${line}`)
    .join("\n");
}

function whole(name: string, value: number, least = 1): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new RangeError(`\`${name}\` is ${value}: it takes a whole number from ${least} on`);
}
