// Loads the built files with what V8 compiled of them the last time: half of the time until the
// first answer is compilation. Node has this built in from 22.1 on; before, it is done here.
//
// The files lie in the user's own cache folder, where nobody else can write. A file that is of
// another build, of another Node, damaged or cut short is not used; whatever goes wrong, the start
// is only slower. NODE_DISABLE_COMPILE_CACHE=1 turns it off.
const { createHash } = require("node:crypto");
const fs = require("node:fs");
const Module = require("node:module");
const { userInfo } = require("node:os");
const { basename, dirname, isAbsolute, join } = require("node:path");
const vm = require("node:vm");

/** When the start is over and what it needed has been compiled, in milliseconds. */
const settledMs = 3000;
const digestBytes = 20;

/** The exports of a CommonJS file, which is loaded if it was not yet. */
exports.load = (file) => {
  if (require.cache[file] !== undefined) return require.cache[file].exports;
  const { env } = process;
  const folder = cacheFolder(env);
  if (folder === undefined || env.NODE_DISABLE_COMPILE_CACHE || env.NODE_V8_COVERAGE) {
    return require(file);
  }
  if (Module.enableCompileCache !== undefined) {
    // A folder that the user has named is the better one.
    Module.enableCompileCache(env.NODE_COMPILE_CACHE ? undefined : folder);
    return require(file);
  }
  const place = createHash("sha1").update(file).digest("hex").slice(0, 8);
  const name = `${basename(file)}-${place}-${process.version}-${process.arch}.bin`;
  return loadWith(join(folder, name), file);
};

/** Only what is absolute: the working directory may belong to somebody else. */
function cacheFolder({ XDG_CACHE_HOME: named, LOCALAPPDATA: local, HOME: home }) {
  if (named && isAbsolute(named)) return join(named, "turnwire");
  if (process.platform === "win32") {
    return local && isAbsolute(local) ? join(local, "turnwire", "cache") : undefined;
  }
  const folder = home && isAbsolute(home) ? home : homeOfAccount();
  if (!isAbsolute(folder)) return undefined;
  const caches = process.platform === "darwin" ? ["Library", "Caches"] : [".cache"];
  return join(folder, ...caches, "turnwire");
}

/** Empty for a user id without an account. */
function homeOfAccount() {
  try {
    return userInfo().homedir;
  } catch {
    return "";
  }
}

function loadWith(cacheFile, file) {
  // The build writes ASCII alone, and this is the quickest way to read it.
  const source = Module.wrap(fs.readFileSync(file, "latin1"));
  // V8 compares no more of a source than its length.
  const { mtimeMs } = fs.statSync(file);
  const key = `${file}\n${mtimeMs}\n${process.execArgv.join(" ")}`;
  const cachedData = readCache(cacheFile, key);
  const script = new vm.Script(source, {
    filename: file,
    ...(cachedData && { cachedData }),
  });
  if (cachedData === undefined || script.cachedDataRejected) keepLater(script, cacheFile, key);
  const loaded = new Module(file, module);
  loaded.filename = file;
  loaded.paths = Module._nodeModulePaths(dirname(file));
  Module._cache[file] = loaded;
  const run = script.runInThisContext();
  const { exports: given } = loaded;
  try {
    run.call(given, given, Module.createRequire(file), loaded, file, dirname(file));
  } catch (error) {
    delete Module._cache[file];
    throw error;
  }
  loaded.loaded = true;
  return loaded.exports;
}

function digestOf(key, data) {
  return createHash("sha1").update(key).update("\0").update(data).digest();
}

function readCache(cacheFile, key) {
  try {
    const bytes = fs.readFileSync(cacheFile);
    const data = bytes.subarray(digestBytes);
    return digestOf(key, data).equals(bytes.subarray(0, digestBytes)) ? data : undefined;
  } catch {
    return undefined;
  }
}

function keepLater(script, cacheFile, key) {
  let isKept = false;
  const keep = () => {
    if (isKept) return;
    isKept = true;
    // Written aside and moved: whoever reads it at the same time reads a whole file.
    const aside = `${cacheFile}.${process.pid}`;
    try {
      const data = script.createCachedData();
      fs.mkdirSync(dirname(cacheFile), { recursive: true, mode: 0o700 });
      fs.writeFileSync(aside, Buffer.concat([digestOf(key, data), data]), { mode: 0o600 });
      fs.renameSync(aside, cacheFile);
    } catch {
      // A read-only home, a full disk: the next start compiles again.
    }
  };
  setTimeout(keep, settledMs).unref();
  process.on("exit", keep);
}
