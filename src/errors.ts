/** The base of all errors of scailfin: what happened (`message`), what to type next (`hint`), and the exit status. */
export class ScailfinError extends Error {
  readonly hint: string | undefined;
  readonly exitCode: number = 1;

  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = new.target.name;
    this.hint = options.hint;
  }

  toJSON(): Record<string, unknown> {
    return { error: this.name, message: this.message, ...(this.hint === undefined ? {} : { hint: this.hint }) };
  }
}

/** The same error with another hint: what to type next is known only where the command as a whole is. */
export function withHint<E extends ScailfinError>(error: E, hint: string): E {
  const own = { ...Object.getOwnPropertyDescriptors(error), hint: { value: hint, enumerable: true } };
  return Object.create(Object.getPrototypeOf(error), own);
}

/** The command line, or a name in it, is wrong; exit status 2, nothing was changed. */
export class UsageError extends ScailfinError {
  override readonly exitCode = 2;
}

/** One mistake in a YAML file; line and column are counted from 1. */
export interface ProfileIssue {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/** All mistakes of one YAML file (site profile or configuration) at once. */
export class ProfileError extends ScailfinError {
  override readonly exitCode = 2;

  constructor(
    readonly file: string,
    readonly issues: readonly ProfileIssue[],
    options: { hint?: string } = {},
  ) {
    const lines = issues.map(i => `${i.file}:${i.line}:${i.column}: ${i.message}`);
    super(lines.join('\n'), options);
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), file: this.file, issues: this.issues };
  }
}

/** The login, or another proof of the user's identity, failed. */
export class AuthError extends ScailfinError {
  /** The host asked a question that nobody could answer: no later attempt without a person can succeed. */
  readonly needsPerson: boolean;

  constructor(
    message: string,
    options: { hint?: string | undefined; cause?: unknown; needsPerson?: boolean | undefined } = {},
  ) {
    super(message, options);
    this.needsPerson = options.needsPerson === true;
  }
}

/** The host's key is unknown, changed or revoked; never overridden silently. */
export class HostKeyError extends ScailfinError {}

/** The host can't be reached, or the connection broke. */
export class ConnectionError extends ScailfinError {}

/** Something did not happen within its time limit. */
export class TimeoutError extends ScailfinError {}

/** The batch system refused, or its answer could not be read. */
export class SchedulerError extends ScailfinError {}

/** A remote or local command failed; `command` can be pasted into a shell. */
export class CommandError extends ScailfinError {
  constructor(
    readonly host: string,
    readonly command: string,
    readonly exitStatus: number | null,
    readonly stderr: string,
    options: { hint?: string } = {},
  ) {
    const tail = stderr.trim().split('\n').slice(-5).join('\n');
    const how = exitStatus === null ? 'was killed' : `exited with status ${exitStatus}`;
    super(`on ${host}: ${abridge(command)} ${how}${tail ? `:\n${tail}` : ''}`, options);
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), host: this.host, command: this.command, status: this.exitStatus };
  }
}

/** Something of ours may still be running or stored somewhere: `left` names each thing with its place. */
export class LeftoverError extends ScailfinError {
  constructor(
    message: string,
    readonly left: readonly string[],
    options: { hint?: string } = {},
  ) {
    super([message, ...left.map(l => `  - ${l}`)].join('\n'), options);
  }

  override toJSON(): Record<string, unknown> {
    return { ...super.toJSON(), left: this.left };
  }
}

/** Ctrl-C (130) or TERM (143), after everything that had begun was recorded. */
export class InterruptedError extends ScailfinError {
  override readonly exitCode: number;

  constructor(signal: 'SIGINT' | 'SIGTERM', options: { hint?: string } = {}) {
    super(signal === 'SIGINT' ? 'interrupted' : 'terminated', options);
    this.exitCode = signal === 'SIGINT' ? 130 : 143;
  }
}

function abridge(command: string): string {
  const line = command.replace(/\s+/g, ' ');
  return line.length > 200 ? `${line.slice(0, 197)}...` : line;
}

/** The message of anything that was thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** For a failed system call: the reason without the paths of this machine. For other errors: their message. */
export function plainly(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return messageOf(error);
  if (typeof syscall === 'string') {
    const message = messageOf(error);
    const at = message.indexOf(`, ${syscall}`);
    return at < 0 ? code : message.slice(0, at);
  }
  // for example a name with a NUL, which is quoted together with everything before it
  return code === 'ERR_INVALID_ARG_VALUE' ? 'a name has a character that none may have' : messageOf(error);
}
