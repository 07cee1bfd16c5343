/*
 * Half of what a command takes to start is compiling. Node.js has no cache for that before version 22, so here is one: all of
 * the program in one file, dist/cli/whole.cjs, and beside it what V8 made of that for one version of Node.js
 * (https://nodejs.org/api/vm.html#scriptcreatecacheddata). It has nothing in it but the program, and it is where the program is:
 * who may change the one may change the other.
 */
const { accessSync, constants, readFileSync, renameSync, statSync, writeFileSync } = require('node:fs');
const { dirname, join } = require('node:path');
const { Script } = require('node:vm');

const program = join(__dirname, '../dist/cli/whole.cjs');
/** V8 tells programs apart by their length only, hence the time. */
const cache = `${program}.${process.version}-${process.arch}-${Math.floor(changed(program))}`;
/** The others compile too little of the program to be worth keeping. */
const connecting = ['up', 'status', 'down'];

/**
 * The program, ready to run; undefined where it is not compiled for this Node.js, and this run is not to change that.
 * @param {boolean} again whether what this run compiles is added
 * @returns {(() => void) | undefined}
 */
function compiled(again = false) {
  const cachedData = read(cache);
  const keeps = connecting.includes(process.argv[2]) && isWritable(dirname(cache));
  if (cachedData === undefined && !keeps) return undefined;
  // esbuild writes ASCII only, for which V8 needs half the memory
  const source = read(program)?.latin1Slice();
  if (source === undefined) return undefined;
  const script = new Script(source, { filename: program, cachedData });
  if (keeps && (again || script.cachedDataRejected !== false)) keep(script);
  const module = { exports: {} };
  return () => script.runInThisContext()(module.exports, require, module, program, dirname(program));
}

/**
 * V8 compiles a function when it first runs; so this waits until the program has run.
 * @param {Script} script
 */
function keep(script) {
  process.on('exit', () => {
    const part = `${cache}.${process.pid}`;
    try {
      writeFileSync(part, script.createCachedData());
      renameSync(part, cache);
    } catch {
      // the next command compiles again
    }
  });
}

/** @param {string} path */
function read(path) {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}

/** @param {string} path */
function changed(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}

/** @param {string} dir */
function isWritable(dir) {
  try {
    accessSync(dir, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

module.exports = { compiled };
