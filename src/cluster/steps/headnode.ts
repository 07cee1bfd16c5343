import { createHash } from 'node:crypto';
import { createReadStream, existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ScailfinError } from '../../errors.js';
import { type Pool, type PoolPlan, startPool } from '../../htcondor/pool.js';
import { cacheDir } from '../../paths.js';
import type { HtcondorSource } from '../../sites/schema.js';
import { type Context, poolDir, recordOf, type Site } from '../context.js';
import { candidates, claim, describeHead, type Head, proveReachable } from './connect.js';

export interface RunningPool extends Pool {
  readonly address: string;
  readonly plan: PoolPlan;
}

/** The identity domain of a cluster's pool: tokens of one cluster mean nothing to another. */
export const trustDomain = (name: string, id: string): string => `${name}-${id}.scailfin`;

/** Brings the pool up on the headnode and proves that the site reaches it. */
export async function bringUpPool(context: Context, site: Site, head: Head): Promise<RunningPool> {
  const record = recordOf(context);
  const { spec, name } = record;
  const { base } = head.probe;
  if (head.probe.uid === 0) {
    throw new ScailfinError(`the pool is run by an ordinary user, and on ${head.host.name} you are root`, {
      hint: 'run scailfin as yourself, or choose another headnode: --headnode [user@]host',
    });
  }
  await claim(context, head.host, base, 'pool');
  context.journal.append({ type: 'intent', what: `start the pool on ${head.host.name}` });
  const release = await placeRelease(head, spec.htcondor, poolDir(base, name));
  const addresses = candidates(site, head);
  if (addresses.length === 0)
    throw new ScailfinError(`${head.host.name} has no IPv4 address but loopback`, {
      hint: 'choose another --headnode',
    });
  const plan: PoolPlan = {
    dir: poolDir(base, name),
    name,
    trustDomain: trustDomain(name, record.id),
    address: record.head?.address ?? (addresses[0] as string),
    firstPort: spec.port,
    source: spec.htcondor,
    release,
  };
  let pool = await startPool(head.host, plan);
  let address = plan.address;
  if (site.spec.profile.login) {
    address = await proveReachable(
      site,
      head,
      pool.port,
      [...new Set([plan.address, ...addresses])],
      describeHead(context),
    );
    if (address !== plan.address) pool = await startPool(head.host, { ...plan, address });
  }
  const facts = {
    base,
    host: head.probe.host,
    user: head.probe.user,
    address,
    port: pool.port,
    bin: pool.bin,
    sbin: pool.sbin,
    version: pool.version,
  };
  context.journal.append({ type: 'head', head: facts });
  return { ...pool, address, plan: { ...plan, address } };
}

/** Unpacks an HTCondor release below the pool's directory, where it comes from a tarball. @returns its directory */
async function placeRelease(head: Head, source: HtcondorSource, dir: string): Promise<string | undefined> {
  if (source.source !== 'tarball') return undefined;
  const release = `${dir}/htcondor-${source.sha256.slice(0, 16)}`;
  const there = await head.host.run(['test', '-e', `${release}/.whole`], { check: false });
  if (there.exitCode === 0) return release;
  const archive = await obtain(source.from, source.sha256);
  await head.host.upload(archive, `${dir}/htcondor.tar`);
  // release tarballs hold one directory with everything in it
  const unpack =
    'set -e; rm -rf "$1"; mkdir -p "$1"; tar -xf "$2" -C "$1" --strip-components=1; rm -f "$2"; touch "$1/.whole"';
  await head.host.run(['sh', '-c', unpack, 'unpack', release, `${dir}/htcondor.tar`], { timeoutMs: 180_000 });
  return release;
}

/** The tarball as a local file, fetched once and checked each time. @throws ScailfinError when it is not what was promised */
async function obtain(from: string, sha256: string): Promise<string> {
  if (!/^https?:/.test(from)) {
    if (!existsSync(from))
      throw new ScailfinError(`the HTCondor tarball ${from} is not there`, { hint: 'correct htcondor.from' });
    return checked(from, sha256, from);
  }
  const file = join(cacheDir(), 'htcondor', sha256);
  if (existsSync(file)) return checked(file, sha256, from);
  mkdirSync(join(cacheDir(), 'htcondor'), { recursive: true, mode: 0o700 });
  const response = await fetch(from).catch(error => {
    throw new ScailfinError(`could not fetch ${from}: ${error instanceof Error ? error.message : error}`);
  });
  if (!response.ok || !response.body) throw new ScailfinError(`could not fetch ${from}: status ${response.status}`);
  const { createWriteStream } = await import('node:fs');
  await pipeline(response.body, createWriteStream(`${file}.part`, { mode: 0o600 }));
  renameSync(await checked(`${file}.part`, sha256, from), file);
  return file;
}

async function checked(file: string, sha256: string, from: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  const got = hash.digest('hex');
  if (got === sha256) return file;
  throw new ScailfinError(`${from} has sha256 ${got}, not ${sha256}`, {
    hint: 'correct htcondor.sha256, after checking it with who published the file',
  });
}
