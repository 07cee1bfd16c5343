import { createHash, randomBytes } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { releaseDir } from '../htcondor/pool.js';
import { cacheDir } from '../paths.js';
import { download } from './download.js';

/** A release has about 100 MB. */
const MOST_BYTES = 2 * 2 ** 30;

/**
 * Unpacks an HTCondor release into `releaseDir`, once.
 * @param from a file of this machine, or a URL
 * @throws ScailfinError if it can't be fetched, or if its digest is wrong
 */
export async function placeRelease(host: Host, dir: string, from: string, sha256: string): Promise<void> {
  const release = releaseDir(dir, sha256);
  const there = await host.run(['test', '-e', `${release}/.whole`], { check: false });
  if (there.exitCode === 0) return;
  const archive = await obtain(from, sha256);
  await host.upload(archive, `${dir}/htcondor.tar`);
  // a release tarball has one directory with everything in it
  const unpack =
    'set -e; rm -rf "$1"; mkdir -p "$1"; tar -xf "$2" -C "$1" --strip-components=1; rm -f "$2"; touch "$1/.whole"';
  await host.run(['sh', '-c', unpack, 'unpack', release, `${dir}/htcondor.tar`], { timeoutMs: 180_000 });
}

const byHand = 'fetch it in another way, and name the file: scailfin config set htcondor.from FILE';

/** The tarball as a local file, fetched once and checked each time. @throws ScailfinError if its digest is wrong */
async function obtain(from: string, sha256: string): Promise<string> {
  if (!/^https?:/.test(from)) {
    if (!existsSync(from))
      throw new ScailfinError(`the HTCondor tarball ${from} is not there`, { hint: 'correct htcondor.from' });
    return checked(from, sha256, from);
  }
  const file = join(cacheDir(), 'htcondor', sha256);
  if (existsSync(file)) return checked(file, sha256, from);
  mkdirSync(join(cacheDir(), 'htcondor'), { recursive: true, mode: 0o700 });
  // a unique name, so that another scailfin can't write to the file after the check
  const part = `${file}.${randomBytes(6).toString('hex')}.part`;
  try {
    await download(from, part, MOST_BYTES, byHand);
    renameSync(await checked(part, sha256, from), file);
  } finally {
    rmSync(part, { force: true });
  }
  return file;
}

async function checked(file: string, sha256: string, from: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const got = hash.digest('hex');
  if (got === sha256) return file;
  throw new ScailfinError(`${from} has sha256 ${got}, not ${sha256}`, {
    hint: 'check the digest with the publisher of the file, then correct htcondor.sha256',
  });
}
