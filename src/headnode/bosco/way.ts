import { ScailfinError } from '../../errors.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { templateText } from '../../templates.js';
import type { Headnode } from '../component.js';
import { forget, letIn, type OwnKey, onlyRuns } from '../ownkey.js';
import { type BoscoPlan, growthDir } from './bosco-plan.js';
import { wayFiles } from './files.js';

/**
 * Decides how the headnode logs in to the site without a person: not at all if it is the site's login node; with its
 * user's own login if that asks no questions; otherwise with the cluster's own key, which can only talk to blahpd.
 * @throws ScailfinError with the site's message if none of these works; then nothing was submitted
 */
export async function settleWay(at: Headnode, plan: BoscoPlan): Promise<void> {
  const own = growthDir(at.dir, plan.site);
  const { login } = plan;
  if (login && login.hostKeys.length === 0) {
    throw new ScailfinError(
      `this machine's known_hosts has no key of ${login.host}, so ${at.host.name} could not know it`,
      {
        hint: `connect to it once by its name: ssh ${login.user}@${login.host} true; or submit directly: --submit direct`,
      },
    );
  }
  await at.host.put(wayFiles(at.dir, plan, login, false));
  const first = await attempt(at, own);
  if (first === undefined) {
    if (login) await runScript(at.host, templateText('bosco/login.sh'), [own, 'there']);
    return;
  }
  if (!login)
    throw new ScailfinError(`blahpd does not run on ${plan.host.name}: ${first}`, {
      hint: 'submit directly: --submit direct',
    });
  const made = await runScript(at.host, templateText('bosco/login.sh'), [own, 'own']);
  const key = keyValues(made.stdout).get('key')?.[0] ?? '';
  const command = ['bash', '--norc', `${plan.siteDir}/bosco/blahpd.sh`];
  await letIn(plan.host, ownKey(plan), onlyRuns(command), key, noKey);
  await at.host.put(wayFiles(at.dir, plan, login, true));
  const second = await attempt(at, own);
  if (second === undefined) return;
  await forget(plan.host, ownKey(plan));
  throw refused(at, plan, second);
}

const ownKey = ({ siteDir }: BoscoPlan): OwnKey => ({ dir: siteDir, mark: 'scailfin' });
const noKey = 'submit directly: --submit direct; or run the pool on the login node: --headnode login';

/** @returns why blahpd does not answer; undefined if it does */
async function attempt(at: Headnode, own: string): Promise<string | undefined> {
  const out = await runScript(at.host, templateText('bosco/try.sh'), [own], { check: false, timeoutMs: 75_000 });
  if (out.exitCode === 0) return undefined;
  const lines = out.stderr.split('\n').flatMap(line => line.trim() || []);
  return lines.join('; ') || 'there was no error message';
}

function refused(at: Headnode, { login, site }: BoscoPlan, said: string): ScailfinError {
  const more = /permission denied/i.test(said)
    ? ' The site may need more than a key at each login, such as a one-time code.'
    : '';
  return new ScailfinError(
    `${at.host.name} can't log in to ${login?.user}@${login?.host} (${site}) without a person, not even with the cluster's own key: ${said}.${more}`,
    {
      hint: "nothing was submitted. Submit directly, while you are logged in: --submit direct; or run the pool on the site's login node, which needs no login: --headnode login",
    },
  );
}
