import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckReport } from '../doctor/check.js';
import type { Found } from '../doctor/facts.js';
import type { Patient } from '../doctor/patient.js';
import type { StageResult } from '../doctor/run.js';
import { UsageError } from '../errors.js';
import type { Transport } from '../hosts/target.js';
import type { SiteProfile } from '../sites/schema.js';
import { stoppable } from './interrupt.js';
import type { Output } from './screen.js';
import type { Word } from './terminal.js';

export interface CheckFlags {
  deep?: boolean;
  queue?: string;
  account?: string;
  user?: string;
  transport?: Transport;
  /** Seconds. */
  timeout: number;
  /** true if no file was named. */
  write?: string | true;
  json?: boolean;
}

/** `scailfin sites check`: prints each stage as it ends, then the next command; exit status 1 if a stage failed. */
export async function check(typed: string, flags: CheckFlags, out: Output): Promise<void> {
  const json = flags.json ?? out.json;
  const [{ checkSite }, { patientFor }, { loadConfig }] = await Promise.all([
    import('../doctor/check.js'),
    import('../doctor/patient.js'),
    import('../sites/config.js'),
  ]);
  const config = await loadConfig();
  let patient = await patientFor(typed, flags.user, config);
  const file = flags.write === undefined ? undefined : await whereTo(patient, flags.write);
  if (file !== undefined) patient = { ...patient, name: file.name };
  const sink = await out.sink?.();
  const watcher = {
    started: (title: string) => sink?.({ type: 'started', title }),
    ended: (result: StageResult) => (json ? undefined : out.print(...describe(result))),
  };
  const { account, queue, transport, deep = false, timeout } = flags;
  const hint = deep ? 'the check left no files at the site' : 'the check leaves nothing at the site';
  const report = await stoppable(hint, signal => {
    const progress = (detail: string): void => sink?.({ type: 'progress', detail });
    return checkSite(patient, { account, queue, transport, deep, timeout }, config, {
      ...{ prompter: out.prompter?.(), watcher, progress, signal },
    });
  });
  const { proposal, ...told } = report;
  if (patient.site && report.found) await rememberOutbound(patient.site.profile, report.found);
  const written = file && proposal !== undefined ? await write(file.path, proposal) : undefined;
  if (json) out.printJson({ ...told, ...(written ? { written } : {}) });
  else out.print(['', summary(report), ...next(report, patient, flags, written)].join('\n'));
  process.exitCode = report.ok ? 0 : 1;
}

/** `up` reads it where the profile says nothing. */
async function rememberOutbound(profile: SiteProfile, found: Found): Promise<void> {
  const [{ outboundOf }, { remember }] = await Promise.all([
    import('../doctor/outbound.js'),
    import('../sites/measured.js'),
  ]);
  const outbound = outboundOf(found);
  if (outbound !== undefined) remember(profile, { outbound, node: found.node });
}

/** Where the proposed profile goes, and the name of its site. @throws UsageError before anything is changed */
async function whereTo(patient: Patient, wish: string | true): Promise<{ path: string; name: string }> {
  if (patient.site)
    throw new UsageError(`${patient.name} has a profile already: ${patient.site.file}`, {
      hint: '--write proposes a profile for a host that has none: scailfin sites check user@host --write',
    });
  if (wish !== true) {
    if (existsSync(wish)) throw new UsageError(`${wish} exists already`, { hint: 'name another file, or remove it' });
    return { path: wish, name: patient.name };
  }
  const { listSites, userSites } = await import('../sites/catalog.js');
  const taken = new Set((await listSites()).map(s => s.name));
  let name = patient.name;
  for (let n = 2; taken.has(name); n++) name = `${patient.name}-${n}`;
  return { path: join(userSites(), `${name}.yaml`), name };
}

async function write(path: string, text: string): Promise<string> {
  const [{ mkdir }, { dirname }, { default: writeFileAtomic }] = await Promise.all([
    import('node:fs/promises'),
    import('node:path'),
    import('write-file-atomic'),
  ]);
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFileAtomic(path, text, { mode: 0o600 });
  return path;
}

const marks: Readonly<Record<StageResult['status'], Word>> = {
  ...{ ok: ['green', '✓'], warning: ['yellow', '!'], failed: ['red', '✗'], skipped: ['dim', '–'] },
};

/** ` ✓ Title: result (12 ms)`, and below it what to do if the result is not good. */
export function describe(result: StageResult): Word[] {
  const [first, ...more] = result.detail.split('\n');
  const time = result.status === 'skipped' ? '' : ` (${duration(result.seconds)})`;
  const told: Word[] = result.status === 'failed' ? [`: ${first}`, ['dim', time]] : [': ', ['dim', `${first}${time}`]];
  const below = more.map(line => `\n   ${line}`);
  if (result.hint !== undefined) below.push(`\n   → ${result.hint}`);
  return [' ', marks[result.status], ` ${result.title}`, ...told, ...below];
}

const duration = (seconds: number): string =>
  seconds < 0.1 ? `${Math.round(seconds * 1000)} ms` : `${seconds.toFixed(1)} s`;

function summary({ site, stages }: CheckReport): string {
  const culprit = stages.find(s => s.status === 'failed');
  if (culprit) return `${site}: not usable yet. What to mend first: ${culprit.title}.`;
  const warnings = stages.filter(s => s.status === 'warning').length;
  const but = warnings === 0 ? '' : `, with ${warnings} warning${warnings === 1 ? '' : 's'}`;
  return `${site}: fine${but}.`;
}

function next(report: CheckReport, patient: Patient, flags: CheckFlags, written: string | undefined): string[] {
  if (written !== undefined) {
    const site = flags.write === true ? report.site : written;
    return [`wrote ${written}; look at the lines that say guessed`, `Next: scailfin up --site ${site} --dry-run`];
  }
  if (flags.write !== undefined) return ['nothing was written: too little is known about the site yet'];
  if (!report.ok) return [];
  if (patient.site === undefined) return [`Next: scailfin sites check ${patient.typed} --write`];
  return [
    flags.deep ? `Next: scailfin up --site ${patient.typed}` : `Next: scailfin sites check ${patient.typed} --deep`,
  ];
}
