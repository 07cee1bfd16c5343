import { formatDuration, formatMemory } from '../units.js';
import type { Found } from './facts.js';
import { urlsOf } from './network.js';
import { type Answer, askNode } from './nodejob.js';
import { type NodeReport, parseReport } from './report.js';
import { type Context, ok, type Stage } from './stage.js';

/** A short job runs on a compute node, and reports what it finds there. */
export const job: Stage = {
  id: 'job',
  title: 'Job on a compute node',
  cleansUp: true,

  async run(context) {
    const { facts, options, signal, progress } = context;
    const { base, user } = facts.get('probe');
    const answer = await askNode({
      ...{ host: facts.get('host'), scheduler: facts.get('batch').scheduler, spec: facts.get('spec') },
      ...{ base, user, targets: targets(context), timeout: options.timeout, signal, progress },
    });
    const report = parseReport(answer.text);
    const found: Found = {
      ...report,
      work: answer.via === 'directory' ? report.work : report.work === 'same' ? 'other' : report.work,
      job: { id: answer.id, queuedSeconds: answer.queuedSeconds },
      clockSkew: skew(report.now, answer),
    };
    facts.learn({ found });
    return ok(
      `job ${answer.id} began on ${report.node} after ${formatDuration(answer.queuedSeconds)}: ${size(report)}`,
    );
  },
};

/** The addresses that node.sh tries: the headnode, the login node's own sshd, and the URLs. */
function targets(context: Context): string[] {
  const { facts, patient } = context;
  const trial = facts.get('headnode');
  const { addresses, ssh } = facts.get('probe');
  const { loginAddress } = facts.get('profile').network;
  const port = patient.login ? (facts.get('way').hops.at(-1)?.port ?? 22) : 22;
  // the address by which this machine came is the outer one: compute nodes more likely know another one
  const inner = [...addresses.filter(a => a !== ssh?.server), ...addresses];
  const logins = patient.login ? [...new Set([...(loginAddress ? [loginAddress] : []), ...inner])].slice(0, 4) : [];
  return [
    ...[String(trial.port), trial.addresses.slice(0, 4).join(','), String(port), logins.join(',')],
    ...urlsOf(context).slice(0, 4),
  ];
}

/** Whole seconds beyond the uncertainty of the time between two queries. */
function skew(now: number, { began }: Answer): number {
  if (now < began.notBefore) return now - began.notBefore;
  return now > began.notAfter ? now - began.notAfter : 0;
}

/** `given 8 cores, 15.6 GiB of 2 cores, 23.5 GiB` */
function size({ allocation, machine, gpus, system }: NodeReport): string {
  const amount = (cores: number | undefined, memory: number | undefined): string =>
    [...(cores ? [`${cores} core${cores === 1 ? '' : 's'}`] : []), ...(memory ? [formatMemory(memory)] : [])].join(
      ', ',
    );
  const given = amount(allocation.cores, allocation.memory);
  const has = amount(machine.cores, machine.memory);
  const graphics = gpus.length === 0 ? '' : `, ${gpus.length} GPU${gpus.length === 1 ? '' : 's'} (${gpus[0]})`;
  return `${given === '' ? '' : `it was given ${given}; `}the machine has ${has}${graphics}, ${system.os || system.kernel}`;
}
