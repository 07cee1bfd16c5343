import { combine, urlFinding } from './network.js';
import { profileFile } from './patient.js';
import type { Reach } from './report.js';
import { type Context, type Finding, failed, ok, type Stage, warning } from './stage.js';

/** What the compute node can reach. The pool must be reachable; whether the rest matters depends on the jobs. */
export const nodeNetwork: Stage = {
  id: 'node-network',
  title: 'Network from the node',

  async run(context) {
    const { urls, node } = context.facts.get('found');
    return combine([poolFinding(context), urlFinding(urls, node), ...contradiction(context)]);
  },
};

function poolFinding({ facts, patient }: Context): Finding {
  const { headnode, login, node } = facts.get('found');
  const trial = facts.get('headnode');
  const name = facts.get('profile').name;
  const viaLogin = login.find(r => r.answers);
  const inside = viaLogin ? `${node} reaches the login node (${addressOf(viaLogin.to)})` : undefined;
  if (trial.addresses.length === 0) {
    if (!patient.login) return ok('the pool is on this machine');
    if (inside) return ok(inside);
    return failed(
      `${node} can't reach the login node, where the pool would be: ${inWords(login)}`,
      "set network.loginAddress in the profile to the login node's address as seen from compute nodes, or choose another headnode",
    );
  }
  const reached = headnode.find(r => r.answers);
  const where = trial.kind === 'local' ? 'this machine' : trial.name;
  if (reached) return ok(`${node} reaches ${where} (${reached.to})`);
  const tried = inWords(headnode);
  if (trial.kind === 'host' && /refused/.test(tried))
    return ok(`nothing answers ${node} on ${where} at port ${trial.port}, where no pool may be yet`);
  const use = `scailfin up --site ${name} --headnode login, or set it permanently: scailfin config set sites.${name}.headnode login`;
  return failed(
    `${node} can't reach ${where}, where the pool would be (${tried})`,
    inside
      ? `${inside}: run the pool there: ${use}`
      : `open port ${trial.port} on ${where} for it, or ask the site how compute nodes can reach other hosts`,
  );
}

const inWords = (tries: readonly Reach[]): string => tries.map(r => `${r.to}: ${r.words}`).join('; ');
const addressOf = (to: string): string => to.split(' ')[0] ?? to;

/** The profile says something that is not true. */
function contradiction({ facts, patient }: Context): Finding[] {
  const { urls, headnode } = facts.get('found');
  const isOut = [...urls, ...headnode].some(r => r.answers);
  if (isOut || urls.length === 0 || patient.site?.profile.network.outbound !== true) return [];
  return [
    warning(
      'the profile says that compute nodes can reach the internet',
      `write network: { outbound: false } in ${profileFile(patient)}`,
    ),
  ];
}
