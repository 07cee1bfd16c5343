import { simpleCommands } from '../commandline.js';
import type { BatchJobStatus, Output } from '../job.js';
import type { Reader, Understanding, UnderstoodJob } from '../understanding.js';
import { type Ad, fromHistory, fromQueue, identity, jsonAds } from './ads.js';
import { batchJobs, formattedAds, longAds, tableJobs, xmlAds } from './text.js';
import { DOWN, words } from './words.js';

type Kind = Understanding['kind'];
type Answer = Omit<Understanding, 'kind'>;

const KINDS: Record<string, Kind> = {
  condor_submit: 'submit',
  condor_submit_dag: 'submit',
  condor_q: 'list',
  condor_history: 'list',
  condor_rm: 'cancel',
  condor_hold: 'hold',
  condor_release: 'hold',
  condor_suspend: 'hold',
  condor_continue: 'hold',
  condor_status: 'nodes',
  condor_version: 'version',
};

/** Reads the answer of any command of HTCondor. */
export const read: Reader = (command, out) => {
  const [program, ...args] = condorCommand(command);
  const kind = program === undefined ? 'other' : kindOf(program, args);
  if (program === undefined) return { kind, jobs: [] };
  try {
    return { kind, ...understand(kind, program, args, out) };
  } catch (error) {
    if (error instanceof NotUnderstood) return { kind, jobs: [], error: error.message };
    throw error;
  }
};

class NotUnderstood extends Error {
  constructor(out: Output, what = 'not understood') {
    super(`${what} (status ${out.exitCode ?? 'none'})`);
  }
}

/** The last HTCondor program of the line, without its directory and without words before it, and its arguments. */
function condorCommand(line: string): string[] {
  const found = simpleCommands(line).flatMap(parts => {
    const at = parts.findIndex(word => /^(\S*\/)?condor_\w+$/.test(word));
    return at < 0 ? [] : [[parts[at]?.split('/').at(-1) as string, ...parts.slice(at + 1)]];
  });
  return found.at(-1) ?? [];
}

function kindOf(program: string, args: readonly string[]): Kind {
  if (has(args, 'version', 4)) return 'version';
  if (has(args, 'help', 1)) return 'other';
  if (program === 'condor_status' && args.some(a => DAEMONS.test(a))) return 'other';
  return Object.hasOwn(KINDS, program) ? (KINDS[program] as Kind) : 'other';
}

const DAEMONS = /^-(sched|subm|mast|coll|nego|any|acco|gri|stor|lice|had|gen)/;

/** Options may be shortened, and may have more text after a colon: `-af:j`. @param least the fewest letters */
function has(args: readonly string[], option: string, least: number): boolean {
  return args.some(arg => {
    const name = /^--?([a-z-]+)(:.*)?$/i.exec(arg)?.[1];
    return name !== undefined && name.length >= least && option.startsWith(name.toLowerCase());
  });
}

function understand(kind: Kind, program: string, args: readonly string[], out: Output): Answer {
  if (kind === 'submit') return submitted(args, out);
  if (kind === 'cancel' || kind === 'hold') return touched(kind, out);
  // some versions exit with 0 although nobody answered
  if (out.exitCode !== 0 || DOWN.test(out.stderr)) return failure(out);
  if (kind === 'version' && !/^\$CondorVersion: \d/m.test(out.stdout)) throw new NotUnderstood(out);
  if (out.stdout !== '' && !out.stdout.endsWith('\n')) throw new NotUnderstood(out, 'cut short or garbled');
  return { jobs: kind === 'list' ? listed(program, args, out) : [] };
}

function failure(out: Output): Answer {
  const said = words(out);
  if (!said) throw new NotUnderstood(out, 'no answer');
  return { jobs: [], error: said };
}

