import { UsageError } from '../../errors.js';
import { render, templateText } from '../../templates.js';
import { directiveLine, directiveValue } from '../directives.js';
import type { PilotJob, PilotStatus, Scheduler } from '../scheduler.js';
import { fromHistory, fromQueue, historyAttributes, jsonAds, queueAttributes } from './ads.js';
import { DOWN, GONE, refusal } from './words.js';

/** How many of the newest records of ended jobs are looked through: a busy queue's history has millions. */
const HISTORY = 20_000;

/**
 * HTCondor as a site's own batch system. As with the others, the nodes share the cluster's directory with the login node:
 * with `should_transfer_files = NO`, jobs go only to nodes of the submit machine's FILESYSTEM_DOMAIN.
 */
export const htcondor: Scheduler = {
  name: 'htcondor',

  submit(job) {
    refuseForeign(job);
    const lines = job.directives.map(command);
    const script = render('batch/htcondor', { job, lines, requirements, directiveValue, args, string });
    // a profile that speaks of the domain itself knows better
    const isKnown = lines.some(line => /FileSystemDomain/i.test(line));
    const check = ['sh', '-c', templateText('batch/htcondor-submit.sh'), 'htcondor-submit'];
    return { argv: isKnown ? ['condor_submit', '-terse'] : check, stdin: script, script };
  },

  parseSubmit(out) {
    const id =
      /^(\d+)\.\d+ - \1\.\d+\s*$/m.exec(out.stdout)?.[1] ?? /submitted to cluster (\d+)\.\s*$/m.exec(out.stdout)?.[1];
    if (out.exitCode === 0 && id) return id;
    throw refusal('condor_submit', out);
  },

  list({ tag, user, ids }) {
    const which = ['-constraint', `ScailfinTag =?= ${string(tag)} && Owner =?= ${string(user)}`];
    const queue = { argv: ['condor_q', '-allusers', '-json', '-attributes', queueAttributes, ...which] };
    if (ids.length === 0) return [queue];
    const scan = ['-scanlimit', String(HISTORY)];
    return [queue, { argv: ['condor_history', '-json', '-attributes', historyAttributes, ...scan, ...ids] }];
  },

  parseList([queue, history]) {
    // condor_q ends with 0 in some versions when the schedd did not answer, and says nothing at all where nothing matches
    const live = queue?.exitCode === 0 && !DOWN.test(queue.stderr) ? jsonAds(queue.stdout) : undefined;
    if (!live) throw refusal('condor_q', queue);
    const past = history?.exitCode === 0 ? jsonAds(history.stdout) : [];
    const found = new Map<string, PilotStatus>();
    for (const s of (past ?? []).flatMap(fromHistory)) found.set(s.id, s);
    // what left the queue between the two is over; what is in both came back from the history's side of the same moment
    for (const s of live.flatMap(fromQueue)) if (!found.has(s.id)) found.set(s.id, s);
    return [...found.values()];
  },

  cancel: ids => ({ argv: ['condor_rm', ...ids.map(id => id.replace('_', '.'))] }),

  parseCancel(out) {
    if (out.exitCode === 0) return;
    const said = `${out.stdout}\n${out.stderr}`.split('\n').flatMap(l => l.trim() || []);
    const complaint = said.filter(l => !GONE.test(l) && !/marked for removal/i.test(l));
    if (said.length === 0 || complaint.length > 0)
      throw refusal('condor_rm', { ...out, stdout: '', stderr: complaint.join('\n') });
  },
};

function refuseForeign(job: PilotJob): void {
  if (job.queue !== undefined)
    throw new UsageError('HTCondor has no queues to choose from', {
      hint: 'leave --queue out, or describe it in the profile: queues: {longlunch: {walltime: 2h, directives: [\'+JobFlavour = "longlunch"\']}}',
    });
  if (job.launcher !== 'none')
    throw new UsageError(`HTCondor starts glide-ins without a launcher such as ${job.launcher}`, {
      hint: 'leave the launcher out of the profile',
    });
}

/** A ClassAd string literal. */
function string(value: string): string {
  return `"${value.replaceAll(/["\\]/g, '\\$&')}"`;
}

/** The `arguments` of a submit description in its new syntax: blanks within single quotes, quotes doubled. */
function args(words: readonly string[]): string {
  return words
    .map(word => {
      if (/[\r\n\0]/.test(word))
        throw new UsageError(`the argument ${JSON.stringify(word)} can't go into a submit description`);
      // two of them are another thing's beginning, when a machine is found
      const dollars = (run: string): string =>
        '$$(DOLLARDOLLAR)'.repeat(run.length >> 1) + '$(DOLLAR)'.repeat(run.length & 1);
      const plain = word.replaceAll(/\$+/g, dollars).replaceAll('"', '""');
      return plain !== '' && !/[\s']/.test(plain) ? plain : `'${plain.replaceAll("'", "''")}'`;
    })
    .join(' ');
}

/** A submit command of the profile's: `NAME = VALUE`. Others (`queue`, `include`) would submit twice or run programs here. */
function command(line: string): string {
  const plain = directiveLine(line);
  if (/^(\+|my\.)?[a-z_][\w.]*\s*=[^=]/i.test(plain)) return plain;
  throw new UsageError(`the directive ${JSON.stringify(line)} is no line of a submit description`, {
    hint: 'HTCondor takes NAME = VALUE and +NAME = VALUE',
  });
}

const REQUIREMENTS = /^requirements\s*=\s*/i;

/** Ours and the profile's in one: of two such lines HTCondor takes the last. @returns that line and the others */
function requirements(ours: string, lines: readonly string[]): string[] {
  const [theirs, others] = [lines.filter(l => REQUIREMENTS.test(l)), lines.filter(l => !REQUIREMENTS.test(l))];
  const all = [ours, ...theirs.map(line => line.replace(REQUIREMENTS, ''))];
  return [`requirements = ${all.map(part => `(${part})`).join(' && ')}`, ...others];
}
