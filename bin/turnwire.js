#!/usr/bin/env node
const { existsSync } = require("node:fs");
const { dirname, join } = require("node:path");

const folder = dirname(__dirname);
const main = join(folder, "dist", "main.cjs");
const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `turnwire needs Node 20.19 or newer; this is Node ${process.versions.node}.\n`,
  );
  process.exitCode = 2;
} else if (!existsSync(main)) {
  // A clone that was not built yet: a package from the registry brings its build.
  process.stderr.write(
    `turnwire is not built: ${main} is missing.\nRun \`npm ci\` in ${folder}, or \`npm run build\` where its packages are installed.\n`,
  );
  process.exitCode = 2;
} else {
  require("../dist/compiled.cjs").load(main);
}
