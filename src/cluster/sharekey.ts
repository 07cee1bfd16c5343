import { readFileSync } from 'node:fs';
import { messageOf, UsageError } from '../errors.js';
import { type OwnKey, onlyRuns } from '../headnode/ownkey.js';

/** Types of keys that sshd accepts today (ssh-keygen(1)); a certificate has others, and can't be part of such a line. */
const types =
  /^(ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;

/**
 * The public key in a file as ssh-keygen writes it: `TYPE BASE64`, without its comment.
 * @throws UsageError
 */
export function publicKeyIn(file: string): string {
  const hint = 'give the file of a public key, such as ~/.ssh/id_ed25519.pub';
  let text: string;
  try {
    text = readFileSync(file, 'utf8').slice(0, 20_000);
  } catch (error) {
    throw new UsageError(`the key ${file} can't be read: ${messageOf(error)}`, { hint });
  }
  if (/-----BEGIN|PuTTY-User-Key-File/.test(text))
    throw new UsageError(`${file} is a private key, which its owner must give to nobody`, {
      hint: 'ask for the file beside it that ends in .pub',
    });
  const lines = text.split('\n').filter(line => line.trim() !== '' && !line.startsWith('#'));
  if (lines.length !== 1) throw new UsageError(`${file} has ${lines.length} keys, not one`, { hint });
  const [type = '', base64 = ''] = (lines[0] as string).trim().split(/\s+/);
  if (!types.test(type) || !isKeyOf(type, base64))
    throw new UsageError(`${file} is not a public key that a line of authorized_keys can have`, { hint });
  return `${type} ${base64}`;
}

/** A key begins with its own type, as a text with its length (RFC 4253, section 6.6). */
function isKeyOf(type: string, base64: string): boolean {
  if (!/^[A-Za-z0-9+/]{40,12000}={0,2}$/.test(base64)) return false;
  const blob = Buffer.from(base64, 'base64');
  return blob.readUInt32BE(0) === type.length && blob.subarray(4, 4 + type.length).toString('latin1') === type;
}

/** @param dir the pool's directory on the headnode @param person absent: of everybody */
export const shareKey = (dir: string, person?: string): OwnKey => ({
  ...{ dir, mark: 'scailfin-share' },
  ...(person === undefined ? {} : { person }),
});

/**
 * What a person's key runs on the headnode, and all that it can do: a program that passes one connection on to what is shared. No
 * port is forwarded, because sshd would then also forward to any socket of the account, such as an agent's, whatever
 * `permitopen` and `permitlisten` say: they are about ports (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
 * @param dir the pool's directory, a plain path
 */
export const reaches = (dir: string, person: string): string => onlyRuns(['bash', '--norc', reachFile(dir), person]);

/** The program (templates/headnode/share-reach.sh). */
export const reachFile = (dir: string): string => `${dir}/share/reach.sh`;
