import { existsSync, readFileSync, statSync } from 'node:fs';
import ssh2, {
  type IdentityCallback,
  type KnownPublicKeys,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from 'ssh2';
import type { Prompter } from '../credentials/prompts.js';
import { AuthError, messageOf } from '../errors.js';
import { quote } from '../shell.js';

const passphraseTries = 3;

/** One key we can offer; ssh2 treats it as an agent of its own, so that the passphrase is asked only if the server wants the key. */
export class Identity extends ssh2.BaseAgent<ParsedKey> {
  /** True once the server accepted the key and asked for a signature. */
  signed = false;
  /** Why signing failed, if it did. */
  failure: Error | undefined;

  constructor(
    /** For messages: `key ~/.ssh/id_rsa`, `agent key alice@laptop`. */
    readonly label: string,
    readonly publicKey: ParsedKey,
    private readonly signer: (data: Buffer, options: SigningRequestOptions) => Promise<Buffer>,
  ) {
    super();
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    const list: KnownPublicKeys<ParsedKey> = [this.publicKey];
    done(null, list);
  }

  override sign(
    _key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const callback = typeof options === 'function' ? options : done;
    this.signer(data, typeof options === 'function' ? {} : options).then(
      signature => {
        this.signed = true;
        callback?.(null, signature);
      },
      (error: Error) => {
        this.failure = error;
        callback?.(error);
      },
    );
  }
}

/** The keys an agent holds (draft-ietf-sshm-ssh-agent); an agent that doesn't answer is the same as none. */
export async function agentIdentities(socket: string): Promise<Identity[]> {
  const agent = ssh2.createAgent(socket);
  const keys = await new Promise<ParsedKey[]>(resolve => {
    const late = setTimeout(() => resolve([]), 5_000);
    agent.getIdentities((error, list) => {
      clearTimeout(late);
      resolve(error ? [] : ((list ?? []) as ParsedKey[]));
    });
  });
  return keys.map(
    key =>
      new Identity(`agent key ${key.comment || key.type}`, key, async (data, options) => {
        return new Promise<Buffer>((resolve, reject) => {
          agent.sign(key, data, options, (error, signature) => {
            if (error || signature === undefined) reject(error ?? new Error('the agent did not sign'));
            else resolve(Buffer.isBuffer(signature) ? signature : Buffer.from(signature));
          });
        });
      }),
  );
}

/** A private key file and what can be known about it without its passphrase. */
export interface KeyFile {
  readonly file: string;
  /** Undefined when neither the file nor its `.pub` tells. */
  readonly publicKey: ParsedKey | undefined;
  /** Undefined when there is only a `.pub` (its private half may be in the agent). */
  readonly identity: ((prompter: Prompter | undefined) => Promise<Identity>) | undefined;
}

/**
 * Looks at an IdentityFile; undefined when there is nothing.
 * @throws AuthError when others may read it (as ssh does) or it is no key
 */
export function keyFile(file: string): KeyFile | undefined {
  const stem = file.endsWith('.pub') ? file.slice(0, -4) : file;
  const sidecar = existsSync(`${stem}.pub`) ? parse(readFileSync(`${stem}.pub`)) : undefined;
  const known = sidecar instanceof Error ? undefined : sidecar;
  if (file.endsWith('.pub') || !existsSync(file)) {
    return known === undefined ? undefined : { file, publicKey: known, identity: undefined };
  }
  const { mode } = statSync(file);
  if ((mode & 0o077) !== 0) {
    throw new AuthError(`the key ${file} is not used: others may read it (mode ${(mode & 0o777).toString(8)})`, {
      hint: `chmod 600 ${quote(file)}`,
    });
  }
  let data: Buffer;
  try {
    data = readFileSync(file);
  } catch (error) {
    throw new AuthError(`the key ${file} can't be read: ${messageOf(error)}`, { hint: `ls -l ${quote(file)}` });
  }
  const bare = parse(data);
  if (!(bare instanceof Error)) {
    const sign = async (text: Buffer, options: SigningRequestOptions) => bare.sign(text, options.hash);
    return { file, publicKey: bare, identity: async () => new Identity(`key ${file}`, bare, sign) };
  }
  if (!/passphrase/i.test(bare.message)) {
    throw new AuthError(`the key ${file} can't be used: ${bare.message}`, { hint: `ssh-keygen -yf ${quote(file)}` });
  }
  const publicKey = known ?? publicPart(data);
  return {
    file,
    publicKey,
    identity: async prompter => {
      if (publicKey === undefined) {
        const opened = await unlock(file, data, prompter);
        return new Identity(`key ${file}`, opened, async (text, options) => opened.sign(text, options.hash));
      }
      let opened: ParsedKey | undefined;
      return new Identity(`key ${file}`, publicKey, async (text, options) => {
        opened ??= await unlock(file, data, prompter);
        return opened.sign(text, options.hash);
      });
    },
  };
}

async function unlock(file: string, data: Buffer, prompter: Prompter | undefined): Promise<ParsedKey> {
  if (prompter === undefined) {
    throw new AuthError(`the key ${file} has a passphrase and nobody can be asked`, { hint: `ssh-add ${quote(file)}` });
  }
  for (let tries = 0; tries < passphraseTries; tries++) {
    const passphrase = await prompter.ask(`Enter passphrase for key '${file}': `, { echo: false });
    if (passphrase === '') break; // as ssh: an empty answer gives up this key
    const key = parse(data, passphrase);
    if (!(key instanceof Error)) return key;
  }
  throw new AuthError(`the passphrase of ${file} is not right`, { hint: `ssh-keygen -yf ${quote(file)}` });
}

function parse(data: Buffer, passphrase?: string): ParsedKey | Error {
  const key: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(data, passphrase);
  return Array.isArray(key) ? (key[0] as ParsedKey) : key;
}

/** An encrypted `openssh-key-v1` file has its public half in clear (OpenSSH, PROTOCOL.key). */
function publicPart(data: Buffer): ParsedKey | undefined {
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([\s\S]*?)-----END/.exec(data.toString('latin1'))?.[1];
  if (body === undefined) return undefined;
  const blob = Buffer.from(body, 'base64');
  let at = 'openssh-key-v1\0'.length;
  const string = (): Buffer => {
    const length = blob.readUInt32BE(at);
    at += 4 + length;
    return blob.subarray(at - length, at);
  };
  try {
    for (const _ of ['cipher', 'kdf', 'kdf options']) string();
    at += 4; // number of keys, always 1
    const key = string();
    const type = key.subarray(4, 4 + key.readUInt32BE(0)).toString('latin1');
    const parsed = parse(Buffer.from(`${type} ${key.toString('base64')}`));
    return parsed instanceof Error ? undefined : parsed;
  } catch {
    return undefined;
  }
}
