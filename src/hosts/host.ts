/** Where a command runs: this machine, or one reached by SSH. One suite tests every adapter. */
export interface Host {
  /** As users know it: `this machine`, `alice@login.example.org`. */
  readonly name: string;
  /** `local`, or the host name that was dialled (after ~/.ssh/config). */
  readonly address: string;
  /** Commands and transfers so far; the cost that users feel. */
  readonly roundTrips: number;
  /**
   * Runs one command and collects its output. `argv[0]` is found by the login shell's PATH.
   * @throws CommandError when it exits non-zero (unless `check` is false)
   * @throws TimeoutError after `timeoutMs` (default 60 000), ConnectionError when the connection breaks
   */
  run(argv: readonly string[], options?: RunOptions): Promise<Output>;
  /** Runs one command on the caller's terminal or pipes; resolves with its exit status. */
  attach(argv: readonly string[], options: AttachOptions): Promise<number>;
  /** Writes small files in one round trip, each by a temporary file and a rename; makes missing directories (0700). */
  put(files: readonly FileToPut[]): Promise<void>;
  /** Copies one local file of any size; the remote file appears whole or not at all. */
  upload(local: string, remote: string, options?: TransferOptions): Promise<void>;
  download(remote: string, local: string, options?: TransferOptions): Promise<void>;
  close(): Promise<void>;
}

export interface RunOptions {
  readonly stdin?: string | Buffer;
  readonly timeoutMs?: number;
  /** Reject on a non-zero exit status; default true. */
  readonly check?: boolean;
  readonly signal?: AbortSignal;
}

export interface Output {
  readonly stdout: string;
  readonly stderr: string;
  /** null when a signal ended it. */
  readonly exitCode: number | null;
}

export interface AttachOptions {
  readonly stdin: NodeJS.ReadableStream;
  readonly stdout: NodeJS.WritableStream;
  readonly stderr: NodeJS.WritableStream;
  /** Ask for a terminal there (only sensible when stdin is one here). */
  readonly tty?: boolean;
}

export interface FileToPut {
  /** Absolute; no shell expansion. */
  readonly path: string;
  readonly content: string | Buffer;
  readonly mode: number;
}

export interface TransferOptions {
  readonly mode?: number;
  readonly onBytes?: (sent: number, total: number) => void;
  /** Without progress for this long the transfer fails; default 60 000 ms. */
  readonly stallMs?: number;
}
