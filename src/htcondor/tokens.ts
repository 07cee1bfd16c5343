import { CommandError, ScailfinError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';

/** What a token for glide-ins is for; it may do nothing but advertise machines of its own at the pool's collector. */
export interface TokenPlan {
  readonly site: string;
  /** Of the submission: its file's name on the site. */
  readonly label: string;
  /** Seconds. */
  readonly lifetime: number;
  /** That one glide-in may offer at most; undefined: no limit. */
  readonly cores: number | undefined;
  /** MiB. */
  readonly memory: number | undefined;
}

/** A token that was made, as the headnode remembers it: it keeps what it is for, and not the token. */
export interface TokenFacts {
  /** By which its glide-ins are known in the pool: `a1b2c3d4`; `old` for what an older scailfin gave all alike. */
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

/** A week in the queue, unless something else is said. Seconds. */
export const DEFAULT_QUEUE_TIME = 7 * 86400;
/** Clocks differ, and a submission takes a moment; no allocation is waited for longer. Seconds. */
const [LEAST_QUEUE_TIME, MOST_QUEUE_TIME] = [600, 60 * 86400];

/** How long the token of a submission is good for: while it waits and while it runs. Seconds. */
export function tokenLifetime(walltime: number, queueTime = DEFAULT_QUEUE_TIME): number {
  return walltime + Math.min(MOST_QUEUE_TIME, Math.max(LEAST_QUEUE_TIME, queueTime));
}

/**
 * Makes a token for one submission. Secret.
 * @param dir the pool's
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

/** Makes tokens good for nothing, at once. @param ids `old` among them: what an older scailfin gave all glide-ins alike */
export async function revokeTokens(host: Host, dir: string, ids: readonly string[]): Promise<void> {
  const script = ['token-revoked', 'token-revoke'].map(name => templateText(`headnode/${name}.sh`)).join('\n');
  await runScript(host, script, [dir, ...ids], { timeoutMs: 120_000 });
}

/** All tokens that were ever made for the pool in `dir`, oldest first. */
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
