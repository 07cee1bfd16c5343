import type { PseudoTtyOptions } from 'ssh2';
import { ConnectionError } from '../errors.js';
import type { AttachOptions } from './host.js';
import type { RemoteCommand } from './remote.js';

/** A terminal stream knows its size; a pipe does not. */
type Sized = NodeJS.WritableStream & { readonly rows?: number; readonly columns?: number };

/** A terminal as standard input has a raw mode. */
type Raw = NodeJS.ReadableStream & { setRawMode?(raw: boolean): unknown };

/** The terminal to ask for, with the size of `stdout` (24 × 80 if it has none). */
export function terminal(stdout: Sized): PseudoTtyOptions {
  // the same pixel sizes as `resize` sends: otherwise its first event, with the same size, would count as a change
  const pixels = { width: 0, height: 0 };
  return { rows: stdout.rows ?? 24, cols: stdout.columns ?? 80, term: process.env.TERM ?? 'xterm', ...pixels };
}

/**
 * Connects a command to the caller's streams until it ends; its exit status, 255 after a signal (as ssh does).
 * Terminal size changes are passed on (Node emits `resize` on SIGWINCH).
 */
export async function attachStreams(command: RemoteCommand, options: AttachOptions): Promise<number> {
  const { stdout, stderr } = options;
  const stdin: Raw = options.stdin;
  const size: Sized = stdout;
  const resize = (): void => {
    if (size.rows !== undefined && size.columns !== undefined) command.resize(size.rows, size.columns);
  };
  command.stdout.pipe(stdout, { end: false });
  command.stderr.pipe(stderr, { end: false });
  if (options.tty) size.on('resize', resize);
  try {
    await begun(command);
    resize();
    // the terminal on the host echoes and turns Ctrl-C into a signal there: on this side they are only bytes
    if (options.tty) stdin.setRawMode?.(true);
    stdin.pipe(command.stdin);
    return (await command.ended) ?? 255;
  } finally {
    if (options.tty) stdin.setRawMode?.(false);
    stdin.unpipe(command.stdin);
    stdin.pause();
    size.off('resize', resize);
    command.stdout.unpipe(stdout);
    command.stderr.unpipe(stderr);
  }
}

const startupMs = 60_000;

async function begun(command: RemoteCommand): Promise<void> {
  let late: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_, reject) => {
    late = setTimeout(() => {
      const said = command.noise === '' ? '' : `; they printed:\n${command.noise}`;
      reject(
        new ConnectionError(`the start-up files of the login shell have not finished in ${startupMs / 1000} s${said}`, {
          hint: 'see what a plain login does on that host',
        }),
      );
    }, startupMs);
  });
  try {
    await Promise.race([command.begun, limit]);
  } finally {
    clearTimeout(late);
  }
}
