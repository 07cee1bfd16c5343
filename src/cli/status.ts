import type { Command } from 'commander';
import type { GlideinStatus, SiteJob } from '../cluster/glideins.js';
import { hoursText } from '../cluster/nodehours.js';
import type { Refusal } from '../cluster/refusals.js';
import type { RelayStatus } from '../cluster/relaystatus.js';
import type { ClusterStatus } from '../cluster/status.js';
import type { Transport } from '../hosts/target.js';
import type { Growth } from '../htcondor/growth.js';
import { inLine, printable } from '../printable.js';
import { isOver } from '../schedulers/job.js';
import { append } from '../text.js';
import { formatDuration } from '../units.js';
import { jsonOption, transportOption } from './options.js';
import { table } from './table.js';
import type { Ui } from './ui.js';

export function register(program: Command, ui: Ui): void {
  program
    .command('status')
    .description('show what a cluster is doing, from the scheduler and the pool')
    .argument('[name]', 'the cluster; default: the only one')
    .option('--watch', 'repeat until Ctrl-C')
    .addOption(transportOption())
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: { watch?: boolean; transport?: Transport }) => {
      const [{ pickRecord, withCluster }, { clusterStatus }] = await Promise.all([
        import('./session.js'),
        import('../cluster/status.js'),
      ]);
      const { Journal } = await import('../cluster/journal.js');
      const picked = pickRecord(name);
      await withCluster(ui, picked.name, flags, async ({ connections }) => {
        for (;;) {
          const record = Journal.open(picked.name).record ?? picked;
          const status = await clusterStatus(record, connections);
          if (ui.json) ui.printJson(status, flags.watch ? 0 : 2);
          else {
            if (flags.watch) ui.clear();
            ui.print(describeStatus(status));
          }
          if (!flags.watch) {
            // a script must not take what could not be asked for an answer
            if (status.state === 'unknown') process.exitCode = 1;
            return;
          }
          await new Promise(resolve => setTimeout(resolve, 5000));
        }
      });
    });
}

/** A status in the form that a person reads. */
export function describeStatus(status: ClusterStatus): string {
  const { headnode, slots, jobs } = status;
  const lines = [`${status.name}: ${status.state}. ${inLine(status.reason)}`];
  if (headnode.host)
    lines.push(`  headnode  ${headnode.kind} (${headnode.host}, ${headnode.address}), pool ${headnode.pool}`);
  if (headnode.unfenced !== undefined)
    lines.push('            no fence: compute nodes can reach all files of your account there');
  if (headnode.error) lines.push(`            ${firstLine(headnode.error)}`);
  if (slots) lines.push(`  slots     ${slots.total} cores: ${slots.busy} busy, ${slots.idle} idle`);
  if (jobs) lines.push(`  jobs      ${jobs.total}: ${jobs.idle} idle, ${jobs.running} running, ${jobs.held} held`);
  for (const { name, idle, running, held } of status.people ?? [])
    lines.push(`            ${name ?? 'you'}: ${idle} idle, ${running} running${held === 0 ? '' : `, ${held} held`}`);
  const { bound } = status.nodeHours;
  if (status.sites.length > 0)
    lines.push(`  hours     ${hoursText(status.nodeHours)} used; ${bound.toFixed(2)} more at most by its jobs`);
  for (const { name, flavour, state, port, parts } of status.frameworks)
    lines.push(
      `  ${name.padEnd(9)} ${flavour === undefined ? '' : `${flavour} `}${state}${port === 0 ? '' : `, port ${port} of ${headnode.host} (loopback)`}`,
      ...(parts ?? []).map(p => `    ${p.name.padEnd(24)} ${p.state}${p.reason ? `: ${inLine(p.reason)}` : ''}`),
    );
  lines.push(...strangerLines(status).map(l => `  ${l}`));
  for (const c of status.credentials) {
    const when = c.secondsLeft > 0 ? `lasts ${formatDuration(c.secondsLeft)}` : (c.problem ?? 'has ended');
    lines.push(`  ${c.what} ${when}; needed ${c.need}`);
  }
  for (const site of status.sites) {
    const n = site.glideins.filter(g => !isOver(g.state)).length;
    const limit = site.maxNodeHours === undefined ? '' : `, limit ${site.maxNodeHours} node-hours`;
    lines.push(
      `  ${site.site}: ${n} of ${site.growth ? `${site.growth.min} to ` : ''}${site.wanted} glide-ins${limit}`,
    );
    if (site.relay) lines.push(...relayLines(site.relay).map(l => `    ${l}`));
    if (site.growth) lines.push(...growthLines(site.growth).map(l => `    ${l}`));
    if (site.error) lines.push(`    unknown: ${firstLine(site.error)}`);
    lines.push(...refusalLines(site.refused ?? []).map(l => `    ${l}`));
    if (site.glideins.length === 0) continue;
    const rows = [['JOB', 'STATE', 'SCHEDULER SAYS', 'NODE', 'LEFT', 'POOL', 'CORES BUSY'], ...site.glideins.map(row)];
    lines.push(...site.batchJobs.flatMap(job => incomplete(job, site.glideins)).map(l => `    ${l}`));
    lines.push(
      ...table(rows)
        .split('\n')
        .map(l => `    ${l}`),
    );
  }
  return lines.join('\n');
}

