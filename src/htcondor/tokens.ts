import { CommandError, ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';

/**
 * What a token for glide-ins is for. It only allows its submission's machines to advertise themselves at the pool's
 * collector.
 */
export interface TokenPlan {
  readonly site: string;
  /** The label of the submission: the name of its file on the site. */
  readonly label: string;
  /** Seconds. */
  readonly lifetime: number;
  /** The most cores that one glide-in may offer; undefined: no limit. */
  readonly cores: number | undefined;
  /** MiB. */
  readonly memory: number | undefined;
}

/** A token as the headnode recorded it: its purpose is kept, the token itself is not. */
export interface TokenFacts {
  /**
   * The id of its glide-ins in the pool: `a1b2c3d4`; `old` for the token that an older scailfin gave to all glide-ins.
   */
  readonly id: string;
  readonly site: string;
  readonly label: string;
  /** Unix time. */
  readonly made: number;
  /** Unix time. */
  readonly until: number;
  /** 0: no limit. */
  readonly cores: number;
  /** MiB; 0: no limit. */
  readonly memory: number;
  readonly revoked: boolean;
}

/** A week in the queue, unless the user says otherwise. Seconds. */
export const DEFAULT_QUEUE_TIME = 7 * 86400;
/**
 * A lower limit, because clocks differ and a submission takes a moment; and an upper limit, because nobody waits longer.
 * Seconds.
 */
const [LEAST_QUEUE_TIME, MOST_QUEUE_TIME] = [600, 60 * 86400];

/** Lifetime of a submission's token: the time in the queue and the walltime. Seconds. */
export function tokenLifetime(walltime: number, queueTime = DEFAULT_QUEUE_TIME): number {
  return walltime + Math.min(MOST_QUEUE_TIME, Math.max(LEAST_QUEUE_TIME, queueTime));
}

/**
 * Makes a token for one submission. Secret.
 * @param dir the pool's directory
 * @throws ScailfinError in HTCondor's words
 */
export async function makeToken(host: Host, dir: string, plan: TokenPlan): Promise<string> {
  const { site, label, lifetime, cores = 0, memory = 0 } = plan;
  const args = [dir, site, label, String(lifetime), String(cores), String(memory)];
  const out = await runScript(host, templateText('headnode/token-make.sh'), args).catch(error => {
    if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
    const said = error.stderr.trim();
    throw new ScailfinError(`${host.name}: no token could be made for the glide-ins: ${said}`, { cause: error });
  });
  return out.stdout.trim();
}

/** Revokes tokens at once. @param ids may contain `old`: the token that an older scailfin gave to all glide-ins */
export async function revokeTokens(host: Host, dir: string, ids: readonly string[]): Promise<void> {
  const script = ['token-revoked', 'token-revoke'].map(name => templateText(`headnode/${name}.sh`)).join('\n');
  await runScript(host, script, [dir, ...ids], { timeoutMs: 120_000 });
}

/** All tokens that were ever made for the pool in `dir`, the oldest first. */
export async function listTokens(host: Host, dir: string): Promise<TokenFacts[]> {
  return parseTokens(
    (await runScript(host, `${templateText('headnode/token-list.sh')}\ntoken_list "$1"`, [dir])).stdout,
  );
}

/** Reads the `token=` lines of `token_list`. */
export function parseTokens(text: string): TokenFacts[] {
  const lines = keyValues(text).get('token') ?? [];
  const facts = lines.map((line): TokenFacts => {
    const values = new Map(line.split(' ').map(word => [word.split('=')[0] ?? '', word.slice(word.indexOf('=') + 1)]));
    const number = (key: string): number => Number(values.get(key) ?? 0);
    return {
      ...{ id: values.get('id') ?? '', site: values.get('site') ?? '', label: values.get('label') ?? '' },
      ...{ made: number('made'), until: number('until'), cores: number('cores'), memory: number('memory') },
      revoked: values.get('revoked') === 'yes',
    };
  });
  return facts.sort((a, b) => a.made - b.made);
}
