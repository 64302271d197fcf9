// The program that converts a page. It is JavaScript, so that it can be started from
// the sources as well as from the build; src/tools/web/page.ts says what it is given.
import { parentPort, workerData } from "node:worker_threads";
import Turndown from "turndown";

const { html, format, maxLength } = workerData;

const service = new Turndown({
  headingStyle: "atx",
  codeBlockStyle: "fenced",
  bulletListMarker: "-",
});
service.remove(["script", "style", "noscript", "iframe", "template", "title"]);
if (format === "text") {
  service.addRule("link", { filter: "a", replacement: (content) => content });
  service.addRule("image", { filter: "img", replacement: () => "" });
}

parentPort.postMessage(convert());

/** Undefined for a page that is nested too deep: the converter calls itself for each level. */
function convert() {
  try {
    // A page can be written to become much longer than it is.
    return service.turndown(html).slice(0, maxLength);
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
