// Gives the packages of providers two parts of ours. Our list of headers stands in place of the platform's
// `Headers`, which loads all of the platform's `fetch` (src/network/headerList.ts). Our reader of events
// stands in place of theirs, which takes several times as long (src/models/jsonEvents.ts).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { shortened } from "./shortNames.mjs";

const theirs = "function parseJsonEventStream({";
const ours = `function parseJsonEventStream({ stream, schema }) {
  return jsonEvents(stream, (text) => safeParseJSON({ text, schema }));
}
`;

/** An esbuild plugin for the one package of theirs that has both; `root` is the repository. */
export function ownUtils({ root }) {
  const from = (path) => JSON.stringify(join(root, path));
  const imports = `import { HeaderList as Headers } from ${from("src/network/headerList.ts")};
import { jsonEvents } from ${from("src/models/jsonEvents.ts")};
`;
  return {
    name: "own-utils",
    setup({ onLoad }) {
      const filter = /[\\/]@ai-sdk[\\/]provider-utils[\\/]dist[\\/]index\.mjs$/;
      onLoad({ filter, namespace: "file" }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        if (source.split(theirs).length !== 2) throw new Error(`${path} reads events otherwise`);
        const rest = source.replace(theirs, "function theirEventStream({");
        return { contents: await shortened(`${imports}${ours}${rest}`) };
      });
    },
  };
}
