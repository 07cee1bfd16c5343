import type { Duplex } from 'node:stream';
import type { Prompter } from '../credentials/prompts.js';
import type { HostKeyVerdict } from './hostkeys.js';

/** Where a command runs: this machine, or one reached by SSH. One suite tests every adapter. */
export interface Host {
  /** As users know it: `this machine`, `alice@login.example.org`. */
  readonly name: string;
  /** `local`, or the host name that was dialled (after ~/.ssh/config). */
  readonly address: string;
  /** Number of commands and transfers so far; this is the cost that users feel. */
  readonly roundTrips: number;
  /**
   * Runs one command and collects its output. `argv[0]` is found by the PATH that `ssh HOST command` has: the account's
   * shell reads .bashrc (or .zshenv, .cshrc), but it is no login shell, so /etc/profile and .profile don't count.
   * Processes that the command leaves in the background keep running; their output is read only as long as it keeps coming.
   * @throws CommandError if it exits non-zero (unless `check` is false); 127 means that there is no such program
   * @throws TimeoutError after `timeoutMs` (default 60 000; the command and its process group are killed),
   *   ConnectionError when the connection breaks, ScailfinError for more output than `mostBytes`, and the command is ended
   */
  run(argv: readonly string[], options?: RunOptions): Promise<Output>;
  /** Runs one command on the caller's terminal or pipes; resolves with its exit status. */
  attach(argv: readonly string[], options: AttachOptions): Promise<number>;
  /**
   * Writes small files in one round trip, each through a temporary file and a rename; makes missing directories (0700).
   * All temporary files are written before the first rename, so most failures leave everything as it was.
   * @throws CommandError naming the file that failed, UsageError for a path that isn't absolute
   */
  put(files: readonly FileToPut[]): Promise<void>;
  /** Copies one local file of any size; the remote file appears completely or not at all. */
  upload(local: string, remote: string, options?: TransferOptions): Promise<void>;
  download(remote: string, local: string, options?: TransferOptions): Promise<void>;
  /** A TCP connection to a port of the host's own loopback address. @throws ConnectionError if nothing listens there */
  dial(port: number): Promise<Duplex>;
  /**
   * Another machine behind the same name, by the name that it has there, with the same login; reached through this host.
   * @throws ConnectionError, HostKeyError, AuthError
   */
  neighbour?(name: string, options: NeighbourOptions): Promise<Host>;
  close(): Promise<void>;
}

export interface NeighbourOptions {
  readonly prompter?: Prompter | undefined;
  readonly connectTimeoutMs?: number | undefined;
  readonly onHostKey?: ((alias: string, verdict: HostKeyVerdict) => void) | undefined;
  readonly onNote?: ((text: string) => void) | undefined;
}

export interface RunOptions {
  readonly stdin?: string | Buffer;
  readonly timeoutMs?: number;
  /** Limit for either output: more is an error, and the command is ended; default 64 MiB. */
  readonly mostBytes?: number;
  /** Reject on a non-zero exit status; default true. */
  readonly check?: boolean;
  readonly signal?: AbortSignal;
  /** Called with what the account's start-up files printed before the command began; it is not part of the output. */
  readonly onNoise?: (noise: StartupNoise) => void;
}

export interface StartupNoise {
  readonly stdout: string;
  readonly stderr: string;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  /** null if a signal ended it. */
  readonly exitCode: number | null;
}

export interface AttachOptions {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Ask for a terminal on the host (useful only if stdin is a terminal). */
  readonly tty?: boolean;
}

export interface FileToPut {
  /** Absolute; no shell expansion. */
  readonly path: string;
  readonly content: string | Buffer;
  readonly mode: number;
}

export interface TransferOptions {
  /** Default: the source's for an upload, 0600 for a download. */
  readonly mode?: number;
  readonly onBytes?: (sent: number, total: number) => void;
  /** A transfer without progress for this long fails; default 60 000 ms. */
  readonly stallMs?: number;
}
