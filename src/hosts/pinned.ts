import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import { AuthError, CommandError, ConnectionError, HostKeyError, messageOf } from '../errors.js';
import { commandLine } from '../shell.js';
import { templateText } from '../templates.js';
import type { AttachOptions, FileToPut, Host, Output, RunOptions, TransferOptions } from './host.js';
import { compareMachines, type Machine, machineText, parseMachine } from './machine.js';

/** Something runs on a machine that can't be reached now: its state is unknown. */
export class UnreachedError extends ConnectionError {}

export interface PinnedOptions {
  /** Connects to the machine from the host that was reached instead. */
  readonly hop: () => Promise<Host>;
  /** What the user can do if that fails. */
  readonly hint: string;
}

/** The status with which `on-machine.sh` refuses. */
const REFUSED = 95;

/**
 * A host whose commands run on one certain machine and nowhere else. The name of a host may stand for several machines, so
 * the first command finds out, without a round trip of its own, on which one the connection ended. If it is another one,
 * that command is refused there, and everything happens by a hop from there to the right machine.
 */
export class PinnedHost implements Host {
  readonly #nonce = randomBytes(8).toString('hex');
  #there: Host | undefined;
  #hop: Promise<Host> | undefined;
  #restarted = false;

  /** @param first the host that the name led to */
  constructor(
    private readonly first: Host,
    readonly machine: Machine,
    private readonly options: PinnedOptions,
  ) {}

  get name(): string {
    return (this.#there ?? this.first).name;
  }

  get address(): string {
    return (this.#there ?? this.first).address;
  }

  get roundTrips(): number {
    return (this.#there ?? this.first).roundTrips;
  }

  /** Whether the machine was found to have been started again since, so that all its processes of that time are gone. */
  get restarted(): boolean {
    return this.#restarted;
  }

  async run(argv: readonly string[], options: RunOptions = {}): Promise<Output> {
    if (this.#there) return this.#there.run(argv, options);
    const { output, other } = await this.#attempt(this.first, argv, options);
    if (other) return (await this.#elsewhere(other)).run(argv, options);
    this.#there ??= this.first;
    if (options.check !== false && output.exitCode !== 0)
      throw new CommandError(this.first.name, commandLine(argv), output.exitCode, output.stderr);
    return output;
  }

  async attach(argv: readonly string[], options: AttachOptions): Promise<number> {
    return (await this.#settled()).attach(argv, options);
  }

  async put(files: readonly FileToPut[]): Promise<void> {
    await (await this.#settled()).put(files);
  }

  async upload(local: string, remote: string, options?: TransferOptions): Promise<void> {
    await (await this.#settled()).upload(local, remote, options);
  }

  async download(remote: string, local: string, options?: TransferOptions): Promise<void> {
    await (await this.#settled()).download(remote, local, options);
  }

  async dial(port: number): Promise<Duplex> {
    return (await this.#settled()).dial(port);
  }

  /** Its connections belong to whoever opened them. */
  async close(): Promise<void> {}

  /** The right machine. What can't be refused before it begins, such as a transfer, needs this first. */
  async #settled(): Promise<Host> {
    if (!this.#there) await this.run(['true']);
    return this.#there as Host;
  }

  /** Runs a command if `host` is the machine. @returns the other machine that refused it */
  async #attempt(
    host: Host,
    argv: readonly string[],
    options: RunOptions,
  ): Promise<{ output: Output; other?: Machine }> {
    const guard = ['site/machine.sh', 'site/on-machine.sh'].map(templateText).join('\n');
    const guarded = ['sh', '-c', guard, 'on-machine', this.#nonce, machineText(this.machine), ...argv];
    const output = await host.run(guarded, { ...options, check: false });
    if (output.exitCode !== REFUSED || !output.stdout.startsWith(`${this.#nonce} `)) return { output };
    const other = parseMachine(output.stdout.slice(this.#nonce.length + 1));
    if (!other) throw new UnreachedError(`${host.name} does not say which machine it is`, { hint: this.options.hint });
    const verdict = compareMachines(this.machine, other);
    if (verdict === 'other') return { output, other };
    this.#restarted ||= verdict === 'restarted';
    return { output: await host.run(argv, { ...options, check: false }) };
  }

  /** @throws UnreachedError */
  async #elsewhere(other: Machine): Promise<Host> {
    this.#hop ??= this.#connect(other);
    try {
      this.#there = await this.#hop;
      return this.#there;
    } catch (error) {
      // a later command may try again
      this.#hop = undefined;
      throw error;
    }
  }

  async #connect(other: Machine): Promise<Host> {
    const { name } = this.machine;
    const lost = (why: string, cause?: unknown): UnreachedError => {
      const isRefusal = cause instanceof HostKeyError || cause instanceof AuthError;
      const hints = [...(isRefusal && cause.hint ? [cause.hint] : []), this.options.hint];
      return new UnreachedError(
        `it is on the machine ${name}, but ${this.first.name} is ${other.name === name ? 'another machine of that name' : other.name} this time, and from there it can't be reached: ${why}`,
        { hint: hints.join('; or '), cause },
      );
    };
    let host: Host;
    try {
      host = await this.options.hop();
    } catch (error) {
      throw lost(messageOf(error).split('\n')[0] ?? '', error);
    }
    const reached = await this.#attempt(host, ['true'], {}).catch(error => {
      throw lost(messageOf(error).split('\n')[0] ?? '', error);
    });
    if (reached.other)
      throw lost(`that name means ${reached.other.name} there, which is another machine or another container`);
    return host;
  }
}
