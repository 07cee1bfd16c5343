import { randomBytes } from 'node:crypto';
import { Transform, type TransformCallback } from 'node:stream';
import { UsageError } from '../errors.js';
import { commandLine } from '../shell.js';

/**
 * Linux limits one word of a command line to 128 KiB (MAX_ARG_STRLEN, execve(2)); a login shell gets our command line as
 * one word.
 */
const longestLine = 120 * 1024;

/** What the remote shell prints before the command starts: everything up to the mark is output of start-up files. */
export interface Marker {
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line for the account's login shell, whichever shell that is, and the marks that it will print. */
export interface WrappedCommand {
  readonly line: string;
  readonly marker: Marker;
}

/**
 * Wraps an argument vector so that sh, bash, zsh, csh, tcsh and fish all run the same command.
 *
 * sshd(8) hands the text to `$SHELL -c`, and shells treat quotes differently: csh interprets `!` and newlines even
 * inside quotes, fish drops a backslash before another one. So the login shell gets one single-quoted word without any
 * of these. /bin/sh runs that word, in which such bytes are octal escapes for printf's %b (POSIX, printf utility).
 * The mark is printed in two pieces, so that a login shell that echoes its commands cannot fake it.
 * stdout's mark carries the process id: the shells replace each other by exec, so it is also the id of the command.
 *
 * @throws UsageError when the line is too long for one word of the remote system
 * @throws TypeError for a NUL byte
 */
export function wrap(argv: readonly string[], options: { tty?: boolean } = {}): WrappedCommand {
  if (argv.length === 0) throw new TypeError('an empty command');
  const one = randomBytes(8).toString('hex');
  const two = randomBytes(8).toString('hex');
  const err = options.tty ? '' : `printf %s%s ${two} ${one} >&2;`;
  const inner = octal(`exec ${commandLine(argv)}`);
  const line = `exec /bin/sh -c '${err}printf %s%s:%s: ${one} ${two} $$;eval "$(printf %b "${inner}")"'`;
  if (line.length > longestLine) {
    throw new UsageError(`the arguments of ${argv[0]} are too long for one command (${line.length} bytes)`, {
      hint: 'send long data on standard input or in a file',
    });
  }
  return { line, marker: { stdout: one + two, stderr: two + one } };
}

/** Keeps the characters that no shell changes between single or double quotes, and escapes the others. */
function octal(text: string): string {
  let out = '';
  for (const byte of Buffer.from(text)) {
    const char = String.fromCharCode(byte);
    out += /[A-Za-z0-9 _@%+=:,./-]/.test(char) ? char : `\\0${byte.toString(8).padStart(3, '0')}`;
  }
  return out;
}

/** Noise is only kept for error messages; this many bytes of it. */
const noiseKept = 8 * 1024;
/** A process id and the colons around it, with some margin; bytes. */
const longestPid = 32;

/**
 * Drops everything up to and including a mark, then passes bytes through untouched.
 * With `pid`, the mark is followed by `:PID:`.
 */
export class AfterMark extends Transform {
  /** Process id of the command there, once seen. */
  pid: number | undefined;
  seen = false;
  readonly #mark: Buffer;
  readonly #withPid: boolean;
  readonly #onMark: () => void;
  #held: Buffer = Buffer.alloc(0);
  #noise: Buffer = Buffer.alloc(0);

  constructor(mark: string, options: { pid?: boolean; onMark?: () => void } = {}) {
    super();
    this.#mark = Buffer.from(mark);
    this.#withPid = options.pid === true;
    this.#onMark = options.onMark ?? (() => {});
  }

  /** The output before the mark, or without it. */
  get noise(): string {
    return Buffer.concat([this.#noise, this.seen ? Buffer.alloc(0) : this.#held]).toString();
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.seen) {
      done(null, chunk);
      return;
    }
    this.#held = Buffer.concat([this.#held, chunk]);
    const at = this.#held.indexOf(this.#mark);
    if (at < 0) {
      this.#forget(this.#held.length - this.#mark.length + 1);
      done();
      return;
    }
    let rest = at + this.#mark.length;
    if (this.#withPid) {
      const end = this.#held.indexOf(':', rest + 1);
      if (end < 0) {
        // a mark without a number behind it was not printed by our shell: all of it is noise
        if (this.#held.length - rest > longestPid) this.#forget(this.#held.length);
        done();
        return;
      }
      this.pid = Number(this.#held.subarray(rest + 1, end).toString());
      rest = end + 1;
    }
    const tail = this.#held.subarray(rest);
    this.#forget(at);
    this.#held = Buffer.alloc(0);
    this.seen = true;
    this.#onMark();
    done(null, tail.length > 0 ? tail : undefined);
  }

  /** Moves the first `count` held bytes, which cannot be part of the mark, to the noise. */
  #forget(count: number): void {
    if (count <= 0) return;
    this.#noise = Buffer.concat([this.#noise, this.#held.subarray(0, count)]).subarray(-noiseKept);
    this.#held = this.#held.subarray(count);
  }
}