/** `3.0 - 3.2` for each cluster of jobs, or sentences. */
function submitted(args: readonly string[], out: Output): Answer {
  const ids = [...out.stdout.matchAll(/^(\d+)\.\d+ - \1\.\d+\s*$|submitted to cluster (\d+)\.\s*$/gm)];
  const jobs = [...new Set(ids.map(m => (m[1] ?? m[2]) as string))].map(id => ({ id }));
  if (out.exitCode === 0 && (jobs.length > 0 || has(args, 'dry-run', 3))) return { jobs };
  return failure(out.exitCode === 0 ? { ...out, stdout: '' } : out);
}

const TOUCHED =
  /^(?:Job (\d+)\.(\d+)|All jobs (?:in cluster (\d+)|matching constraint .*|of user ".*")|All jobs|Cluster (\d+)) (?:has been |have been )?(marked for removal|held|released|suspended|continued)\.?$/;

/**
 * A line for each job or cluster of jobs; a list of clusters is reported as a constraint, which some of them may not have
 * met.
 */
function touched(kind: Kind, out: Output): Answer {
  const lines = `${out.stdout}\n${out.stderr}`.split('\n').flatMap(line => line.trim() || []);
  const found = lines.flatMap(line => TOUCHED.exec(line) ?? []).length;
  const jobs = lines.flatMap((line): UnderstoodJob[] => {
    const [, cluster, proc, whole, other, done = ''] = TOUCHED.exec(line) ?? [];
    const id = cluster === undefined ? (whole ?? other) : `${cluster}_${proc}`;
    if (id === undefined) return [];
    const state = kind === 'cancel' ? 'completing' : /held|suspended/.test(done) ? 'held' : undefined;
    return [{ id, ...(state ? { state } : {}) }];
  });
  const complaints = lines.filter(line => !TOUCHED.test(line));
  if (out.exitCode === 0 && found > 0 && complaints.length === 0) return { jobs };
  return { ...failure({ ...out, stdout: '', stderr: complaints.join('\n') }), jobs };
}

function listed(program: string, args: readonly string[], out: Output): UnderstoodJob[] {
  const past = program === 'condor_history';
  const { stdout } = out;
  const ads = adsOf(args, out);
  if (ads) return ads.flatMap(ad => fromAd(ad, past));
  if (has(args, 'totals', 3) || has(args, 'analyze', 3) || has(args, 'better-analyze', 3)) {
    if (/^(Total for |-- Schedd|No successful match)/m.test(stdout)) return [];
  } else if (/^[ \t]*ID[ \t]+OWNER/m.test(stdout)) return tableJobs(stdout, past);
  else if (/^OWNER\s+BATCH_NAME/m.test(stdout)) return batchJobs(stdout);
  throw new NotUnderstood(out);
}

/** The ads, if the command asked for ClassAds. @returns undefined if it asked for a table */
function adsOf(args: readonly string[], out: Output): Ad[] | undefined {
  const { stdout } = out;
  let ads: Ad[] | undefined;
  if (has(args, 'json', 2)) ads = jsonAds(stdout);
  else if (has(args, 'xml', 3)) ads = stdout.trim() === '' ? [] : xmlAds(stdout);
  else if (has(args, 'long', 1)) ads = longAds(stdout);
  else if (has(args, 'af', 2) || has(args, 'autoformat', 5)) ads = formattedAds(stdout, args);
  else return undefined;
  if (!ads) throw new NotUnderstood(out, 'cut short or garbled');
  return ads;
}

/** The adapter's result; a job is returned even if its state was not asked for. */
function fromAd(ad: Ad, past: boolean): UnderstoodJob[] {
  const ids = identity(ad);
  if (!ids) return [];
  if (ad.JobStatus === undefined) return [{ id: ids.id }];
  return (past ? fromHistory(ad) : fromQueue(ad)).map(understood);
}

const understood = ({ id, state, word, reason, exitCode }: BatchJobStatus): UnderstoodJob => ({
  ...{ id, state, word },
  ...(exitCode === undefined ? {} : { exit: exitCode }),
  ...(reason ? { reason } : {}),
});
