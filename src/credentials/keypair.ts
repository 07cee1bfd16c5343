import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { AuthError, messageOf, ScailfinError, UsageError } from '../errors.js';
import { quote } from '../shell.js';
import { keyType } from './ssh/publickey.js';
import type { IssuedKey } from './sshproxy.js';

/**
 * A key without a certificate beside it is the user's own, not one that is valid for a day: it is not overwritten.
 * @throws UsageError
 */
export function checkReplaceable(file: string): void {
  if (!existsSync(file) || existsSync(`${file}-cert.pub`)) return;
  throw new UsageError(`${file} is there and has no certificate beside it: it is not a key that was got this way`, {
    hint: `name another file with --out, or move it away: mv ${quote(file)} ${quote(`${file}.old`)}`,
  });
}

/** Writes FILE (0600), FILE-cert.pub and FILE.pub: either all three, or the old ones stay. @throws ScailfinError */
export function writeKey(file: string, { privateKey, certificate, certificateLine }: IssuedKey): void {
  const key = certificate.publicKey;
  const parts = [
    { name: file, text: privateKey, mode: 0o600 },
    { name: `${file}-cert.pub`, text: `${certificateLine}\n`, mode: 0o644 },
    { name: `${file}.pub`, text: `${keyType(key)} ${key.toString('base64')} ${path.basename(file)}\n`, mode: 0o644 },
  ].map(part => ({ ...part, fresh: `${part.name}.${randomBytes(6).toString('hex')}` }));
  try {
    mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
    for (const { fresh, text, mode } of parts) {
      writeFileSync(fresh, text, { mode: 0o600, flag: 'wx', flush: true });
      chmodSync(fresh, mode);
    }
    for (const { fresh, name } of parts) renameSync(fresh, name);
  } catch (error) {
    throw new ScailfinError(`the key can't be written: ${messageOf(error)}`, {
      hint: `make ${path.dirname(file)} writable, or name another file with --out`,
    });
  } finally {
    for (const { fresh } of parts) rmSync(fresh, { force: true });
  }
}

/** Adds the key to the SSH agent until its certificate ends. @throws AuthError */
export async function addToAgent(file: string, secondsLeft: number, env = process.env): Promise<void> {
  if (!env.SSH_AUTH_SOCK) {
    throw new AuthError('no SSH agent is running', { hint: 'start one: eval "$(ssh-agent)"' });
  }
  const argv = ['-q', '-t', String(secondsLeft), file];
  await new Promise<void>((resolve, reject) => {
    execFile('ssh-add', argv, { env, timeout: 10_000 }, (error, _out, stderr) => {
      if (!error) return resolve();
      const why = stderr.trim() || messageOf(error);
      reject(new AuthError(`the agent did not take ${file}: ${why}`, { hint: `ssh-add ${quote(file)}` }));
    });
  });
}
