// `turnwire/testing`: a server on the offline model for the tests of clients, functions that make its
// script, and assertions.
export {
  assertEnded,
  assertNothingPending,
  assertSucceeded,
  type ToolCallSeen,
  toolCallsOf,
} from "./assertions.js";
export { ManualClock } from "./manualClock.js";
export { chunks, fail, output, type ScriptStep, say, script, think, tool, wait } from "./script.js";
export { startTestServer, type TestServer, type TestServerOptions } from "./testServer.js";
