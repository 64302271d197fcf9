/**
 * The Node that the built program is tried with: the one that runs the tests, unless
 * `TURNWIRE_TEST_NODE` names the executable of another (`npm run test:nodes` does).
 */
export const testNode = process.env.TURNWIRE_TEST_NODE ?? process.execPath;
