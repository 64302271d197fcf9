// Tries every tool, provider and command of the built files on the Nodes that are supported:
// `npm run test:nodes`, or `node scripts/testNodes.mjs 22 24` for some. A Node that is not at hand is
// had from the package registry; one that cannot be had is told, and fails nothing but itself.
import { execFileSync, spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const supported = ["20.19", "20", "22", "24", "26"];
const wanted = process.argv.length > 2 ? process.argv.slice(2) : supported;
/** What depends on the Node itself: whether each part works, and what happens when memory is full. */
const tests = ["test/build", "test/e2e/greedyFiles"];
const onWindows = process.platform === "win32";

const outcomes = wanted.map((version) => {
  const file = nodeOf(version);
  if (file === undefined) return [version, "not tried: it cannot be had"];
  const vitest = fileURLToPath(new URL("../node_modules/vitest/vitest.mjs", import.meta.url));
  const { status } = spawnSync(process.execPath, [vitest, "run", ...tests], {
    cwd: root,
    env: { ...process.env, TURNWIRE_TEST_NODE: file },
    stdio: ["ignore", "inherit", "inherit"],
  });
  return [version, status === 0 ? "passed" : "failed"];
});
for (const [version, outcome] of outcomes) console.log(`Node ${version}: ${outcome}`);
process.exitCode = outcomes.some(([, outcome]) => outcome === "failed") ? 1 : 0;

/** The executable of a version; undefined where there is none. */
function nodeOf(version) {
  try {
    const args = ["-y", `node@${version}`, "-p", "process.execPath"];
    return execFileSync("npx", args, {
      encoding: "utf8",
      shell: onWindows,
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return undefined;
  }
}
