// The program that reads a PDF. It is JavaScript, so that it can be started from the sources
// as well as from the build; src/tools/files/pdf.ts says what it is given.
import { parentPort, workerData } from "node:worker_threads";
import { getDocumentProxy } from "unpdf";

const headingLength = 20;
const { data, maxLength } = workerData;

parentPort.postMessage(await pages());

/** The texts of the pages, up to the limit. Undefined if it is not a readable PDF. */
async function pages() {
  try {
    const pdf = await getDocumentProxy(new Uint8Array(data), { isEvalSupported: false });
    const texts = [];
    let length = 0;
    for (let number = 1; number <= pdf.numPages && length < maxLength; number++) {
      const page = await pdf.getPage(number);
      const { items } = await page.getTextContent();
      const text = items.map(({ str, hasEOL }) => (str ?? "") + (hasEOL ? "\n" : "")).join("");
      texts.push(text.slice(0, maxLength - length));
      // A page has a heading, too. So the number of empty pages is bounded as well.
      length += text.length + headingLength;
      page.cleanup();
    }
    return { texts, total: pdf.numPages };
  } catch {
    return undefined;
  }
}
