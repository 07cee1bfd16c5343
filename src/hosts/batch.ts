import { randomBytes } from 'node:crypto';
import { commandLine } from '../shell.js';
import type { Host, Output, RunOptions } from './host.js';

export interface BatchCommand {
  readonly argv: readonly string[];
}

/**
 * Runs several commands one after the other in a single round trip; each has its own outputs and exit status.
 * @param around puts the shell that runs them into another command
 * @throws CommandError only if the shell that runs them fails
 */
export async function runAll(
  host: Host,
  commands: readonly BatchCommand[],
  options: Omit<RunOptions, 'stdin' | 'check'> = {},
  around: (argv: readonly string[]) => readonly string[] = argv => argv,
): Promise<Output[]> {
  const mark = `--${randomBytes(9).toString('hex')}--`;
  const script = ['t=$(mktemp -d) || exit 1', 'trap \'rm -rf "$t"\' EXIT', "trap 'exit 1' HUP INT TERM PIPE"];
  for (const { argv } of commands) {
    script.push(`( ${commandLine(argv)} ) </dev/null >"$t/o" 2>"$t/e"`);
    // most commands print nothing on stderr: no program is started to show that
    const [out, err] = ['o', 'e'].map(name => `[ ! -s "$t/${name}" ] || cat "$t/${name}"`);
    script.push(`printf '%s%s\\n' ${mark} $?; ${out}; printf '\\n${mark}\\n'; ${err}; printf '\\n'`);
  }
  const { stdout } = await host.run(around(['sh', '-c', script.join('\n')]), options);
  return stdout
    .split(new RegExp(`^${mark}(?=\\d)`, 'm'))
    .slice(1)
    .map(part => {
      const [head = '', stderr = ''] = part.split(`\n${mark}\n`);
      const line = head.indexOf('\n');
      return {
        stdout: head.slice(line + 1),
        stderr: stderr.replace(/\n$/, ''),
        exitCode: Number(head.slice(0, line)),
      };
    });
}
