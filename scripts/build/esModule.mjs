// The ES module of an entry that is built in CommonJS: it hands on what that exports.
import { writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Writes the `.js` of an entry beside its `.cjs` in `outdir`. */
export function writeEsModule(entry, { root, outdir }) {
  const file = join(root, outdir, `${entry}.cjs`);
  const names = Object.keys(createRequire(file)(file)).sort();
  const module = `export { ${names.join(", ")} } from "./${entry}.cjs";\n`;
  writeFileSync(join(root, outdir, `${entry}.js`), module);
}
