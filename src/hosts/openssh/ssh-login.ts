import { type ChildProcess, spawn } from 'node:child_process';
import { ScailfinError } from '../../errors.js';
import { printable } from '../../printable.js';
import { Clock, stepMs } from '../clock.js';
import { configFor } from '../config/moved.js';
import type { ConnectOptions } from '../connect.js';
import type { SshSettings } from '../sshconfig.js';
import type { SshTarget } from '../target.js';
import { unreachable } from '../unreachable.js';
import { masterArguments } from './arguments.js';
import { Asking, type Question } from './asking.js';
import { complaint, isAboutHostKey } from './complaints.js';
import { SshLog } from './log.js';

/** After ssh has ended, its last output may take a moment; ms. */
const lastWordsMs = 300;

export interface LoginRequest {
  /** `ssh` or `gsissh`, found by PATH. */
  readonly program: string;
  readonly target: SshTarget;
  /** The hosts on the way, the target last. */
  readonly way: readonly SshSettings[];
  /** Where ssh shall serve its connection. */
  readonly socket: string;
}

/** An ssh that connects, asks its questions, and goes into the background to serve its connection on a socket. */
export class SshLogin {
  readonly log = new SshLog();
  readonly #clock: Clock;
  readonly #connectMs: number;
  #child: ChildProcess | undefined;
  #unanswered: string | undefined;
  #refusedKey = false;
  #keysTold = 0;
  readonly #locked: string[] = [];
  #failed: (error: unknown) => void = () => {};

  constructor(
    private readonly request: LoginRequest,
    private readonly options: ConnectOptions,
  ) {
    this.#connectMs = options.connectTimeoutMs ?? this.#settings.connectTimeoutMs ?? stepMs;
    // ssh's own limit is in whole seconds and should come first, because ssh knows better what did not answer
    this.#clock = new Clock(Math.ceil(this.#connectMs / 1000) * 1000 + 500);
  }

  /** Resolves once we are let in. @throws AuthError, HostKeyError, ConnectionError, UsageError, ScailfinError (no ssh) */
  async start(): Promise<void> {
    const asking = await Asking.open(
      question => this.#clock.pausedFor(() => this.#answer(question)),
      (text, gone) => void this.#clock.pausedFor(() => this.#notice(text, gone)),
    );
    let config: ReturnType<typeof configFor> = {};
    // if this process is killed in between, that ssh must end, too
    const end = (): void => {
      this.#kill();
      config.remove?.();
    };
    process.once('exit', end);
    try {
      config = configFor(this.options);
      await this.#clock.within(this.#run(asking.env, config.file), () => this.#late());
    } catch (error) {
      this.#kill();
      throw error;
    } finally {
      process.off('exit', end);
      asking.close();
      // ssh, and those that it starts for jump hosts, have read it
      config.remove?.();
    }
  }

  get #settings(): SshSettings {
    return this.request.way.at(-1) as SshSettings;
  }

  async #run(env: NodeJS.ProcessEnv, configFile: string | undefined): Promise<void> {
    const { program, target, socket } = this.request;
    const argv = masterArguments(target, this.#settings, this.options, {
      ...{ socket, connectMs: this.#connectMs, configFile },
    });
    // a new session: it has no terminal to ask at, and Ctrl-C reaches only us
    const child = spawn(program, argv, {
      ...{ env: { ...(this.options.env ?? process.env), ...env }, detached: true },
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    this.#child = child;
    child.stderr.setEncoding('utf8').on('data', (piece: string) => {
      this.log.take(piece);
      if (this.#child) this.#heard();
    });
    await new Promise<void>((resolve, reject) => {
      this.#failed = reject;
      child.once('error', error => reject(this.#missing(error)));
      child.once('exit', code => {
        this.#child = undefined;
        if (code === 0) {
          this.log.news(); // later messages are about the end
          return resolve();
        }
        const late = setTimeout(() => reject(this.#complaint()), lastWordsMs);
        child.stderr.once('close', () => {
          clearTimeout(late);
          reject(this.#complaint());
        });
      });
    });
  }

  #heard(): void {
    this.#clock.restart();
    this.#tellHostKeys();
    // an ssh that ours starts for a jump host follows only the configuration, which may want to trust every key
    if (this.log.isKeyChanged) this.#failed(this.#complaint());
  }

  #tellHostKeys(): void {
    const settled = this.options.onHostKey ? this.log.settledKeys : [];
    for (const verdict of settled.slice(this.#keysTold)) {
      this.options.onHostKey?.(this.request.way[this.#keysTold]?.alias ?? this.#settings.alias, verdict);
      this.#keysTold += 1;
    }
  }

  async #answer({ text, kind }: Question): Promise<string | undefined> {
    const { prompter } = this.options;
    const isKey = isAboutHostKey(text);
    if (prompter === undefined) {
      // ssh continues with its next key
      if (/^Enter passphrase for /.test(text)) {
        this.#locked.push(keyIn(printable(text)));
        return '';
      }
      this.#unanswered = printable(text).trim();
      this.#failed(this.#complaint());
      return undefined;
    }
    const heading = this.log.news();
    try {
      if (isKey) {
        const question = text.replace(/^Are you sure .*\s*$/m, 'Continue connecting and remember this key?');
        const accepted = await prompter.confirm(printable([...heading, question].join('\n')));
        this.#refusedKey = !accepted;
        return accepted ? 'yes' : 'no';
      }
      const words = printable([...heading, text].join('\n'));
      if (kind === 'confirm') return (await prompter.confirm(words)) ? 'yes' : 'no';
      // ssh does not tell whether the answer may be shown
      return await prompter.ask(words, { echo: false });
    } catch (error) {
      this.#failed(error);
      return undefined;
    }
  }

  async #notice(text: string, gone: Promise<void>): Promise<void> {
    this.options.onNote?.(printable(text));
    await gone;
  }

  #complaint(): ScailfinError {
    const { way, program } = this.request;
    const { log } = this;
    const [unanswered, refusedKey, locked] = [this.#unanswered, this.#refusedKey, this.#locked];
    return complaint({ way, program, log, unanswered, refusedKey, locked });
  }

  #missing(error: Error): ScailfinError {
    const { program } = this.request;
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') return new ScailfinError(`${program}: ${error.message}`);
    const what = program === 'gsissh' ? 'GSI-OpenSSH' : "OpenSSH's client";
    return new ScailfinError(`there is no program ${program} in PATH`, {
      hint: `install ${what}, or use --transport ssh2`,
    });
  }

  #late(): ScailfinError {
    return unreachable(this.#settings, `no answer for ${this.#connectMs / 1000} s`);
  }

  #kill(): void {
    const pid = this.#child?.pid;
    if (pid === undefined) return;
    try {
      process.kill(-pid, 'SIGTERM');
    } catch {
      // it has ended
    }
  }
}

/** `Enter passphrase for key '/home/alice/.ssh/id_ed25519': ` */
function keyIn(question: string): string {
  return question
    .trimEnd()
    .replace(/^Enter passphrase for (key )?'?/, '')
    .replace(/'?:?$/, '');
}
