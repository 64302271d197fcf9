/**
 * The Node that the built program is tried with: the one that runs the tests, unless
 * `TURNWIRE_TEST_NODE` names the executable of another (`npm run test:nodes` does).
 */
export const testNode = process.env.TURNWIRE_TEST_NODE ?? process.execPath;

/** Whether it is another than the one that runs the tests, so that what is of no Node need not be tried. */
export const isOtherNode = testNode !== process.execPath;
