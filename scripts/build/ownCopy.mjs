// Bundles packages with copies of their dependencies that nothing else uses. esbuild splits code by
// file: a package that takes in all of zod would put all of zod, with every language, into the chunk
// that the server's start shares with it.
import { readFile } from "node:fs/promises";
import { dirname, sep } from "node:path";
import { shortened } from "./shortNames.mjs";

const namespace = "own-copy";

/**
 * An esbuild plugin: packages whose path matches `importers` get their own copies of `packages` (the
 * names as they are imported, with or without a path behind them). `contents` gives the text of files
 * whose path ends like its keys, in place of their own.
 */
export function ownCopy({ importers, packages, contents: given = {} }) {
  const isCopied = new RegExp(`^(${packages.join("|")})(/|$)`);
  return {
    name: "own-copy",
    setup(build) {
      const find = async ({ path, kind, importer, resolveDir }) => {
        const found = await build.resolve(path, {
          kind,
          importer,
          resolveDir,
          pluginData: { isFound: true },
        });
        return found.external || found.errors.length > 0 ? found : { ...found, namespace };
      };
      build.onResolve({ filter: isCopied }, (request) =>
        importers.test(request.importer) && !request.pluginData?.isFound
          ? find(request)
          : undefined,
      );
      build.onResolve({ filter: /.*/, namespace }, (request) =>
        request.pluginData?.isFound ? undefined : find(request),
      );
      build.onLoad({ filter: /.*/, namespace }, async ({ path }) => {
        const ending = Object.keys(given).find((end) => path.replaceAll(sep, "/").endsWith(end));
        return {
          contents:
            ending === undefined ? await shortened(await readFile(path, "utf8")) : given[ending],
          resolveDir: dirname(path),
          loader: "js",
        };
      });
    },
  };
}
