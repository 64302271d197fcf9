// Gives the packages of providers three parts of ours. Our list of headers stands in place of the platform's
// `Headers`, which loads all of the platform's `fetch` (src/network/headerList.ts). Our reader of events and
// our transforms stand in place of theirs, which take several times as long (src/models/jsonEvents.ts,
// src/models/lightTransform.ts).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { shortened } from "./shortNames.mjs";

const theirs = "function parseJsonEventStream({";
const ours = `function parseJsonEventStream({ stream, schema }) {
  return jsonEvents(stream, (text) => safeParseJSON({ text, schema }));
}
`;

/** An esbuild plugin for these packages; `root` is the repository. */
export function ownUtils({ root }) {
  const from = (path) => JSON.stringify(join(root, path));
  const transforms = `import { LightTransform as TransformStream } from ${from("src/models/lightTransform.ts")};
`;
  const utils = `import { HeaderList as Headers } from ${from("src/network/headerList.ts")};
import { jsonEvents } from ${from("src/models/jsonEvents.ts")};
`;
  const changed = (path, source) => {
    if (!/[\\/]provider-utils[\\/]/.test(path)) return transforms + source;
    if (source.split(theirs).length !== 2) throw new Error(`${path} reads events otherwise`);
    return utils + ours + source.replace(theirs, "function theirEventStream({");
  };
  return {
    name: "own-utils",
    setup({ onLoad }) {
      const filter = /[\\/]@ai-sdk[\\/][a-z-]+[\\/]dist[\\/]index\.mjs$/;
      onLoad({ filter, namespace: "file" }, async ({ path }) => {
        return { contents: await shortened(changed(path, await readFile(path, "utf8"))) };
      });
    },
  };
}
