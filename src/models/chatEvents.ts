// Repairs events of chat completions that the package would not understand: arguments that are an
// object, and a complete answer that ends without a finish reason.
import { inside } from "./errorLayers.js";
import type { EventRules } from "./providerFetch.js";

const finishes = /"finish_reason"\s*:\s*"/;
const says = /"(?:content|reasoning|reasoning_content)"\s*:\s*"[^"]|"content"\s*:\s*\[/;
const calls = /"tool_calls"\s*:\s*\[\s*\{/;
const choices = /"choices"\s*:\s*\[/;
const objectArguments = /"arguments"\s*:\s*[{[]/;

/** The rules for one answer of chat completions. */
export function chatEvents(): EventRules {
  let hasFinished = false;
  let hasSaid = false;
  let hasCalled = false;
  return {
    data(data) {
      if (data === "[DONE]") {
        if (hasFinished || !(hasSaid || hasCalled)) return data;
        return [finish(hasCalled ? "tool_calls" : "stop"), data];
      }
      hasFinished ||= finishes.test(data);
      hasCalled ||= calls.test(data);
      hasSaid ||= says.test(data);
      if (!choices.test(data)) return withoutChoices(data);
      return objectArguments.test(data) ? withArgumentsAsText(data) : data;
    },
  };
}

/**
 * An event that says nothing of the reply: an error in the form that the package reads, whatever form it
 * has, and all else (signs of life, `choices` that is null) as an event without choices.
 */
function withoutChoices(data: string): string {
  let event: unknown;
  try {
    event = JSON.parse(data);
  } catch {
    // It is no JSON. The package reports that better.
    return data;
  }
  if (typeof event !== "object" || event === null || Array.isArray(event)) return data;
  const error = inside(event, "error");
  if (typeof error === "string") return JSON.stringify({ error: { message: error } });
  if (typeof error === "object" && error !== null) return data;
  const message = inside(event, "message") ?? inside(event, "detail");
  if (typeof message !== "string") return JSON.stringify({ ...event, choices: [] });
  const [type, code] = [inside(event, "type"), inside(event, "code")].map((value) =>
    typeof value === "string" || typeof value === "number" ? value : undefined,
  );
  return JSON.stringify({ error: { message, type: type && String(type), code } });
}

function finish(reason: string): string {
  return JSON.stringify({ choices: [{ index: 0, delta: {}, finish_reason: reason }] });
}

/** JSON in which the value of every member `arguments` is text. */
export function withArgumentsAsText(data: string): string {
  try {
    return JSON.stringify(JSON.parse(data), (name, value: unknown) =>
      name === "arguments" && typeof value === "object" && value !== null
        ? JSON.stringify(value)
        : value,
    );
  } catch {
    // It is no JSON. The package reports that better.
    return data;
  }
}
