export { ManualClock } from "../../src/testing/manualClock.js";
