import { onTestFinished } from "vitest";

/** Until the test ends, or this is undone, this process believes that its Node is at another path. */
export function pretendNodeAt(path: string): () => void {
  const { execPath } = process;
  const undo = () => {
    process.execPath = execPath;
  };
  onTestFinished(undo);
  process.execPath = path;
  return undo;
}
