/**
 * Readers of the values of options. Each throws the error that the parser reports together with the
 * option's name.
 */
import { InvalidArgumentError } from "commander";
import type { ConfigSetting } from "../base/configFiles.js";
import { positiveIntegerOf, secondsOf } from "./serveOptions.js";

export function nonEmpty(text: string): string {
  if (text === "") throw new InvalidArgumentError("It is empty.");
  return text;
}

/** Collects the values of an option that is given several times. */
export function listed(text: string, before: string[] = []): string[] {
  return [...before, nonEmpty(text)];
}

/** `limits.maxSteps=5`: a path of names, and a value as JSON, or as text where it is none. */
export function setting(text: string, before: ConfigSetting[] = []): ConfigSetting[] {
  const equals = text.indexOf("=");
  const path = text.slice(0, Math.max(0, equals)).split(".");
  if (equals === -1 || path.includes("")) {
    throw new InvalidArgumentError("It must be KEY=VALUE, e.g. limits.maxSteps=5.");
  }
  return [...before, { path, value: jsonOrText(text.slice(equals + 1)) }];
}

function jsonOrText(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

export function positiveDollars(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError("It must be an amount of US dollars over 0.");
}

export function seconds(text: string): number {
  const value = secondsOf(text);
  if (value === undefined) {
    throw new InvalidArgumentError("It must be a number of seconds, 0 or more.");
  }
  return value;
}

export function positiveSeconds(text: string): number {
  const value = seconds(text);
  if (value === 0) throw new InvalidArgumentError("It must be more than 0 seconds.");
  return value;
}

export function positiveInteger(text: string): number {
  const value = positiveIntegerOf(text);
  if (value === undefined) {
    throw new InvalidArgumentError("It must be a whole number over 0.");
  }
  return value;
}

export function modelChoice(text: string): { provider: string; model: string } {
  const slash = text.indexOf("/");
  const provider = text.slice(0, slash);
  const model = text.slice(slash + 1);
  if (slash === -1 || provider === "" || model === "") {
    throw new InvalidArgumentError("It must be PROVIDER/MODEL, e.g. local/qwen3-coder.");
  }
  return { provider, model };
}
