/** What every error of scailfin carries: what happened (`message`), what to type next (`hint`), how to exit. */
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

/** The command line or a name in it is wrong; exit status 2, nothing was touched. */
export class UsageError extends ScailfinError {
  override readonly exitCode = 2;
}

/** One mistake in a YAML file; line and column count from 1. */
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

/** We could not prove who we are. */
export class AuthError extends ScailfinError {}

/** The host's key is unknown, changed or revoked; never overridden silently. */
export class HostKeyError extends ScailfinError {}

/** The host can't be reached, or the connection broke. */
export class ConnectionError extends ScailfinError {}

/** Something did not happen in the time given. */
export class TimeoutError extends ScailfinError {}

/** The batch system refused, or answered what we can't read. */
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

/** Something of ours may still be running or lying somewhere: `left` names each with its place. */
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

/** Ctrl-C (130) or TERM (143), after what had begun was written down. */
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

/** The text of anything thrown. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Of a system call that failed: what went wrong, without the paths of this machine. Of all else: its message. */
export function plainly(error: unknown): string {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  if (typeof code !== 'string') return messageOf(error);
  if (typeof syscall === 'string') {
    const message = messageOf(error);
    const at = message.indexOf(`, ${syscall}`);
    return at < 0 ? code : message.slice(0, at);
  }
  // such as a name with a NUL in it, which is quoted with all before it
  return code === 'ERR_INVALID_ARG_VALUE' ? 'a name has a character that none may have' : messageOf(error);
}
