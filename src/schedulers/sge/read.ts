import type { Output } from '../job.js';
import type { Reader, Understanding, UnderstoodJob } from '../understanding.js';
import { accountRows } from './accounting.js';
import { detailRows, detailTextRows, idsOf, queueRows, type Row, tableRows } from './answers.js';
import { CANCELLED, GONE } from './cancel.js';
import { SUBMITTED } from './submit.js';
import { refusalWords } from './words.js';
import { every } from './xml.js';

type Kind = Understanding['kind'];

export const read: Reader = (command, out) => {
  const [program = '', ...args] = programOf(command);
  if (!Object.hasOwn(readers, program)) return { kind: 'other', jobs: [] };
  if (args.some(a => /^--?(help|version)$/.test(a))) return version(out);
  const { kind, jobs, error } = readers[program as keyof typeof readers](args, out);
  return error === undefined ? { kind, jobs } : { kind, jobs, error };
};

const readers = {
  qsub: submitted,
  qstat: listed,
  qacct: accounted,
  qdel: cancelled,
  qhold: held,
  qrls: held,
  qmod: held,
  qalter: held,
  qresub: submitted,
  qselect: (_: readonly string[], out: Output) => told('queues', out),
  qhost: (args: readonly string[], out: Output) => {
    const jobs = args.includes('-j') && out.exitCode === 0 ? jobsOf(tableRows(out.stdout)) : [];
    return { ...told('nodes', out), jobs };
  },
  qconf: (args: readonly string[], out: Output) => told(subject(args), out),
};

function submitted(_: readonly string[], out: Output): Understanding {
  const ids = [...out.stdout.matchAll(SUBMITTED)].map(m => (m[1] ?? m[2]) as string);
  if (out.exitCode === 0 && ids.length > 0) return { kind: 'submit', jobs: [{ id: ids.at(-1) as string }] };
  if (out.exitCode === 0 && /^verification: /m.test(out.stdout)) return { kind: 'submit', jobs: [] };
  return failure('submit', out);
}

function listed(args: readonly string[], out: Output): Understanding {
  const kind = args.some((a, n) => a === '-g' && args[n + 1]?.startsWith('c')) ? 'queues' : 'list';
  if (out.exitCode !== 0) return failure(kind, out);
  if (args.includes('-xml')) return document(kind, args, out);
  const { stdout } = out;
  if (stdout !== '' && !stdout.endsWith('\n')) return failure(kind, out, CUT);
  if (kind === 'queues') return { kind, jobs: [] };
  if (args.includes('-j')) {
    // without an id it prints facts about the scheduler
    if (stdout === '' || !/^={20,}/m.test(stdout))
      return /^scheduling info/m.test(stdout) ? { kind, jobs: [] } : failure(kind, out);
    return { kind, jobs: jobsOf(detailTextRows(stdout)) };
  }
  const jobs = jobsOf(tableRows(stdout));
  const queues = /^queuename\s/m.test(stdout);
  if (stdout !== '' && jobs.length === 0 && !queues && !/^job-ID\s/im.test(stdout)) return failure(kind, out);
  return { kind: queues && jobs.length === 0 ? 'queues' : kind, jobs };
}

function document(kind: Kind, args: readonly string[], out: Output): Understanding {
  const { root, rows } = queueRows(out.stdout) ?? {};
  if (root === undefined) return failure(kind, out, CUT);
  if (root.name === 'unknown_jobs') {
    const names = [...every(root, 'ST_name')].map(n => n.text.trim());
    return { kind, jobs: [], error: `jobs do not exist: ${names.join(', ')}` };
  }
  if (root.name === 'detailed_job_info') return { kind, jobs: jobsOf(detailRows(root)) };
  if (root.name !== 'job_info' || rows === undefined) return failure(kind, out, `not understood: <${root.name}>`);
  const queues = args.includes('-f') && rows.length === 0;
  return { kind: queues ? 'queues' : kind, jobs: jobsOf(rows) };
}

function accounted(args: readonly string[], out: Output): Understanding {
  if (out.exitCode !== 0) return failure('list', out);
  // without -j it prints sums
  if (!args.includes('-j')) return { kind: 'list', jobs: [] };
  const rows = accountRows(out.stdout);
  if (rows === undefined || (out.stdout !== '' && !out.stdout.endsWith('\n'))) return failure('list', out, CUT);
  if (rows.length === 0) return failure('list', out);
  return { kind: 'list', jobs: jobsOf(rows) };
}

