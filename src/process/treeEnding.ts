// What ends processes, loaded when the first ones are to end: most starts of a server have none.
export { endTree, killTree } from "./endTree.js";
export { endMarked } from "./markedProcesses.js";
export { ProcessLooks } from "./processTable.js";
