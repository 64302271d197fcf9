// Leaves parts of a package out that nothing of ours reaches: the package loads them all when it is
// loaded, and a bundler cannot tell that their use is never called.

/** An esbuild plugin: in `package`, CommonJS files whose path matches `files` are empty. */
export function leftOut({ package: name, files }) {
  const inPackage = new RegExp(`[\\\\/]node_modules[\\\\/]${name}[\\\\/]`);
  return {
    name: "left-out",
    setup({ onLoad }) {
      onLoad({ filter: files, namespace: "file" }, ({ path }) =>
        inPackage.test(path) ? { contents: "", loader: "js" } : undefined,
      );
    },
  };
}
