/**
 * The script of the offline model (`protocol.md` section 10), as functions: what they return is a
 * prompt, or a part of one. `client.run({ …, prompt: script(say("Let me see."), tool("ls")) })`.
 */

/** One step: a line of a prompt, or several. */
export type ScriptStep = string;

/** A prompt that the offline model plays, step by step. */
export function script(...steps: readonly ScriptStep[]): string {
  return steps.join("\n");
}

/** The model says it; each line is a step of its own, in one part of the message. */
export function say(text: string): ScriptStep {
  return lines("@say", text);
}

/** The model thinks it. */
export function think(text: string): ScriptStep {
  return lines("@think", text);
}

/**
 * The model streams so many deltas of text, each of so many characters.
 *
 * @throws RangeError for what is no whole number from 1 on.
 */
export function chunks(count: number, characters = 16): ScriptStep {
  return `@chunks ${whole("count", count)} ${whole("characters", characters)}`;
}

/**
 * The model waits, in milliseconds of the server's clock, which is a real one.
 *
 * @throws RangeError for what is no whole number from 0 on.
 */
export function wait(ms: number): ScriptStep {
  return `@wait ${whole("ms", ms, 0)}`;
}

/** The model calls a tool. The steps behind it come in its next call, which has the result. */
export function tool(name: string, input: object = {}): ScriptStep {
  return `@tool ${name} ${JSON.stringify(input)}`;
}

/** The model gives the value that the run's `outputSchema` asks for, whether it fits or not. */
export function output(value: unknown): ScriptStep {
  return `@output ${JSON.stringify(value)}`;
}

/**
 * The model's provider fails with this HTTP status.
 *
 * @throws RangeError for what is no HTTP status of an error.
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
