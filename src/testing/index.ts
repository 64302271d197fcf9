// `turnwire/testing`: a server on the offline model for the tests of others, its script as functions,
// and what such tests assert.
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
