// `contextFiles` of a configuration: which files are used if a folder has no `AGENTS.md`.
import * as z from "zod";
import { defaultContextFiles } from "./defaults.js";

const isFileBelow = (path: string) =>
  !path.split(/[\\/]/).some((part) => part === "" || part === "..") && !/^[A-Za-z]:/.test(path);

/** The schema of `contextFiles`: files of a folder or below it, never outside. */
export const contextFiles = () =>
  z
    .array(
      z
        .string()
        .max(200)
        .refine(isFileBelow, "must be a file of the folder or below it, such as `docs/AGENT.md`"),
    )
    .max(20)
    .exactOptional()
    .meta({
      description:
        "Where a folder has no `AGENTS.md`, the first of these that it has is read in its place. A workspace's list replaces the user's.",
      default: [...defaultContextFiles],
    });
