// Stands in the bundle for node-fetch, which Google's library asks for where there is no window: every
// Node that runs this has a `fetch` of its own.
export default (...args) => fetch(...args);
