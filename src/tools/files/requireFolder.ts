import { stat } from "node:fs/promises";
import { systemErrorCode } from "../../base/systemError.js";
import { ToolFailure } from "../failure.js";

/** @throws ToolFailure when a real path, which the model named `asked`, is no folder. */
export async function requireFolder(real: string, asked: string): Promise<void> {
  try {
    if ((await stat(real)).isDirectory()) return;
  } catch (error) {
    if (systemErrorCode(error) !== "ENOENT") throw error;
    throw new ToolFailure(`\`path\` ${asked} does not exist.`, { cause: error });
  }
  throw new ToolFailure(`\`path\` ${asked} is a file, not a folder; use \`read\`.`);
}
