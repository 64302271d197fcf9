// Rolls the type declarations of each library entry into one file, so that nothing internal can be
// imported and no type is left whose package is not installed. What another entry exports is imported
// from its file.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";
import { withNamedSchemas, withOneImport } from "./shorterTypes.mjs";

/** Only these packages may be imported by a declaration: they are installed with ours. */
const installed = /^(zod|vscode-jsonrpc)(\/|$)/;

/**
 * The other entries that an entry imports from, and which modules it finds there. If both files had the
 * text, a package would hold all of the protocol three times, and a class would be two classes.
 */
const shared = {
  client: [["protocol", isOfProtocol]],
  protocol: [],
  testing: [
    ["client", (path) => path === "client/index"],
    ["protocol", isOfProtocol],
  ],
};

/** Whether `turnwire/protocol` exports what others use of the module, each under its own name. */
function isOfProtocol(path) {
  return path.startsWith("protocol/") || path === "base/errors";
}

/** Writes `client.d.ts` and `protocol.d.ts`, and the same for CommonJS, into `outdir`. */
export async function writeDeclarations({ root, outdir }) {
  const scratch = mkdtempSync(join(root, outdir, "declarations-"));
  try {
    const tsc = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));
    execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", scratch], {
      cwd: root,
      stdio: "inherit",
    });
    for (const entry of Object.keys(shared)) {
      const rolled = await roll(scratch, entry);
      // `Disposable` is in no library that is taken by default.
      const reference = /\bDisposable\b/.test(rolled)
        ? '/// <reference lib="esnext.disposable" />\n'
        : "";
      writeFileSync(join(root, outdir, `${entry}.d.cts`), `${reference}${rolled}`);
      // The loader tells the two kinds of module apart by the file's name alone. The types are the
      // same: a class that is declared twice would be two classes.
      writeFileSync(join(root, outdir, `${entry}.d.ts`), `export * from "./${entry}.cjs";\n`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Stands for the file of another entry until all is rolled: a path would be resolved. */
const standIn = "turnwire-declarations-of-";

function fromOtherEntries(scratch, entry) {
  return {
    name: "from-other-entries",
    resolveId(id, importer) {
      if (importer === undefined || !id.startsWith(".")) return null;
      const path = relative(scratch, resolve(dirname(importer), id))
        .replaceAll("\\", "/")
        .replace(/\.(js|d\.ts)$/, "");
      const [other] = shared[entry].find(([, holds]) => holds(path)) ?? [];
      return other === undefined ? null : { id: `${standIn}${other}`, external: true };
    },
  };
}

async function roll(scratch, entry) {
  const input = join(scratch, entry, "index.d.ts");
  const bundle = await rolldown({
    input,
    plugins: [fromOtherEntries(scratch, entry), dts({ dtsInput: true })],
    external: installed,
    // How long it took is told of a slow machine, and is no fault of what is rolled.
    checks: { bundlerTimings: false },
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  try {
    const { output } = await bundle.generate({ format: "es" });
    if (output.length !== 1) throw new Error(`${input} was rolled into more than one file`);
    const text = output[0].code.replace(new RegExp(`"${standIn}(\\w+)"`, "g"), '"./$1.cjs"');
    return withNamedSchemas(withOneImport(text));
  } finally {
    await bundle.close();
  }
}
