import { execFile } from 'node:child_process';
import { ScailfinError } from '../../../errors.js';

/** The differences between the files of two runs, from diff(1), with the runs' names in place of the directories. */
export async function compareWorkspaces(
  a: { readonly root: string; readonly name: string },
  b: { readonly root: string; readonly name: string },
  { brief, context }: { readonly brief: boolean; readonly context: number },
): Promise<string> {
  const argv = ['diff', `--unified=${context}`, '-r', '--no-dereference', ...(brief ? ['-q'] : []), a.root, b.root];
  const turn = last.then(() => run(argv));
  last = turn.catch(() => {});
  const said = await turn;
  return said.replaceAll(a.root, a.name).replaceAll(b.root, b.name);
}

/** Comparisons run one after the other, because each may use all the memory that is allowed. */
let last: Promise<unknown> = Promise.resolve();

/** Limit of the output: nobody reads more, or waits longer for it. */
const most = 16 * 2 ** 20;
const patienceMs = 60_000;
/** Memory limit in KiB; large files with many differences need most. */
const memory = 2 ** 20;

function run(argv: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const env = { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' };
    const options = { maxBuffer: most, timeout: patienceMs, killSignal: 'SIGKILL' as const, env };
    const limited = ['-c', `ulimit -c 0; ulimit -v ${memory}; exec "$@"`, 'sh', ...argv];
    execFile('/bin/sh', limited, options, (error, stdout, stderr) => {
      // exit status 1 means that they differ
      if (!error || error.code === 1) return resolve(stdout);
      if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return resolve(`${stdout}\n… and more\n`);
      if (error.killed)
        return resolve(`${stdout}\n… and more: the comparison took longer than ${patienceMs / 1000} s\n`);
      if (/memory exhausted/.test(stderr))
        return resolve(`${stdout}\n… and more: the files are too large to be compared\n`);
      // its own error contains the names of directories on this machine
      reject(new ScailfinError(`The files of the two runs could not be compared (diff ended with ${error.code}).`));
    });
  });
}
