// Shortens the names within the files of some packages. What is loaded at the start of a server is
// read and compiled each time, and a large part of it is theirs. Of our own files only the names
// within functions are shortened: those of functions and classes are what a stack in a log shows.
import { readFile } from "node:fs/promises";
import { transform } from "esbuild";

/** A plugin that shortens them in the files of `packages`. */
export function shortNames({ packages }) {
  return {
    name: "short-names",
    setup({ onLoad }) {
      const filter = new RegExp(
        `[\\\\/]node_modules[\\\\/](${packages.join("|")})[\\\\/].*\\.[cm]?js$`,
      );
      onLoad({ filter, namespace: "file" }, async ({ path }) => {
        return { contents: await shortened(await readFile(path, "utf8")) };
      });
    },
  };
}

/**
 * A plugin that shortens the names within functions in our own files. Those of functions and classes
 * stay as they are written: they are what a stack in a log shows.
 */
export function shortLocals() {
  return {
    name: "short-locals",
    setup({ onLoad }) {
      onLoad({ filter: /[\\/]src[\\/].*\.ts$/, namespace: "file" }, async ({ path }) => {
        if (path.includes("node_modules")) return;
        const { code } = await transform(await readFile(path, "utf8"), {
          minifyIdentifiers: true,
          loader: "ts",
          target: "node20",
        });
        return { contents: code, loader: "js" };
      });
    },
  };
}

/** A file's text with short names. */
export async function shortened(source) {
  const { code } = await transform(source, { minify: true, target: "node20" });
  return code;
}
