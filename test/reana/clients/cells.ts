import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { TestEdge, token } from '../edge/edges.js';
import { Forks, type Said } from '../edge/forks.js';
import { made, prepare, trials } from './trials.js';

/** What became of a verb: `works`, `absent` where this version has no such verb, or `refused` with the client's words. */
export type Cell =
  | { readonly is: 'works' }
  | { readonly is: 'absent' }
  | { readonly is: 'refused' | 'wrong'; readonly words: string };

/** The verbs that a client lists in its help. */
const verbsIn = (help: string): string[] =>
  [...help.matchAll(/^ {2}([a-z][a-z-]+) {2,}\S/gm)].map(([, verb = '']) => verb);

/**
 * Runs each verb of a real client against an edge of its own.
 * @param program reana-client's path @throws Error for a verb that has no trial
 */
export async function cellsOf(program: string): Promise<ReadonlyMap<string, Cell>> {
  const forks = new Forks(program);
  const edge = await TestEdge.open();
  const cwd = await mkdtemp(join(tmpdir(), 'scailfin-clients-'));
  const cells = new Map<string, Cell>();
  try {
    const owner = edge.as(token);
    await prepare(edge, owner, cwd);
    const verbs = verbsIn((await forks.run(cwd, {}, ['--help'])).out);
    const untried = verbs.filter(verb => !(verb in trials) && verb !== 'help');
    if (untried.length > 0) throw new Error(`test/reana/clients/trials.ts has no trial of ${untried.join(', ')}`);
    const client = await clientOf(forks, cwd, edge.url, verbs);
    for (const [verb, trial] of Object.entries(trials)) {
      if (!verbs.includes(verb)) {
        cells.set(verb, { is: 'absent' });
        continue;
      }
      const run = trial.run ? await made(owner, verb, trial.run) : '';
      const { exitCode, out } = await client(trial.args(run, edge.url));
      if (exitCode !== 0) cells.set(verb, { is: 'refused', words: wordsOf(out, cwd) });
      else if (!trial.says.test(out)) cells.set(verb, { is: 'wrong', words: wordsOf(out, cwd) });
      else if (trial.after && !(await trial.after(owner, run)))
        cells.set(verb, { is: 'wrong', words: 'nothing happened' });
      else cells.set(verb, { is: 'works' });
    }
    return cells;
  } finally {
    forks.close();
    await edge.close();
    await rm(cwd, { recursive: true, force: true });
  }
}

/** The verbs that ask no server for anything that needs a token. */
const local = ['version', 'login', 'logout', 'server-add', 'server-list', 'server-use', 'server-remove'];

/**
 * A client that knows the edge and its token: from the environment, or, as since 0.95.0a5, from a list of servers in its home and
 * from an option.
 */
async function clientOf(
  forks: Forks,
  cwd: string,
  url: string,
  verbs: readonly string[],
): Promise<(args: readonly string[]) => Promise<Said>> {
  if (!verbs.includes('server-use')) {
    return args => forks.run(cwd, { REANA_SERVER_URL: url, REANA_ACCESS_TOKEN: token }, args);
  }
  for (const verb of ['server-add', 'server-use']) await forks.run(cwd, {}, [verb, url]);
  return ([verb = '', ...args]) => forks.run(cwd, {}, [verb, ...(local.includes(verb) ? [] : ['-t', token]), ...args]);
}

/** What is said from the error on, in one line, without what differs from run to run. */
function wordsOf(out: string, cwd: string): string {
  const at = out.search(/==> ERROR:|Error:/);
  return out
    .slice(Math.max(0, at))
    .replace(/^==> /, '')
    .replaceAll(`${cwd}/`, '')
    .replaceAll(/http:\/\/127\.0\.0\.1:\d+/g, 'URL')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
