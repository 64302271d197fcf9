import type { ProcessMarks } from "./processMark.js";

/** The marks of a server's commands in their stored form. */
export function serverMark(marks: ProcessMarks, place: string | undefined): string {
  const { variablePrefix, fileLocksPattern } = marks;
  return JSON.stringify({ variablePrefix, fileLocksPattern, place: place ?? "" });
}
