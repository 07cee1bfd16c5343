import { createHmac, randomBytes } from 'node:crypto';
import { appendFileSync, chmodSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { keyType } from '../credentials/ssh/publickey.js';

/** One line of a known_hosts file (sshd(8), SSH_KNOWN_HOSTS FILE FORMAT) that names the host in question. */
export interface KnownKey {
  readonly file: string;
  /** Counts from 1. */
  readonly line: number;
  readonly type: string;
  readonly key: Buffer;
  readonly revoked: boolean;
}

/** The name of a host in known_hosts: the bare name for port 22, otherwise `[host]:port`. */
export function knownName(host: string, port: number): string {
  return port === 22 ? host.toLowerCase() : `[${host.toLowerCase()}]:${port}`;
}

/**
 * All keys for `name` in the files, in order. Certificate authorities are skipped, missing files are treated as empty.
 */
export function knownKeys(files: readonly string[], name: string): KnownKey[] {
  return files.flatMap(file => {
    if (!existsSync(file)) return [];
    return readFileSync(file, 'utf8')
      .split('\n')
      .flatMap((text, index) => {
        const key = parseLine(text, name);
        return key === undefined ? [] : [{ file, line: index + 1, ...key }];
      });
  });
}

function parseLine(text: string, name: string): Omit<KnownKey, 'file' | 'line'> | undefined {
  const words = text.trim().split(/\s+/);
  if (words[0] === '' || words[0]?.startsWith('#')) return undefined;
  const mark = words[0]?.startsWith('@') ? words.shift() : undefined;
  if (mark !== undefined && mark !== '@revoked') return undefined;
  const [names, type, base64] = words;
  if (names === undefined || type === undefined || base64 === undefined || !namesMatch(names, name)) return undefined;
  const key = Buffer.from(base64, 'base64');
  return keyType(key) === type ? { type, key, revoked: mark !== undefined } : undefined;
}

function namesMatch(names: string, name: string): boolean {
  if (names.startsWith('|1|')) {
    const [, , salt, hash] = names.split('|');
    if (salt === undefined || hash === undefined) return false;
    return createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest('base64') === hash;
  }
  const patterns = names.toLowerCase().split(',');
  if (patterns.some(p => p.startsWith('!') && like(p.slice(1), name))) return false;
  return patterns.some(p => !p.startsWith('!') && like(p, name));
}

/** `*` and `?` as in a shell. After a mismatch behind a star, only the last star takes one more character. */
function like(pattern: string, name: string): boolean {
  let [at, star, taken] = [0, -1, 0];
  for (let n = 0; n < name.length; ) {
    if (pattern[at] === '*') [star, taken, at] = [at, n, at + 1];
    else if (at < pattern.length && (pattern[at] === '?' || pattern[at] === name[n])) [at, n] = [at + 1, n + 1];
    else if (star >= 0) [taken, n, at] = [taken + 1, taken + 1, star + 1];
    else return false;
  }
  return /^\**$/.test(pattern.slice(at));
}

/** Adds a line to a known_hosts file, which is made (0600, its directory 0700) if it does not exist. */
export function remember(file: string, name: string, key: Buffer, options: { hashed: boolean }): void {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 });
  const old = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  const gap = old === undefined || old === '' || old.endsWith('\n') ? '' : '\n';
  const line = `${options.hashed ? hashed(name) : name} ${keyType(key)} ${key.toString('base64')}\n`;
  appendFileSync(file, gap + line, { mode: 0o600 });
  if (old === undefined) chmodSync(file, 0o600);
}

function hashed(name: string): string {
  const salt = randomBytes(20);
  return `|1|${salt.toString('base64')}|${createHmac('sha1', salt).update(name).digest('base64')}`;
}
