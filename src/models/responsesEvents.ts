// Repairs events of the Responses API that the package would not understand. Ids of items may
// change within a stream (GitHub Copilot); then the item is recognised by its position. Thoughts
// may come in full instead of as a summary (LM Studio, open models).
import { withArgumentsAsText } from "./chatEvents.js";
import type { EventRules } from "./providerFetch.js";

type Event = Record<string, unknown>;

/** The rules for one answer of the Responses API. */
export function responsesEvents(): EventRules {
  const ids = new Map<number, string>();
  /** The items whose thoughts also come as a summary. */
  const summarised = new Set<unknown>();
  return {
    data(data) {
      const event = eventIn(data);
      if (event === undefined) return data;
      const isError = event.type === "response.failed" || event.type === "error";
      if (isError && typeof event.sequence_number !== "number") {
        // The package would not know it for an error, and nobody would read its words.
        return JSON.stringify({ ...event, sequence_number: 0 });
      }
      const isChanged = rename(event, ids);
      if (/summary/.test(String(event.type))) summarised.add(event.item_id);
      if (event.type === "response.reasoning_text.delta" && !summarised.has(event.item_id)) {
        return JSON.stringify({
          ...event,
          type: "response.reasoning_summary_text.delta",
          summary_index: 0,
        });
      }
      const told = isChanged ? JSON.stringify(event) : data;
      return /"arguments"\s*:\s*\{/.test(told) ? withArgumentsAsText(told) : told;
    },
  };
}

/** Gives an event the id that its item had first. */
function rename(event: Event, ids: Map<number, string>): boolean {
  const { output_index: place, item } = event;
  if (typeof place !== "number") return false;
  const own = isEvent(item) ? item.id : event.item_id;
  if (typeof own !== "string") return false;
  const first = ids.get(place);
  if (first === undefined || event.type === "response.output_item.added") {
    ids.set(place, own);
    return false;
  }
  if (first === own) return false;
  if (isEvent(item)) item.id = first;
  else event.item_id = first;
  return true;
}

function eventIn(data: string): Event | undefined {
  if (!data.startsWith("{")) return undefined;
  try {
    const event: unknown = JSON.parse(data);
    return isEvent(event) ? event : undefined;
  } catch {
    // It is no JSON. The package reports that better.
    return undefined;
  }
}

function isEvent(value: unknown): value is Event {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
