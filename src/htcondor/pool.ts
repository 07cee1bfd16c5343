import { CommandError, ScailfinError } from '../errors.js';
import type { FileToPut, Host, Output } from '../hosts/host.js';
import { keyValues, runScript, scriptCommand } from '../hosts/script.js';
import type { HtcondorSource } from '../sites/values.js';
import { render, templateText } from '../templates.js';
import { AWAY_LIMIT } from './away.js';

/** A pool that runs on a headnode. */
export interface Pool {
  readonly port: number;
  readonly bin: string;
  readonly sbin: string;
  readonly version: string;
  /** The same programs give the same key; it names a payload made from them. */
  readonly programs: string;
  /** Why there is no fence between the compute nodes and the owner's files; undefined if there is one. */
  readonly unfenced: string | undefined;
}

/**
 * Whether requests of compute nodes are carried out behind a fence on the headnode, where only the files of their jobs
 * exist: `auto` if the kernel allows it, `required` always (otherwise there is no pool), `off` never.
 */
export type Fence = 'auto' | 'required' | 'off';

export interface PoolPlan {
  /** Absolute, on the headnode. */
  readonly dir: string;
  readonly name: string;
  readonly trustDomain: string;
  /** IPv4 address or name by which glide-ins reach the headnode. */
  readonly address: string;
  readonly firstPort: number;
  readonly source: HtcondorSource;
  readonly fence: Fence;
}

/** A pool that sites can reach, which was tested. */
export interface RunningPool extends Pool {
  /** The address by which sites reach it; with a relay, a loopback address that leads to it on their nodes. */
  readonly address: string;
  readonly isRelayed: boolean;
  readonly plan: PoolPlan;
  /** What was seen of the payload at the site while it was asked something else. */
  readonly payloadThere?: { readonly sha256: string; readonly isThere: boolean } | undefined;
}

/** As long as a cluster may live; the key that signed it is removed with the cluster. Seconds. */
const STEPS_TOKEN_LIFETIME = 30 * 86400;

/** The pool's scripts, which it runs by itself; paths are below the pool's directory. */
export function poolScripts(): FileToPut[] {
  const put = (path: string, template: string): FileToPut => ({ path, content: templateText(template), mode: 0o700 });
  return [
    ...['pool-keep.sh', 'pool-stop.sh'].map(path => put(path, `headnode/${path}`)),
    put('shadows.sh', 'headnode/pool/shadows.sh'),
    ...['ad.awk', 'engine.sh', 'enter.sh', 'places.sh', 'shadow.sh'].map(name =>
      put(`fence/${name}`, `headnode/fence/${name}`),
    ),
  ];
}

/** The pool's configuration file. */
export function poolConfig(plan: Pick<PoolPlan, 'dir' | 'name' | 'trustDomain'>): string {
  const { dir, name, trustDomain } = plan;
  return render('headnode/condor_config', { dir, name, trustDomain, lease: AWAY_LIMIT });
}

/**
 * Starts the pool, whose configuration is already there, or finds it running; another address than before restarts it.
 * @throws ScailfinError if HTCondor is missing or does not start, with its own error
 */
export async function startPool(host: Host, plan: PoolPlan): Promise<Pool> {
  return readStarted(host, await host.run(poolStarting(plan), { timeoutMs: 150_000, check: false }));
}

/** The command of `startPool`. */
export function poolStarting(plan: PoolPlan): string[] {
  const args = [plan.dir, plan.address, String(plan.firstPort), plan.fence, ...sourceArgs(plan)];
  const names = ['layout', 'pool-stop', 'fence/build', 'token-revoked', 'pool-start'];
  return scriptCommand(`${templateText('site/machine.sh')}\n${scriptOf(...names)}`, args);
}

/** @param out that of `poolStarting`, if it was run @throws as `startPool` */
export function readStarted(host: Host, out: Output | undefined): Pool {
  if (out?.exitCode !== 0)
    throw explain(new CommandError(host.name, 'start the pool', out?.exitCode ?? null, out?.stderr ?? ''), host);
  const values = keyValues(out.stdout);
  const one = (key: string): string => values.get(key)?.[0] ?? '';
  return {
    port: Number(one('port')),
    bin: one('bin'),
    sbin: one('sbin'),
    version: one('version'),
    programs: one('key'),
    unfenced: one('fence') === 'yes' ? undefined : one('unfenced'),
  };
}

/** Why HTCondor can't be found on the headnode, in a few words; undefined if it is there. */
export async function missingCondor(host: Host, plan: Pick<PoolPlan, 'dir' | 'source'>): Promise<string | undefined> {
  const out = await host.run(condorLooking(plan), { check: false, timeoutMs: 60_000 });
  return out.exitCode === 0 ? undefined : out.stderr.trim();
}

