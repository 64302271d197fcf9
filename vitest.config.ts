import { configDefaults, defineConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";

/**
 * Folders whose files change nothing that another file could see, and measure no memory: one process
 * plays file after file, which spares each the start of a process and the loading of the sources.
 */
const together = [
  "agent",
  "architecture",
  "backend",
  "base",
  "checkpoints",
  "config",
  "coordinator",
  "engine",
  "events",
  "permissions",
  "protocol",
  "rpc",
  "storage",
  "transport",
].map((folder) => `test/${folder}/**/*.test.ts`);

/** The short files of {@link together} come last, so that no long file is alone at the end. */
class LongFilesFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isShort = ({ project }: TestSpecification) => project.name === "together";
    return [...sorted.filter((file) => !isShort(file)), ...sorted.filter(isShort)];
  }
}

export default defineConfig(({ mode }) => {
  const shared = {
    // On a slow machine, three files at once, some take two minutes. A gate that nobody opens is seen anyway.
    testTimeout: 180_000,
    hookTimeout: 180_000,
    // What is waited for comes, on a slow machine later.
    expect: { poll: { timeout: 30_000 } },
    pool: "forks",
    maxWorkers: 3,
  } as const;
  return {
    test: {
      ...shared,
      globalSetup: ["test/helpers/buildOnce.ts"],
      sequence: { sequencer: LongFilesFirst },
      projects: [
        { mode, test: { ...shared, name: "together", include: together, isolate: false } },
        {
          mode,
          test: {
            ...shared,
            name: "apart",
            include: ["test/**/*.test.ts"],
            exclude: [...configDefaults.exclude, ...together],
          },
        },
      ],
    },
  };
});
