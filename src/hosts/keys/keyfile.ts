import { existsSync, readFileSync, statSync } from 'node:fs';
import ssh2, { type ParsedKey } from 'ssh2';
import type { Prompter } from '../../credentials/prompts.js';
import { parseCertificate } from '../../credentials/ssh/certificate.js';
import { WireReader } from '../../credentials/ssh/wire.js';
import { AuthError, messageOf } from '../../errors.js';
import { quote } from '../../shell.js';
import { between } from '../../text.js';

const passphraseTries = 3;

/** An IdentityFile, and what is known about it without its passphrase. */
export interface KeyFile {
  readonly file: string;
  /**
   * A public key, or the certificate of a file that contains one; undefined if it can't be known without the passphrase.
   */
  readonly blob: Buffer | undefined;
  /** Opens the private half, asking once; undefined if there is only a `.pub` (an agent may hold the private half). */
  readonly open: ((prompter: Prompter | undefined) => Promise<ParsedKey>) | undefined;
}

/**
 * Reads an IdentityFile; undefined if it does not exist.
 * @throws AuthError if other users can read it (as in ssh), or if it is not a key
 */
export function keyFile(file: string): KeyFile | undefined {
  const stem = file.endsWith('.pub') ? file.slice(0, -4) : file;
  const beside = publicBlob(`${stem}.pub`);
  if (file.endsWith('.pub') || !existsSync(file)) {
    return beside === undefined ? undefined : { file, blob: beside, open: undefined };
  }
  const data = readSecret(file);
  const bare = parse(data);
  if (!(bare instanceof Error)) return { file, blob: bare.getPublicSSH(), open: async () => bare };
  if (!/passphrase/i.test(bare.message)) {
    throw new AuthError(`the key ${file} can't be used: ${bare.message}`, { hint: `ssh-keygen -yf ${quote(file)}` });
  }
  const blob = publicPart(data) ?? beside;
  let opened: Promise<ParsedKey> | undefined;
  const open = (prompter: Prompter | undefined): Promise<ParsedKey> => {
    opened ??= unlock(file, data, prompter); // the answer is kept: the attempt with the certificate does not ask again
    return opened;
  };
  return { file, blob, open };
}

function readSecret(file: string): Buffer {
  const { mode } = statSync(file);
  if ((mode & 0o077) !== 0) {
    throw new AuthError(`the key ${file} is not used: others may read it (mode ${(mode & 0o777).toString(8)})`, {
      hint: `chmod 600 ${quote(file)}`,
    });
  }
  try {
    return readFileSync(file);
  } catch (error) {
    throw new AuthError(`the key ${file} can't be read: ${messageOf(error)}`, { hint: `ls -l ${quote(file)}` });
  }
}

async function unlock(file: string, data: Buffer, prompter: Prompter | undefined): Promise<ParsedKey> {
  if (prompter === undefined) {
    throw new AuthError(`the key ${file} has a passphrase and nobody can be asked`, { hint: `ssh-add ${quote(file)}` });
  }
  for (let tries = 0; tries < passphraseTries; tries++) {
    const passphrase = await prompter.ask(`Enter passphrase for key '${file}': `, { echo: false });
    if (passphrase === '') break; // as in ssh, an empty answer skips this key
    const key = parse(data, passphrase);
    if (!(key instanceof Error)) return key;
  }
  throw new AuthError(`the passphrase of ${file} is not right`, { hint: `ssh-keygen -yf ${quote(file)}` });
}

function parse(data: Buffer, passphrase?: string): ParsedKey | Error {
  const key: ParsedKey | ParsedKey[] | Error = ssh2.utils.parseKey(data, passphrase);
  return Array.isArray(key) ? (key[0] as ParsedKey) : key;
}

/** Reads a `.pub`: a public key of any type, or a certificate. */
function publicBlob(file: string): Buffer | undefined {
  if (!existsSync(file)) return undefined;
  try {
    const blob = Buffer.from(readFileSync(file, 'utf8').trim().split(/\s+/)[1] ?? '', 'base64');
    parseCertificate(blob);
    return new WireReader(blob).text() === '' ? undefined : blob;
  } catch {
    return undefined;
  }
}

/** An encrypted `openssh-key-v1` file contains its public half unencrypted (OpenSSH, PROTOCOL.key). */
function publicPart(data: Buffer): Buffer | undefined {
  const [body] = between(data.toString('latin1'), '-----BEGIN OPENSSH PRIVATE KEY-----', '-----END');
  if (body === undefined) return undefined;
  const reader = new WireReader(Buffer.from(body, 'base64').subarray('openssh-key-v1\0'.length));
  try {
    for (const _ of ['cipher', 'kdf', 'kdf options']) reader.string();
    reader.uint32(); // number of keys, always 1
    return Buffer.from(reader.string());
  } catch {
    return undefined;
  }
}
