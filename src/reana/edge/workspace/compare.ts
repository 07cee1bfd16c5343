import { execFile } from 'node:child_process';
import { CommandError } from '../../../errors.js';
import { commandLine } from '../../../shell.js';

/** What differs between the files of two runs, told by diff(1), their names in place of the directories. */
export async function compareWorkspaces(
  a: { readonly root: string; readonly name: string },
  b: { readonly root: string; readonly name: string },
  { brief, context }: { readonly brief: boolean; readonly context: number },
): Promise<string> {
  const argv = ['diff', `--unified=${context}`, '-r', '--no-dereference', ...(brief ? ['-q'] : []), a.root, b.root];
  const said = await run(argv);
  return said.replaceAll(a.root, a.name).replaceAll(b.root, b.name);
}

/** What is more than this, nobody reads. */
const most = 16 * 2 ** 20;

function run([program, ...args]: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      program as string,
      args,
      { maxBuffer: most, env: { PATH: process.env.PATH, LC_ALL: 'C.UTF-8' } },
      (error, stdout, stderr) => {
        // 1 is "they differ"
        if (!error || error.code === 1) return resolve(stdout);
        if (error.code === 'ERR_CHILD_PROCESS_STDIO_MAXBUFFER') return resolve(`${stdout}\n… and more\n`);
        const status = typeof error.code === 'number' ? error.code : null;
        reject(new CommandError('the headnode', commandLine([program as string, ...args]), status, stderr));
      },
    );
  });
}
