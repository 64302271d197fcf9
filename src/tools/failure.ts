import { explainSystemError } from "../base/systemError.js";

/**
 * A tool call that cannot be done. The message tells the model what is wrong, and what to do
 * instead.
 */
export class ToolFailure extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = "ToolFailure";
  }
}

/**
 * Does something with the path that the model named `asked`. A failure is reported with that name.
 */
export async function aboutPath<T>(asked: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const explanation = explainSystemError(error);
    if (explanation === undefined) throw error;
    throw new ToolFailure(`\`path\` ${asked}: ${explanation}.`, { cause: error });
  }
}
