// Keeps zod's way to JSON Schema out of the start of a server. Each of zod's schemas holds its own part of
// it, and the package's index all of it; so its code would be loaded with the first schema. Here schemas
// have none, and whoever names `toJSONSchema` gets the code, which finds its part by a schema's kind.
import { readFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { shortened } from "./shortNames.mjs";

/** What is taken out of `zod/v4/classic/schemas.js`. */
const takenOut = [
  /^import \{ createStandardJSONSchemaMethod, createToJSONSchemaMethod \} from "[^"]*";$/gm,
  /^ *inst\._zod\.processJSONSchema = \(ctx, json, params\) => processors\.\w+\(inst, ctx, json, params\);$/gm,
  /^ *jsonSchema: \{\n *input: create\w+\(this, "input"\),\n *output: create\w+\(this, "output"\),\n *\},$/gm,
  /^ *toJSONSchema\(params\) \{\n *return createToJSONSchemaMethod\(this, \{\}\)\(params\);\n *\},$/gm,
];

const name = "late-json-schema";
const schemas = /[\\/]zod[\\/]v4[\\/]classic[\\/]schemas\.js$/;

/** An esbuild plugin; it comes before the one that shortens zod's names. It fails if zod has changed. */
export function lateJsonSchema() {
  return {
    name,
    setup(build) {
      build.onLoad({ filter: schemas, namespace: "file" }, async ({ path }) => {
        const contents = await shortened(withoutJsonSchema(path, await readFile(path, "utf8")));
        if (contents.includes("JSONSchema")) throw new Error(`${path} makes JSON Schema elsewhere`);
        return { contents };
      });
      giveCopyToZod(build);
      giveWholeToUsers(build);
    },
  };
}

function withoutJsonSchema(path, source) {
  return takenOut.reduce((text, pattern) => {
    if (text.search(pattern) < 0) throw new Error(`${path} has nothing like ${pattern}`);
    return text.replace(pattern, "");
  }, source);
}

/**
 * What schemas ask of the code, their lengths and limits, is one function of it: they get a copy, of which
 * the bundler keeps that function alone.
 */
function giveCopyToZod(build) {
  const filter = /[\\/](json-schema-processors|to-json-schema)\.js$/;
  build.onResolve({ filter }, async (request) => {
    const { path, kind, importer, resolveDir, namespace } = request;
    const isZod = /[\\/]zod[\\/]v4[\\/]/.test(importer) && !filter.test(importer);
    if (request.pluginData === name || !(namespace === name || (namespace === "file" && isZod)))
      return undefined;
    const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: name });
    return { path: found.path, namespace: name, sideEffects: false };
  });
  build.onLoad({ filter, namespace: name }, async ({ path }) => ({
    contents: await readFile(path, "utf8"),
    resolveDir: dirname(path),
  }));
}

/** Adds the code to zod's index for the files that name `toJSONSchema`. */
function giveWholeToUsers(build) {
  const namespace = `${name}-whole`;
  build.onResolve({ filter: /^zod(\/v4)?$/, namespace: "file" }, async (request) => {
    const { path, kind, importer, resolveDir } = request;
    if (request.pluginData === name || !(await readFile(importer, "utf8")).includes("toJSONSchema"))
      return undefined;
    const found = await build.resolve(path, { kind, importer, resolveDir, pluginData: name });
    return { path: found.path, namespace, sideEffects: false };
  });
  build.onLoad({ filter: /./, namespace }, ({ path }) => {
    const [, zod] = /^(.*[\\/]zod)[\\/](?:v4[\\/])?index\.js$/.exec(path);
    const code = join(zod, "v4/core/json-schema-processors.js");
    const [all, own] = [path, code].map((file) => JSON.stringify(file));
    const contents = `export * from ${all};\nexport { toJSONSchema } from ${own};\n`;
    return { contents, resolveDir: dirname(path) };
  });
}
