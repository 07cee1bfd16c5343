import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import { ScailfinError } from '../../errors.js';
import { runScript } from '../../hosts/script.js';
import { cutPayload, type Payload, type RunningPool } from '../../htcondor/pool.js';
import { cacheDir } from '../../paths.js';
import { templateText } from '../../templates.js';
import { formatBytes } from '../../units.js';
import { type Context, recordOf, type Site, siteDir } from '../context.js';
import { claim, type Head } from './connect.js';

/** The payload on a site. */
export interface StagedPayload extends Payload {
  /** Absolute directory at the site. */
  readonly dir: string;
  readonly staged: 'there already' | 'copied';
}

/**
 * Puts the glide-ins' payload on the site, once: its directory is named by the digest of its bytes.
 * @throws ScailfinError if the site's C library is too old for it, or its processor is another one
 */
export async function stagePayload(
  context: Context,
  site: Site,
  head: Head,
  pool: RunningPool,
): Promise<StagedPayload> {
  const { payload, archive } = await obtainPayload(head, pool);
  checkFits(payload, site);
  const { base } = site.probe;
  const seen = pool.payloadThere?.sha256 === payload.sha256 ? pool.payloadThere : undefined;
  const there = seen ? seen.isThere : await claim(context, site.host, base, 'site', payload.sha256);
  const dir = `${base}/payload/${payload.sha256}`;
  if (there) return { ...payload, dir, staged: 'there already' };
  // in the cluster's own directory: it goes with it if this process is killed before the archive is unpacked
  const remote = `${siteDir(base, recordOf(context).name)}/payload-${payload.sha256.slice(0, 12)}-${process.pid}.tar.gz`;
  const total = payload.bytes;
  await site.host.upload(archive, remote, {
    mode: 0o600,
    onBytes: sent =>
      context.sink({
        type: 'progress',
        detail: `${Math.round((100 * sent) / total)} % of ${formatBytes(total)}`,
      }),
  });
  await runScript(site.host, templateText('site/unpack.sh'), [base, payload.sha256, remote], { timeoutMs: 120_000 });
  return { ...payload, dir, staged: 'copied' };
}

/** From the cache, or made from the headnode's HTCondor. The same programs give the same payload. */
async function obtainPayload(head: Head, pool: RunningPool): Promise<{ payload: Payload; archive: string }> {
  if (!isDigest(pool))
    throw new ScailfinError(
      `${head.host.name} reports ${JSON.stringify(pool.programs)} for its programs, which is not a digest`,
    );
  const { cache, index } = placesOf(pool);
  const known = knownPayload(pool);
  if (known) return { payload: known, archive: join(cache, `${known.sha256}.tar.gz`) };
  mkdirSync(cache, { recursive: true, mode: 0o700 });
  const cut = `${pool.plan.dir}/payload.tar.gz`;
  const payload = await cutPayload(head.host, cut, pool.plan);
  const archive = join(cache, `${payload.sha256}.tar.gz`);
  await head.host.download(cut, `${archive}.part`);
  await head.host.run(['rm', '-f', cut]);
  const got = createHash('sha256')
    .update(readFileSync(`${archive}.part`))
    .digest('hex');
  if (got !== payload.sha256) {
    rmSync(`${archive}.part`);
    throw new ScailfinError(
      `the payload arrived damaged from ${head.host.name}: its sha256 is ${got}, not ${payload.sha256}`,
      { hint: 'try again' },
    );
  }
  renameSync(`${archive}.part`, archive);
  await writeFileAtomic(index, JSON.stringify(payload), { mode: 0o600 });
  return { payload, archive };
}

const isDigest = ({ programs }: Pick<RunningPool, 'programs'>): boolean => /^[\w.-]{1,200}$/.test(programs);

function placesOf({ programs }: Pick<RunningPool, 'programs'>): { readonly cache: string; readonly index: string } {
  const recipe = createHash('sha256').update(templateText('headnode/payload-cut.sh')).digest('hex').slice(0, 12);
  const cache = join(cacheDir(), 'payload');
  return { cache, index: join(cache, `${programs}-${recipe}.json`) };
}

/** The payload of a pool's programs, if it is in the cache. */
export function knownPayload(pool: Pick<RunningPool, 'programs'>): Payload | undefined {
  if (!isDigest(pool)) return undefined;
  const { cache, index } = placesOf(pool);
  const known = cached(index);
  return known && existsSync(join(cache, `${known.sha256}.tar.gz`)) ? known : undefined;
}

/** The cache may be lost at any time; an entry that can't be read is made again. */
function cached(index: string): Payload | undefined {
  try {
    const payload = JSON.parse(readFileSync(index, 'utf8')) as Payload | null;
    return /^[0-9a-f]{64}$/.test(payload?.sha256 ?? '') ? (payload as Payload) : undefined;
  } catch {
    return undefined;
  }
}

function checkFits(payload: Payload, site: Site): void {
  const { arch, glibc } = site.probe;
  if (arch !== payload.arch)
    throw new ScailfinError(`the headnode's HTCondor is for ${payload.arch}, ${site.host.name} is ${arch}`, {
      hint: otherSource,
    });
  if (glibc === '' || older(glibc, payload.glibc)) {
    throw new ScailfinError(
      `the headnode's HTCondor ${payload.condor} needs GNU C library ${payload.glibc} or newer, ${site.host.name} has ${glibc || 'none'}`,
      { hint: otherSource },
    );
  }
}

const otherSource =
  'use an HTCondor release built for an older system: ' +
  "scailfin config set htcondor '{source: tarball, from: https://…/condor-…-x86_64_AlmaLinux8-stripped.tar.gz, sha256: …}'";

/** `2.28` is older than `2.31`. */
function older(a: string, b: string): boolean {
  const [x, y] = [a.split('.').map(Number), b.split('.').map(Number)];
  return (x[0] ?? 0) !== (y[0] ?? 0) ? (x[0] ?? 0) < (y[0] ?? 0) : (x[1] ?? 0) < (y[1] ?? 0);
}