function cancelled(_: readonly string[], out: Output): Understanding {
  const lines = out.stdout.split('\n');
  const jobs = lines.flatMap((line): UnderstoodJob[] => {
    const [, , a, aTask, b, bTask] = CANCELLED.exec(line) ?? [];
    const [job, task] = [a ?? b, aTask ?? bTask];
    if (job === undefined) return [];
    const isDeleted = / has deleted /.test(line);
    return [{ id: task ? `${job}_${task}` : job, state: isDeleted ? 'cancelled' : 'completing' }];
  });
  const other = lines.filter(l => l.trim() !== '' && !CANCELLED.test(l) && !GONE.test(l));
  if (jobs.length > 0 && other.length === 0) return { kind: 'cancel', jobs };
  const failed = failure('cancel', out);
  return { ...failed, jobs };
}

const NAMED = /\bjob(?:-array task)? "?(\d+)(?:\.(\d+))?/;

function held(_: readonly string[], out: Output): Understanding {
  const jobs = out.stdout.split('\n').flatMap((line): UnderstoodJob[] => {
    const [, job, task] = (!GONE.test(line) && NAMED.exec(line)) || [];
    if (job === undefined) return [];
    return [{ id: task ? `${job}_${task}` : job, ...(/ - suspended /.test(line) ? { state: 'held' } : {}) }];
  });
  return out.exitCode === 0 && jobs.length > 0 ? { kind: 'hold', jobs } : failure('hold', out);
}

/** Answers without jobs that are of use here. */
function told(kind: Kind, out: Output): Understanding {
  return out.exitCode === 0 ? { kind, jobs: [] } : failure(kind, out);
}

/** What qconf shows: queues, with things that are requested beside them, or hosts. */
function subject(args: readonly string[]): Kind {
  const option = args.find(a => a.startsWith('-')) ?? '';
  if (/^-s(q|p|prj|cal|ckpt|c|rqs)/.test(option)) return 'queues';
  return /^-s(e|el|h|s|hgrp|elr)/.test(option) ? 'nodes' : 'other';
}

/** The first line of any usage message is the version, whether or not it was asked for. */
function version(out: Output): Understanding {
  const lines = `${out.stdout}\n${out.stderr}`.split('\n');
  const isTold = lines.some(line => /^\S*(SGE|GE|UGE|AGE|Grid Engine)\b/.test(line) && /\d/.test(line));
  return isTold && out.exitCode === 0 ? { kind: 'version', jobs: [] } : failure('version', out);
}

const CUT = 'cut short or garbled';

function failure(kind: Kind, out: Output, otherwise = 'not understood'): Understanding {
  const words = out.exitCode === 0 && otherwise === CUT ? '' : refusalWords(out);
  return { kind, jobs: [], error: words || `${otherwise} (status ${out.exitCode ?? 'none'})` };
}

/** One entry per id; a job on several nodes has a row for each node. */
function jobsOf(rows: readonly Row[]): UnderstoodJob[] {
  const found = new Map<string, UnderstoodJob>();
  for (const row of rows) {
    const { state, word, exit, reason } = row;
    for (const id of idsOf(row))
      found.set(id, {
        id,
        ...(state === undefined ? {} : { state }),
        ...(word === undefined ? {} : { word }),
        ...(exit === undefined ? {} : { exit }),
        ...(reason === undefined ? {} : { reason }),
      });
  }
  return [...found.values()];
}

/**
 * The program at the end of a command line, and its arguments: in `echo x | timeout 60 /opt/sge/bin/qsub -terse` it is
 * qsub.
 */
function programOf(command: string): string[] {
  const words = lastCommand(command);
  for (;;) {
    const [word = ''] = words;
    const name = word.split('/').at(-1) ?? '';
    if (/^\w+=/.test(word) || /^(env|exec|nohup|time|command)$/.test(name)) words.shift();
    else if (name === 'timeout') {
      words.shift();
      while (words[0]?.startsWith('-')) words.shift();
      words.shift();
    } else return words.length === 0 ? [] : [name, ...words.slice(1)];
  }
}

/** The words of the last command in a line, without redirections. */
function lastCommand(command: string): string[] {
  let words: string[] = [];
  for (const [token] of command.matchAll(
    /\|\|?|&&|;|\n|[<>]+&?\d?\s*[^\s;|&]*|(?:'[^']*'|"(?:\\.|[^"\\])*"|\\.|[^\s'"\\|;&<>])+|&/g,
  )) {
    if (/^(\|\|?|&&|;|\n)$/.test(token)) words = [];
    else if (!/^[<>&]/.test(token)) words.push(token.replace(/'([^']*)'|"((?:\\.|[^"\\])*)"|\\(.)/g, '$1$2$3'));
  }
  return words;
}
