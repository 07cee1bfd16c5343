import { scailfin } from '../cluster/helpers/cluster.js';
import type { Lab } from '../lab/lab.js';
import { measureRun, measureTransfers, type Transfer } from './reana-files.js';
import { type Latencies, type Moved, type Rates, Steps, type Taken, type Way } from './reana-steps.js';
import { median, ms, ratio, seconds, table } from './report.js';

export interface Reana {
  readonly latencies: Latencies;
  readonly rates: readonly Rates[];
  readonly moved: readonly Moved[];
  readonly run: { readonly steps: number; readonly msEach: number };
  readonly transfers: readonly Transfer[];
}

export interface ReanaPlan {
  /** One after the other, of each kind. */
  readonly steps: number;
  /** Of what takes longer. */
  readonly rounds: number;
}

/** What a step may cost more than a bare job, in ms. */
const goal = 1000;
/** What many steps at once may take, in the time of as many bare jobs. */
const rateGoal = 1.5;
const runSteps = 10;

/** On a cluster of two glide-ins from the headnode: its step service alone first, then the whole edge. */
export async function measureReana(
  lab: Lab,
  plan: ReanaPlan,
  say: (text: string) => void,
  cpuMs?: () => number | undefined,
): Promise<Reana> {
  const up = ['up', '--site', 'lab-slurm', '--nodes', '2', '--walltime', '2h'];
  await scailfin(lab, 'headnode', up);
  const steps = await Steps.start(lab, cpuMs);
  const latencies = await steps.latencies(plan.steps);
  say(`a bare job ${seconds(median(latencies.bare.all))}, a step ${seconds(median(latencies.next.all))}`);
  const rates: Rates[] = [];
  for (let round = 0; round < plan.rounds; round++) rates.push(await steps.rates(200));
  say(
    `200 bare jobs ${rates.map(r => seconds(r.bare.ms)).join(', ')}, 200 steps ${rates.map(r => seconds(r.steps.ms)).join(', ')}`,
  );
  const moved = await steps.bytes(5);
  await steps.close();
  await scailfin(lab, 'headnode', ['down', 'lab-slurm']);
  await scailfin(lab, 'headnode', [...up, '--framework', 'reana']);
  const run = { steps: runSteps, msEach: await measureRun(lab, runSteps) };
  const transfers = await measureTransfers(lab, plan.rounds);
  await scailfin(lab, 'headnode', ['down', 'lab-slurm', '--yes']);
  return { latencies, rates, moved, run, transfers };
}

export function describeReana({ latencies, rates, moved, run, transfers }: Reana): string {
  return [
    describeLatencies(latencies),
    `  ${run.steps} such steps one after the other by \`scailfin run\`: ${seconds(run.msEach)} each`,
    describeRates(rates),
    describeMoved(moved),
    describeTransfers(transfers),
  ].join('\n\n');
}

function describeLatencies({ bare, first, next, contained, wrapper }: Latencies): string {
  const row = (what: string, { all, ran }: Way): string[] => {
    const added = median(all) - median(bare.all);
    const verdict =
      all === bare.all ? ['', '', ''] : [seconds(added), seconds(median(ran) - median(bare.ran)), met(added)];
    return [what, seconds(median(all)), seconds(Math.max(...all)), seconds(median(ran)), ...verdict];
  };
  const rows = [
    ...[row('bare condor_submit', bare), row('step', first), row('the next step', next)],
    row('the next step, in a container', contained),
  ];
  const heads = ['', 'median', 'worst', 'on the node', 'added', 'on the node', ''];
  return `A step of \`true\`, from submitting to knowing what came out (median of ${bare.all.length}, goal: ≤ ${seconds(goal)} added)
${table([heads, ...rows])}
  bare: no container; its end is learnt from HTCondor's log by a loop. on the node: from the start of the job there,
  without the wait to be matched. next: the node of the step before is kept for it.
  Of a step in a container the wrapper itself takes ${seconds(median(wrapper))}.`;
}

const met = (added: number): string => (added <= goal ? 'met' : 'missed');

function describeRates(rates: readonly Rates[]): string {
  const perMinute = ({ ms }: Taken, jobs: number): string => ((jobs * 60_000) / ms).toFixed(0);
  const each = ({ cpuMs }: Taken, jobs: number): string => (cpuMs === undefined ? '-' : ms(cpuMs / jobs));
  const rows = rates.map(({ jobs, bare, steps }) => [
    ...[String(jobs), perMinute(bare, jobs), perMinute(steps, jobs), ratio(steps.ms, bare.ms)],
    ...[each(bare, jobs), each(steps, jobs)],
    bare.cpuMs === undefined || steps.cpuMs === undefined ? '-' : ratio(steps.cpuMs, bare.cpuMs),
  ]);
  const heads = ['', 'bare jobs', 'steps', `time (goal ≤ ${rateGoal}×)`, 'CPU of a job', 'of a step', ''];
  return `Trivial steps at once, per minute\n${table([heads, ...rows])}
  CPU: what each uses of all processors, on all hosts together. What else the machine does changes it little.`;
}

function describeMoved(moved: readonly Moved[]): string {
  const mb = (bytes: number): string => (bytes / 1e6).toFixed(1);
  const rows = moved.map(m => [
    ...[m.node, mb(m.workspace), mb(m.fetched), mb(m.returned), mb(m.wire), seconds(m.ms)],
    ...[ratio(m.wire, 2 * m.workspace)],
  ]);
  const heads = ['node', 'workspace', 'fetched', 'returned', 'wire', 'time', 'of all'];
  return `MB moved for each step that changes one MB of a run's 1 GB\n${table([heads, ...rows])}
  wire: all the headnode sent and received meanwhile; of all: beside the workspace going there and back, as it would
  without the node's cache.`;
}

function describeTransfers(transfers: readonly Transfer[]): string {
  const reference = median(transfers.find(t => t.what === 'cp')?.rates ?? []);
  const rows = transfers.map(({ what, rates, peakMib }) => [
    ...[
      what,
      median(rates).toFixed(0),
      ratio(median(rates), reference),
      peakMib === undefined ? '' : peakMib.toFixed(0),
    ],
  ]);
  return `A file of 1 GB through the edge on the headnode\n${table([['', 'MB/s', 'of cp', "edge's peak MiB"], ...rows])}`;
}
