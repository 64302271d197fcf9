import * as z from "zod";

/** The name of an environment variable: not empty, without `=` and NUL. */
export const variableName = () => z.string().regex(/^[^=\0]+$/, "is no variable name");

/** What a child process can be given: the operating system ends a string at a NUL. */
export const processText = () => z.string().regex(/^[^\0]*$/, "must not hold a NUL");
