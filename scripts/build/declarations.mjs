// Rolls the type declarations of each library entry into one file, so that nothing internal can be
// imported and no type is left whose package is not installed.
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rolldown } from "rolldown";
import { dts } from "rolldown-plugin-dts";

/** Only these packages may be imported by a declaration: they are installed with ours. */
const installed = /^(zod|vscode-jsonrpc)(\/|$)/;

/** Writes `client.d.ts` and `protocol.d.ts`, and the same for CommonJS, into `outdir`. */
export async function writeDeclarations({ root, outdir }) {
  const scratch = mkdtempSync(join(root, outdir, "declarations-"));
  try {
    const tsc = fileURLToPath(new URL("bin/tsc", import.meta.resolve("typescript/package.json")));
    execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", scratch], {
      cwd: root,
      stdio: "inherit",
    });
    for (const entry of ["client", "protocol", "testing"]) {
      const rolled = await roll(join(scratch, entry, "index.d.ts"));
      // `Disposable` is in no library that is taken by default.
      const reference = /\bDisposable\b/.test(rolled)
        ? '/// <reference lib="esnext.disposable" />\n'
        : "";
      const text = rolled.replaceAll(clientModule, "./client.cjs");
      writeFileSync(join(root, outdir, `${entry}.d.cts`), `${reference}${text}`);
      // The loader tells the two kinds of module apart by the file's name alone. The types are the
      // same: a class that is declared twice would be two classes.
      writeFileSync(join(root, outdir, `${entry}.d.ts`), `export * from "./${entry}.cjs";\n`);
    }
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

/** Stands for the declarations of the client in those of another entry, which name the same class. */
const clientModule = "turnwire-client-declarations";

function ofClient(input) {
  const isClient = /[\\/]client[\\/]index\.(js|d\.ts)$/;
  return {
    name: "of-client",
    resolveId(id) {
      if (isClient.test(id) && id !== input) return { id: clientModule, external: true };
      return null;
    },
  };
}

async function roll(input) {
  const bundle = await rolldown({
    input,
    plugins: [ofClient(input), dts({ dtsInput: true })],
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
    return output[0].code;
  } finally {
    await bundle.close();
  }
}
