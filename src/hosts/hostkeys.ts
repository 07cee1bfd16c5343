import type { ServerHostKeyAlgorithm } from 'ssh2';
import type { Prompter } from '../credentials/prompts.js';
import { fingerprint, keyType } from '../credentials/ssh/publickey.js';
import { HostKeyError, messageOf } from '../errors.js';
import { commandLine } from '../shell.js';
import { type KnownKey, knownKeys, knownName, remember } from './knownhosts.js';
import type { SshSettings } from './sshconfig.js';

/** The best ones first; ssh-dss is not offered. RSA keys sign with SHA-2 if the server supports it (RFC 8332). */
const algorithms: Readonly<Record<string, readonly ServerHostKeyAlgorithm[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256', 'ssh-rsa'],
};

/** A host key that was accepted. */
export interface HostKeyVerdict {
  /** `ssh-ed25519` */
  readonly type: string;
  readonly fingerprint: string;
  /** The file and line that contain it; undefined if it was unknown until now. */
  readonly place: string | undefined;
}

/** Checks whether the server's key is the known one, by the rules of StrictHostKeyChecking in ssh_config(5). */
export class HostKeyCheck {
  readonly #settings: SshSettings;
  readonly #prompter: Prompter | undefined;
  readonly #name: string;
  readonly #known: readonly KnownKey[];
  #accepted: Buffer | undefined;

  /** @param allowed the algorithms that HostKeyAlgorithms leaves, if the configuration has it */
  constructor(
    settings: SshSettings,
    prompter?: Prompter,
    private readonly allowed?: readonly ServerHostKeyAlgorithm[],
  ) {
    this.#settings = settings;
    this.#prompter = prompter;
    this.#name = settings.hostKeyAlias?.toLowerCase() ?? knownName(settings.host, settings.port);
    this.#known = knownKeys(this.#files(), this.#name);
  }

  /**
   * Known key types come first: a server with several keys must show one that we can check, otherwise its other keys
   * would look like a change. Of each kind, and where no key is known, the configuration's order counts.
   */
  get order(): ServerHostKeyAlgorithm[] {
    const known = this.#known.filter(k => !k.revoked).map(k => k.type);
    const types = [...new Set([...known, ...Object.keys(algorithms)])];
    const usual = types.flatMap(type => algorithms[type] ?? []);
    if (this.allowed === undefined) return usual;
    const first = known.flatMap(type => algorithms[type] ?? []);
    return [
      ...this.allowed.filter(name => first.includes(name)),
      ...this.allowed.filter(name => !first.includes(name)),
    ];
  }

  /**
   * Accepts or refuses a server's public key (RFC 4253 blob); asks the user if that is allowed.
   * @returns how it was accepted, the first time; every key exchange on the same connection calls this again
   * @throws HostKeyError if the key is revoked, changed, or unknown and nobody accepted it
   */
  async verify(key: Buffer): Promise<HostKeyVerdict | undefined> {
    if (this.#accepted?.equals(key)) return undefined;
    const known = await this.#judge(key);
    this.#accepted = Buffer.from(key);
    return { type: keyType(key), fingerprint: fingerprint(key), place: known && place(known) };
  }

  async #judge(key: Buffer): Promise<KnownKey | undefined> {
    const same = this.#known.filter(k => k.key.equals(key));
    const revoked = same.find(k => k.revoked);
    if (revoked !== undefined) {
      throw new HostKeyError(
        `${this.#settings.alias} shows a ${keyType(key)} key (${fingerprint(key)}) that ${place(revoked)} marks as revoked`,
        { hint: 'somebody may be between you and the host: do not connect, and ask the site' },
      );
    }
    const known = same[0] ?? this.#knownWithoutPort(key);
    if (known !== undefined) return known;
    const changed = this.#known.find(k => !k.revoked && k.type === keyType(key));
    if (changed !== undefined) throw this.#changed(changed, key);
    await this.#unknown(key);
    return undefined;
  }

  /** As in OpenSSH, a key known for the host at port 22 is also accepted on its other ports. */
  #knownWithoutPort(key: Buffer): KnownKey | undefined {
    if (this.#settings.hostKeyAlias !== undefined || this.#settings.port === 22) return undefined;
    const keys = knownKeys(this.#files(), this.#settings.host.toLowerCase()).filter(k => k.key.equals(key));
    const revoked = keys.find(k => k.revoked);
    if (revoked !== undefined)
      throw new HostKeyError(`${place(revoked)} marks the key of ${this.#settings.alias} as revoked`);
    return keys[0];
  }

  #changed(old: KnownKey, key: Buffer): HostKeyError {
    const remove = commandLine(['ssh-keygen', '-R', this.#name, '-f', old.file]);
    return new HostKeyError(
      [
        `the host key of ${this.#settings.alias} has changed`,
        `  known: ${old.type} ${fingerprint(old.key)} (${place(old)})`,
        `  shown: ${keyType(key)} ${fingerprint(key)}`,
      ].join('\n'),
      {
        hint: `somebody may be between you and the host. Compare the shown fingerprint with the site's; only if the site confirms it: ${remove}`,
      },
    );
  }

  async #unknown(key: Buffer): Promise<void> {
    const others = this.#known.filter(k => !k.revoked);
    const first = others[0];
    if (this.#settings.strict === 'accept-new' && first === undefined) return this.#remember(key);
    const shown = `${keyType(key)} ${fingerprint(key)}`;
    if (this.#prompter === undefined || this.#settings.strict === 'yes') {
      throw new HostKeyError(`the host key of ${this.#settings.alias} is not known: ${shown}`, {
        hint: unknownKeyHint(this.#settings),
      });
    }
    const also = first === undefined ? '' : `It is known by another kind of key: ${first.type} (${place(first)}).\n`;
    const accepted = await this.#prompter.confirm(
      `The authenticity of host '${this.#name}' can't be established.\n${keyType(key)} key fingerprint is ${fingerprint(key)}.\n${also}Continue connecting and remember this key?`,
    );
    if (!accepted) {
      throw new HostKeyError(`the host key of ${this.#settings.alias} was not accepted: ${shown}`, {
        hint: 'compare it with what the site publishes and try again',
      });
    }
    this.#remember(key);
  }

  #remember(key: Buffer): void {
    const file = this.#settings.knownHosts[0];
    if (file === undefined || file === '/dev/null') return;
    try {
      remember(file, this.#name, key, { hashed: this.#settings.hashKnownHosts });
    } catch (error) {
      throw new HostKeyError(`the host key of ${this.#settings.alias} could not be remembered: ${messageOf(error)}`, {
        hint: `make ${file} writable`,
      });
    }
  }

  #files(): string[] {
    return [...this.#settings.knownHosts, ...this.#settings.globalKnownHosts];
  }
}

export function unknownKeyHint({ host, port, user }: SshSettings): string {
  const scan = `${commandLine(['ssh-keyscan', '-p', String(port), host])} | ssh-keygen -lf -`;
  const login = commandLine(['ssh', ...(port === 22 ? [] : ['-p', String(port)]), `${user}@${host}`]);
  return `compare it with what the site publishes (${scan}), then log in once: ${login}`;
}

function place(known: KnownKey): string {
  return `${known.file}:${known.line}`;
}
