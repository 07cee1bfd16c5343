import { keyValues, runScript } from '../hosts/script.js';
import { templateText } from '../templates.js';
import type { HeadnodeTrial } from './facts.js';
import { headnodeTrial } from './headnode.js';
import { type Context, type Finding, ok, type Stage, warning } from './stage.js';
import { type UrlAnswer, urlAnswer } from './urls.js';

/** Hosts from which steps and glide-ins commonly fetch; config.yaml can list those that a user needs. */
const USUAL = ['https://registry-1.docker.io/v2/', 'https://github.com'];

export const urlsOf = ({ config }: Context): readonly string[] => config.probeUrls ?? USUAL;

/** What the login node can reach: the pool's headnode and some web servers. Not every site needs them. */
export const network: Stage = {
  id: 'network',
  title: 'Network from the login node',

  async run(context) {
    const { facts } = context;
    const host = facts.get('host');
    const trial = await headnodeTrial(context);
    facts.learn({ headnode: trial });
    const [reach, urls] = await Promise.all([
      trial.addresses.length === 0
        ? undefined
        : runScript(host, templateText('site/reach.sh'), [String(trial.port), ...trial.addresses], { check: false }),
      runScript(host, templateText('site/urls.sh'), urlsOf(context), { timeoutMs: 90_000 }),
    ]);
    const answers = (keyValues(urls.stdout).get('url') ?? []).map(urlAnswer);
    return combine([headnodeFinding(context, trial, reach?.stdout), urlFinding(answers, 'the login node')]);
  },
};

function headnodeFinding(context: Context, trial: HeadnodeTrial, said: string | undefined): Finding {
  if (!context.patient.login) return ok('the pool is on this machine');
  if (said === undefined) return ok('the pool would be on the login node itself');
  const reached = keyValues(said).get('reached')?.[0];
  const here = trial.kind === 'local';
  const where = here ? 'this machine' : trial.name;
  if (reached !== undefined) return ok(`it reaches ${where} at ${reached} port ${trial.port}`);
  if (!here && /refused/.test(said))
    return ok(`nothing answers on ${where} at port ${trial.port}, where no pool may be yet`);
  const tried = said.trim().split('\n').join('; ');
  const set = `scailfin config set sites.${context.facts.get('profile').name}.headnode login`;
  return warning(
    `it can't reach ${where}, where the pool would be (${tried})`,
    `a relay on the login node can carry the pool's traffic: \`scailfin up\` uses one by itself then; or open port ${trial.port} there, or run the pool on the login node: --headnode login, or set it permanently: ${set}`,
  );
}

/** @param who the host that tried to reach them */
export function urlFinding(answers: readonly UrlAnswer[], who: string): Finding {
  const bad = answers.filter(a => !a.answers);
  const good = answers.filter(a => a.answers).map(a => a.url);
  if (bad.length === 0)
    return ok(good.length === 0 ? 'no URL to try' : `${good.join(', ')} answer${good.length === 1 ? 's' : ''}`);
  const said = bad.map(a => `${a.url}: ${a.words || 'no answer'}`).join('; ');
  return warning(
    good.length === 0 ? `nothing outside answers (${said})` : `${good.join(', ')} answer, but ${said}`,
    `copy what jobs need from there to ${who === 'the login node' ? 'the site' : 'a shared directory'} in advance; to choose the URLs of this check: scailfin config set probeUrls '[URL, URL]'`,
  );
}

/** Combines several findings: the worst status counts, and each is reported. */
export function combine(findings: readonly Finding[]): Finding {
  const worst = (['failed', 'warning'] as const).find(status => findings.some(f => f.status === status)) ?? 'ok';
  const hints = findings.flatMap(f => (f.status === worst && f.hint !== undefined ? [f.hint] : []));
  return {
    ...{ status: worst, detail: findings.map(f => f.detail).join('; ') },
    ...(hints.length === 0 ? {} : { hint: hints.join('; ') }),
  };
}
