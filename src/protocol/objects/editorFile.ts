// The parts that the requests about the files of an editor share (protocol.md section 7).
import * as z from "zod";

/** The path of a file. */
export const editorPath = () =>
  z
    .string()
    .describe(
      "Absolute, inside the workspace, every symbolic link resolved; as this system writes it.",
    );

/** A version of a file. */
export const fileVersion = () =>
  z
    .union([z.string().max(1024), z.int()])
    .describe("The client's own name for this state of the file. It changes with every change.");
