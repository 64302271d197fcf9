// What V8 says of its heap, for tests of what a program leaves there.
import { getHeapSpaceStatistics, setFlagsFromString } from "node:v8";
import { runInNewContext, runInThisContext } from "node:vm";

/** Whether two objects have one hidden class. */
export function haveOneClass(): (one: object, other: object) => boolean {
  setFlagsFromString("--allow-natives-syntax");
  try {
    const haveOne: ReturnType<typeof haveOneClass> = runInThisContext(
      "(one, other) => %HaveSameMap(one, other)",
    );
    // It is compiled when it is first called.
    haveOne({}, {});
    return haveOne;
  } finally {
    setFlagsFromString("--no-allow-natives-syntax");
  }
}

/** Collects what died young, and nothing that has survived that twice. */
export function youngCollector(): () => void {
  setFlagsFromString("--expose-gc");
  const collect: (options: { type: string }) => void = runInNewContext("gc");
  return () => collect({ type: "minor" });
}

/** What has survived, dead or not, in bytes. */
export function survivedBytes(): number {
  const old = getHeapSpaceStatistics().find(({ space_name }) => space_name === "old_space");
  return old?.space_used_size ?? 0;
}