/** The command that fails, and says why, if HTCondor can't be found on the headnode. */
export const condorLooking = (plan: Pick<PoolPlan, 'dir' | 'source'>): string[] =>
  scriptCommand(`${templateText('headnode/layout.sh')}\nfind_condor "$1" "$2"\n`, sourceArgs(plan));

/** How to get HTCondor if it is missing. */
export const condorHint =
  'install HTCondor there (Debian: apt install condor; others: https://htcondor.org/download), or name a release tarball: ' +
  "scailfin config set htcondor '{source: tarball, from: FILE-OR-URL, sha256: …}', or choose another --headnode";

/** Ends every process of the pool in `dir`. @throws ScailfinError if some survive */
export async function stopPool(host: Host, dir: string): Promise<void> {
  requireStopped(host, await host.run(poolStopping(dir), { check: false, timeoutMs: 90_000 }));
}

/** The command that ends every process of the pool in `dir`. */
export const poolStopping = (dir: string): string[] =>
  scriptCommand(`${templateText('headnode/pool-stop.sh')}\npool_stop "$1"\n`, [dir]);

/** @param out that of `poolStopping`, if it was run @throws ScailfinError if some processes survive, or may */
export function requireStopped(host: Host, out: Output | undefined): void {
  if (out?.exitCode === 0) return;
  const said = out?.stderr.trim() || 'the command was ended';
  throw new ScailfinError(`HTCondor's processes survive on ${host.name}: ${said}`);
}

/**
 * A token with which REANA's job controller can read the pool and submit steps, and nothing else: the pool's
 * configuration says what jobs of this identity may be. Secret.
 */
export async function stepsToken(host: Host, dir: string, bin: string, trustDomain: string): Promise<string> {
  const rights = ['READ', 'WRITE'].flatMap(right => ['-authz', right]);
  const identity = [
    '-identity',
    `reana-steps@${trustDomain}`,
    '-key',
    'POOL',
    '-lifetime',
    String(STEPS_TOKEN_LIFETIME),
  ];
  const create = ['env', `CONDOR_CONFIG=${dir}/condor_config`, `${bin}/condor_token_create`] as const;
  return (await host.run([...create, ...identity, ...rights])).stdout.trim();
}

export interface Payload {
  readonly sha256: string;
  /** Oldest GNU C library on which it runs. */
  readonly glibc: string;
  readonly arch: string;
  readonly condor: string;
  readonly bytes: number;
}

/** Makes the glide-ins' payload from the headnode's HTCondor; `archive` is its path there. */
export async function cutPayload(
  host: Host,
  archive: string,
  plan: Pick<PoolPlan, 'dir' | 'source'>,
): Promise<Payload> {
  const out = await runScript(host, scriptOf('layout', 'payload-cut'), [archive, ...sourceArgs(plan)], {
    timeoutMs: 120_000,
  }).catch(error => {
    throw explain(error, host);
  });
  const values = keyValues(out.stdout);
  const one = (key: string): string => values.get(key)?.[0] ?? '';
  // it becomes the name of a file on this machine and at the site
  if (!/^[0-9a-f]{64}$/.test(one('sha256')))
    throw new ScailfinError(`${host.name} tells ${JSON.stringify(one('sha256'))} for the sha256 of the payload`, {
      hint: 'is sha256sum there?',
    });
  return {
    sha256: one('sha256'),
    glibc: one('glibc'),
    arch: one('arch'),
    condor: one('condor'),
    bytes: Number(one('bytes')),
  };
}

/** The directory of an unpacked release tarball with this digest, below a pool's directory. */
export const releaseDir = (dir: string, sha256: string): string => `${dir}/htcondor-${sha256.slice(0, 16)}`;

function scriptOf(...names: string[]): string {
  return names.map(name => templateText(`headnode/${name}.sh`)).join('\n');
}

/** The arguments by which scripts find the headnode's HTCondor: SOURCE SOURCE_ARG. */
export function sourceArgs({ dir, source }: Pick<PoolPlan, 'dir' | 'source'>): string[] {
  if (source.source === 'tarball') return ['tarball', releaseDir(dir, source.sha256)];
  return source.source === 'module' ? ['module', source.module] : ['system', ''];
}

/** Explains the exit codes of the headnode's scripts; any other error stays as it is. */
function explain(error: unknown, host: Host): unknown {
  if (!(error instanceof CommandError) || error.exitStatus === null) return error;
  const said = error.stderr.trim();
  const hint = {
    4: 'run the pool as an ordinary user, or name another headnode with --headnode',
    5: condorHint,
    6: `run the same command again; if it does not help, take the cluster down`,
    7: 'to choose another range: scailfin config set port PORT',
    8: `the logs are on ${host.name} until this command cleans up`,
    9: undefined,
    10: 'choose another --headnode, or trust the compute nodes with your account there: scailfin config set fence auto',
  }[error.exitStatus];
  if (error.exitStatus < 4 || error.exitStatus > 10) return error;
  return new ScailfinError(`${host.name}: ${said}`, { hint, cause: error });
}
