import { combine, urlFinding } from './network.js';
import { outboundOf } from './outbound.js';
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

function poolFinding(context: Context): Finding {
  const { facts, patient } = context;
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
  if (inside && usesRelay(context))
    return ok(
      `${node} can't reach ${where}, so a relay on the login node, which it reaches (${addressOf(viaLogin?.to ?? '')}), will carry the pool's traffic`,
    );
  const use = `scailfin up --site ${name} --headnode login, or set it permanently: scailfin config set sites.${name}.headnode login`;
  return failed(
    `${node} can't reach ${where}, where the pool would be (${tried})`,
    inside
      ? `${inside}: let a relay there carry the pool's traffic: scailfin up --site ${name} --relay; or run the pool there: ${use}`
      : `open port ${trial.port} on ${where} for it, or ask the site how compute nodes can reach other hosts`,
  );
}

/** Whether `up` will use a relay by itself, from now on. */
function usesRelay({ facts, patient, config }: Context): boolean {
  const { name } = facts.get('profile');
  const asked = config.sites[name]?.relay;
  if (asked !== undefined) return asked;
  return (patient.site?.profile.network.outbound ?? outboundOf(facts.get('found'))) === false;
}

const inWords = (tries: readonly Reach[]): string => tries.map(r => `${r.to}: ${r.words}`).join('; ');
const addressOf = (to: string): string => to.split(' ')[0] ?? to;

/** The profile says something that is not true. */
function contradiction({ facts, patient }: Context): Finding[] {
  const { urls, headnode } = facts.get('found');
  if (outboundOf({ urls, headnode }) !== false || patient.site?.profile.network.outbound !== true) return [];
  return [
    warning(
      'the profile says that compute nodes can reach the internet',
      `write network: { outbound: false } in ${profileFile(patient)}`,
    ),
  ];
}
