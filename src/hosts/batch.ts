import { randomBytes } from 'node:crypto';
import { commandLine } from '../shell.js';
import type { Host, Output, RunOptions } from './host.js';

export interface BatchCommand {
  readonly argv: readonly string[];
  /** May be secret; without it, the command has an empty standard input. */
  readonly stdin?: string | undefined;
}

export interface BatchOptions extends Omit<RunOptions, 'stdin' | 'check'> {
  /** A command that fails is the last one. */
  readonly stopAtFailure?: boolean;
}

/**
 * Runs several commands one after the other in a single round trip; each has its own input, outputs and exit status.
 * @param around puts the shell that runs them into another command
 * @returns the outputs of those that were run, in their order
 * @throws CommandError only if the shell that runs them fails
 */
export async function runAll(
  host: Host,
  commands: readonly BatchCommand[],
  { stopAtFailure = false, ...options }: BatchOptions = {},
  around: (argv: readonly string[]) => readonly string[] = argv => argv,
): Promise<Output[]> {
  const mark = `--${randomBytes(9).toString('hex')}--`;
  const script = ['t=$(mktemp -d) || exit 1', 'trap \'rm -rf "$t"\' EXIT', "trap 'exit 1' HUP INT TERM PIPE"];
  for (const command of commands) {
    script.push(lineOf(command));
    // most commands print nothing on stderr: no program is started to show that
    const [out, err] = ['o', 'e'].map(name => `[ ! -s "$t/${name}" ] || cat "$t/${name}"`);
    script.push(`printf '%s%s\\n' ${mark} $s; ${out}; printf '\\n${mark}\\n'; ${err}; printf '\\n'`);
    if (stopAtFailure) script.push('[ "$s" = 0 ] || exit 0');
  }
  // by its input: an SSH server need not take a command line of more than 32 KiB (RFC 4253, section 6.1), and ssh2's does not
  const text = script.join('\n');
  const stdin = [text, ...commands.map(command => command.stdin ?? '')].join('');
  const shell = ['sh', '-c', `eval "$(head -c ${Buffer.byteLength(text)})"`];
  const { stdout } = await host.run(around(shell), { ...options, stdin });
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

/** The inputs of all commands come one after the other: each gets its own bytes, and what it does not read is nobody's. */
function lineOf({ argv, stdin }: BatchCommand): string {
  const line = `( ${commandLine(argv)} )`;
  const outputs = '>"$t/o" 2>"$t/e"; s=$?';
  if (stdin === undefined) return `${line} </dev/null ${outputs}`;
  return `head -c ${Buffer.byteLength(stdin)} | { ${line} ${outputs}; cat >/dev/null; exit $s; }; s=$?`;
}
