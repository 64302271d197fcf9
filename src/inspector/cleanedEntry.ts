import { defined } from "../base/defined.js";
import type { Entry } from "./entries.js";
import { hiddenText, hideContents } from "./hiddenContents.js";
import type { Redaction } from "./redaction.js";

/** The entry without secrets, and without contents where that is asked for. */
export function cleanedEntry(entry: Entry, redaction: Redaction, hidesContents: boolean): Entry {
  switch (entry.kind) {
    case "message": {
      const message = redaction.message(entry.message);
      const { invalid } = entry;
      return {
        ...entry,
        message: hidesContents ? hideContents(message) : message,
        ...defined({ invalid: invalid && redaction.text(invalid) }),
      };
    }
    case "stderr":
      return {
        ...entry,
        text: hidesContents ? hiddenText(entry.text) : redaction.line(entry.text),
      };
    case "broken":
      return entry.text === undefined ? entry : { ...entry, text: shown(entry.text) };
    case "start":
      return { ...entry, command: redaction.command(entry.command) };
    case "gap":
    case "missed":
    case "end":
      return entry;
  }
  function shown(text: string): string {
    return hidesContents ? hiddenText(text) : redaction.text(text);
  }
}
