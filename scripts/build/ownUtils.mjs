// Gives the packages of providers our list of headers in place of the platform's `Headers`, which loads
// all of the platform's `fetch` (src/network/headerList.ts).
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { shortened } from "./shortNames.mjs";

/** An esbuild plugin for the one package of theirs that makes headers; `root` is the repository. */
export function ownHeaders({ root }) {
  const list = JSON.stringify(join(root, "src/network/headerList.ts"));
  return {
    name: "own-headers",
    setup({ onLoad }) {
      const filter = /[\\/]@ai-sdk[\\/]provider-utils[\\/]dist[\\/]index\.mjs$/;
      onLoad({ filter, namespace: "file" }, async ({ path }) => {
        const source = await readFile(path, "utf8");
        return {
          contents: await shortened(`import { HeaderList as Headers } from ${list};\n${source}`),
        };
      });
    },
  };
}
