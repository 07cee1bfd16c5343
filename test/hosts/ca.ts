import { execFileSync, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import path from 'node:path';
import { makeKey } from './sshd.js';

export interface Signing {
  /** Default: `root`. */
  readonly principals?: string | undefined;
  /** As ssh-keygen -V has it; default: an hour from five minutes ago. */
  readonly validity?: string | undefined;
  readonly isHost?: boolean;
}

/** A certificate authority of ssh-keygen's own. */
export class Authority {
  private constructor(private readonly key: string) {}

  static make(dir: string, name = 'ca'): Authority {
    return new Authority(makeKey(path.join(dir, name), 'ed25519'));
  }

  /** For TrustedUserCAKeys. */
  get file(): string {
    return `${this.key}.pub`;
  }

  /** Signs the public key in `stem`.pub; returns the certificate's file, `stem`-cert.pub. */
  sign(stem: string, { principals = 'root', validity = '-5m:+1h', isHost = false }: Signing = {}): string {
    const kind = isHost ? ['-h'] : [];
    const names = principals === '' ? [] : ['-n', principals];
    const argv = ['-q', '-s', this.key, ...kind, '-I', 'kx-key-id', ...names, '-V', validity, `${stem}.pub`];
    execFileSync('ssh-keygen', argv);
    return `${stem}-cert.pub`;
  }
}

/** A real ssh-agent. */
export class RealAgent {
  private constructor(
    readonly socket: string,
    private readonly kill: () => void,
  ) {}

  static async start(dir: string): Promise<RealAgent> {
    const socket = path.join(dir, 'agent');
    const child = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise(resolve => child.stdout?.once('data', resolve));
    return new RealAgent(socket, () => child.kill());
  }

  get env(): NodeJS.ProcessEnv {
    return { SSH_AUTH_SOCK: this.socket };
  }

  /** Adds a key, and the certificate beside it. */
  add(file: string): void {
    execFileSync('ssh-add', ['-q', file], { env: { ...process.env, ...this.env }, stdio: 'ignore' });
  }

  stop(): void {
    this.kill();
    rmSync(this.socket, { force: true });
  }
}
