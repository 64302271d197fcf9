// The ES module of `turnwire/client`: it hands on what the CommonJS build exports.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Writes `client.js` beside the `client.cjs` in `outdir`. */
export function writeClientModule({ root, outdir }) {
  const file = join(root, outdir, "client.cjs");
  const names = Object.keys(createRequire(file)(file)).sort();
  const module = `export { ${names.join(", ")} } from "./client.cjs";\n`;
  writeFileSync(join(root, outdir, "client.js"), module);
}
