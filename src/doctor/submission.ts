import { placeOf } from '../cluster/context.js';
import { planSite, type SiteSpec } from '../cluster/spec.js';
import { batchJob } from '../cluster/steps/glideins.js';
import { UsageError } from '../errors.js';
import { runBatch } from '../schedulers/programs.js';
import type { QueueInfo, Survey } from '../schedulers/survey.js';
import { flagDuration, nameAtSite } from '../sites/limits.js';
import { profileFile } from './patient.js';
import { type Context, type Finding, failed, ok, type Stage, warning } from './stage.js';

/**
 * The request that `up` would make is within the profile's limits, and the batch system would accept it. Nothing is
 * submitted.
 */
export const submission: Stage = {
  id: 'submission',
  title: 'Account and queue',

  async run(context) {
    const { facts } = context;
    const { survey } = facts.get('batch').scheduler;
    let spec: SiteSpec;
    try {
      spec = plan(context);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      return beyondProfile(context, error);
    }
    facts.learn({ spec });
    const queue = queueAtSite(spec, facts.get('queues'));
    if (queue === 'unknown') return noQueue(context, spec, survey);
    if (queue && !queue.open)
      return failed(
        `${survey.title} accepts no jobs in queue ${queue.name} now (${queue.word ?? 'closed'})`,
        `choose another: --queue ${openQueues(context).join(', ')}`,
      );
    const said = await trial(context, survey, spec);
    const asked = [
      spec.queue === undefined ? 'no queue named' : `queue ${spec.queue}`,
      spec.account === undefined ? 'your default account' : `account ${spec.account}`,
    ].join(', ');
    const drift = queue && drifted(context, spec, queue);
    return drift ?? ok(`${asked}: ${said}`);
  },
};

function plan({ facts, options, config, patient }: Context): SiteSpec {
  const { account, queue } = options;
  return planSite({ account, queue, nodesPerJob: 1, user: patient.user }, facts.get('profile'), config);
}

/** A QOS is not a partition, so it is not in the list. */
function queueAtSite(spec: SiteSpec, queues: readonly QueueInfo[]): QueueInfo | 'unknown' | undefined {
  if (spec.queue === undefined || queues.length === 0 || spec.profile.scheduler.queueOption === 'qos') return undefined;
  const name = nameAtSite(spec.profile, spec.queue);
  return queues.find(q => q.name === name) ?? 'unknown';
}

/** The default queue comes first. */
function openQueues({ facts }: Context): string[] {
  const open = facts.get('queues').filter(q => q.open);
  return [...open.filter(q => q.default), ...open.filter(q => !q.default)].map(q => q.name);
}

function noQueue(context: Context, spec: SiteSpec, survey: Survey): Finding {
  const names = openQueues(context);
  const place = context.patient.site ? `; correct "queues" in ${profileFile(context.patient)}` : '';
  return failed(
    `${survey.title} has no queue ${spec.queue && nameAtSite(spec.profile, spec.queue)}; it has ${names.join(', ')}`,
    `choose one of them, such as --queue ${names[0] ?? 'NAME'}${place}`,
  );
}

/** If the site has a queue that the profile lacks, the profile needs a line. */
function beyondProfile(context: Context, error: UsageError): Finding {
  const { queue } = context.options;
  const there = context.facts.get('queues').find(q => q.name === queue);
  const { site } = context.patient;
  if (there && site && !Object.hasOwn(site.profile.queues, there.name)) {
    const walltime = there.walltime === undefined ? '' : ` walltime: ${flagDuration(there.walltime)} `;
    return failed(
      `the site has a queue ${there.name}, but its profile does not`,
      `add it under "queues" in ${profileFile(context.patient)}: ${there.name}: {${walltime}}`,
    );
  }
  return failed(error.message, error.hint);
}

/** In the system's own words. @throws SchedulerError if it would refuse */
async function trial({ facts, options }: Context, survey: Survey, spec: SiteSpec): Promise<string> {
  if (!survey.testSubmit)
    return `${survey.title} can't test a job without submitting it${options.deep ? '' : '; --deep submits a short one'}`;
  const { argv, stdin } = survey.testSubmit.command(batchJob(spec, 'check', '/tmp', 1));
  const { scheduler } = facts.get('batch');
  const limits = { timeoutMs: 90_000, ...(stdin === undefined ? {} : { stdin }) };
  const out = await runBatch(facts.get('host'), scheduler, placeOf(spec.profile), argv, limits);
  return survey.testSubmit.parse(out);
}

/** The site's facts about the queue differ from the profile, so that a user of the profile has a disadvantage. */
function drifted({ patient }: Context, spec: SiteSpec, queue: QueueInfo): Finding | undefined {
  const limits = spec.profile.queues[queue.name];
  if (queue.word !== undefined)
    return warning(
      `jobs in queue ${queue.name} are accepted, but its state is: ${queue.word}`,
      'they may wait for a long time; to see why: scailfin status',
    );
  if (limits?.walltime === undefined || queue.walltime === undefined || limits.walltime <= queue.walltime)
    return undefined;
  const [told, real] = [limits.walltime, queue.walltime].map(flagDuration);
  return warning(
    `the profile allows ${told} in queue ${queue.name}, the site ${real}`,
    `write walltime: ${real} for it in ${profileFile(patient)}`,
  );
}
