import { ResponseError } from "vscode-jsonrpc/node";

/** What a handler of requests throws to answer with an error of its own choice. */
export function refusal(code: number, message: string, data?: object): Error {
  return new ResponseError(code, message, data);
}