/** Machines in the pool that should not be there, and what to do about them. */
function strangerLines({ name, strangers }: ClusterStatus): string[] {
  if (strangers.length === 0) return [];
  const n = strangers.length;
  const tokens = [...new Set(strangers.flatMap(s => (s.revoked ? [] : [s.token])))];
  return [
    `warning: ${n === 1 ? 'a machine is' : `${n} machines are`} in the pool that no batch job of this cluster accounts for:`,
    ...strangers.slice(0, 10).map(s => `  ${oneLine(s.name)}, ${s.cores} cores: ${oneLine(s.why)}`),
    ...(n > 10 ? [`  and ${n - 10} more (scailfin status ${name} --json)`] : []),
    ...(tokens.length === 0
      ? ['  it gets no more jobs, and is removed from the pool within a minute']
      : [
          '  it gets jobs with their files. Somebody may have one of your tokens; this revokes it:',
          `  scailfin token revoke ${name} ${tokens.every(Boolean) ? tokens.join(' ') : '--all'}`,
        ]),
  ];
}

/** Nodes that did not pass a check, each check once. */
function refusalLines(refused: readonly Refusal[]): string[] {
  const nodes = new Map<string, Refusal[]>();
  for (const one of refused) append(nodes, one.check, one);
  return [...nodes.values()].slice(0, 5).flatMap(all => {
    const names = [...new Set(all.map(r => r.node))];
    const { reason, hint } = all[0] as Refusal;
    const who = `${names.slice(0, 3).join(', ')}${names.length > 3 ? ` and ${names.length - 3} more` : ''}`;
    return [`${who}: not in the pool, because ${reason}`, ...(hint ? [`→ ${hint}`] : [])];
  });
}

/** How the site's nodes reach the pool. */
function relayLines({ state, since, at, nodes, reason, hint }: RelayStatus): string[] {
  const time = formatDuration(Math.max(0, Math.floor(Date.now() / 1000) - since));
  if (state === 'open') return [`relay open for ${time} at ${at}; ${nodes} node${nodes === 1 ? '' : 's'} connected`];
  if (state === 'unknown') return ['relay unknown'];
  if (state === 'connecting' && !reason) return ['relay connecting'];
  const what = state === 'dead' ? 'nothing on the headnode keeps it open' : 'the headnode connects again by itself';
  return [
    `relay cut off for ${time}: running jobs go on, and wait for it; ${hint && state === 'cut' ? 'it waits for you' : what}`,
    ...(reason ? [inLine(reason)] : []),
    ...(hint ? [`→ ${inLine(hint)}`] : []),
  ];
}

/** The growth of a pool at a site. */
function growthLines({ queued, running, held, waiting, unfit, state, reason, pause, stopped }: Growth): string[] {
  const jobs = `${waiting} job${waiting === 1 ? '' : 's'} wait${waiting === 1 ? 's' : ''} for room`;
  return [
    state === 'alive'
      ? `submitted by BOSCO: ${queued} idle, ${running} running, ${held} held; ${jobs}`
      : 'BOSCO is not running: no glide-ins are submitted',
    ...(unfit > 0 ? [`${unfit} idle job${unfit === 1 ? '' : 's'} can't run on any node of it`] : []),
    ...(reason ? [`${inLine(reason)}${pause > 0 && !stopped ? `; next try in ${formatDuration(pause)}` : ''}`] : []),
  ];
}

/** A job of several nodes that runs, and is only partly in the pool: a node may have died. */
function incomplete(job: SiteJob, glideins: readonly GlideinStatus[]): string[] {
  const { id, nodes, joined, state } = job;
  if (state !== 'running' || joined === undefined || joined === 0 || joined === nodes) return [];
  const missing = glideins.filter(g => g.job === id && !g.joined).flatMap(g => g.node ?? []);
  const names = missing.length > 0 ? `; missing: ${missing.map(oneLine).join(', ')}` : '';
  return [`job ${id} runs with ${joined} of its ${nodes} nodes in the pool${names}`];
}

function row(g: GlideinStatus): string[] {
  const why = g.reason ? ` (${g.reason})` : '';
  const exit = g.exitCode !== undefined && isOver(g.state) ? `, status ${g.exitCode}` : '';
  const joined = isOver(g.state)
    ? '-'
    : g.joined === undefined
      ? 'unknown'
      : g.joined
        ? 'joined'
        : g.silent
          ? `silent ${formatDuration(g.silent)}`
          : 'not joined';
  return [
    ...[g.id, g.state, `${g.word || '-'}${exit}${why}`, g.node ?? '-'],
    ...[
      g.secondsLeft === undefined ? '-' : formatDuration(g.secondsLeft),
      joined,
      g.cores === undefined ? '-' : `${g.busy ?? 0} of ${g.cores}`,
    ],
  ];
}

/** The text comes from a machine that is not trusted. */
const oneLine = (text: string): string => printable(text).replaceAll(/\s+/g, ' ').slice(0, 120);

const firstLine = (text: string): string => text.split('\n')[0] ?? '';
