import type { Output } from '../job.js';
import type { Reader, Understanding, UnderstoodJob } from '../understanding.js';
import { canonicalId } from './ids.js';
import { isWhole, jobsFromDsv, jobsFromJson, jobsFromText, jobsFromXml, type RawJob } from './jobs.js';
import { type Interpret, statuses } from './status.js';
import { DOWN, PREFIX, words } from './words.js';

/** The line below a table's header. */
const TABLE = /^-+( +-+){3,}[ \t\r]*$/m;
const PROGRAMS = /^(q(sub|stat|select|del|hold|rls|sig|mgr|alter|rerun|move|order|msg|run)|pbsnodes|tracejob)$/;

/** A reader for the commands that PBS and Torque share, with the meaning of states in one of the systems. */
export function readerFor(interpret: Interpret, over: RawJob['attributes']): Reader {
  return (command, out) => {
    try {
      return understand(command, out, interpret, over);
    } catch (error) {
      return { kind: 'other', jobs: [], error: `could not be understood: ${String(error)}` };
    }
  };
}

function understand(command: string, out: Output, interpret: Interpret, over: RawJob['attributes']): Understanding {
  const { program, args, filtered } = commandOf(command);
  const error = errorOf(out);
  const wrong = error === undefined ? {} : { error };
  const kind = kindOf(program, args);
  const named = args.flatMap(arg => (arg.startsWith('-') ? [] : (canonicalId(arg) ?? [])));

  if (kind === 'submit') {
    const ids = [...out.stdout.matchAll(/^[ \t]*(\d+(?:\[\d*\])?\.(?=[\w-]*[A-Za-z])[\w.-]+)[ \t]*\r?$/gm)];
    const jobs = ids.map(([, id]) => ({ id: canonicalId(id as string) as string }));
    return { kind, jobs, ...(jobs.length === 0 && error === undefined ? { error: silence(out) } : wrong) };
  }
  if (kind === 'cancel' || kind === 'hold') return { kind, jobs: named.map(id => told(id, out)), ...wrong };
  if (program === 'tracejob') return { kind, jobs: traced(out.stdout, interpret, over), ...wrong };
  if (kind !== 'list') return { kind, jobs: [], ...wrong };

  const { jobs, cut } = program === 'qselect' ? selected(out.stdout) : listed(out.stdout, interpret);
  // for the id of an array, Torque lists everybody's jobs
  const asked = named.map(id => id.split('_')[0]);
  const all = named.length === 0 ? jobs : jobs.filter(job => asked.includes(job.id.split('_')[0]));
  const gone = [...out.stderr.matchAll(/^qstat: (\S+) Job has finished\b.*$/gm)].flatMap(([, id]): UnderstoodJob[] => {
    const known = canonicalId(id as string);
    return known === undefined ? [] : [{ id: known, state: 'finished', word: over.get('job_state') as string }];
  });
  // of several ids, OpenPBS prints only the first as JSON
  const quiet = /^\s*\{/.test(out.stdout)
    ? named.filter(id => !all.some(job => `${job.id}_`.startsWith(`${id}_`)))
    : [];
  const missing = cut
    ? (filtered && 'only a part of the answer was kept') || 'the answer was cut short, or is none'
    : quiet.length > 0
      ? `nothing was said of ${quiet.join(', ')}`
      : undefined;
  return {
    kind,
    jobs: [...all, ...gone],
    ...(error === undefined && missing !== undefined ? { error: missing } : wrong),
  };
}

/** The batch system's words in a shell command line: the last program, and whether other programs changed its output. */
function commandOf(line: string): { program: string; args: string[]; filtered: boolean } {
  let text = line;
  // the result of a substitution is unknown; a loop gives several answers in one
  if (/\b(for|while|until)\b.*\bdo\b/s.test(text)) return { program: '', args: [], filtered: true };
  for (let before = ''; before !== text; ) {
    before = text;
    text = text.replace(/\$\([^()]*\)|`[^`]*`/g, '$_');
  }
  let found = { program: '', args: [] as string[], filtered: false };
  const tokens = text.match(/(?:[^\s|;&'"\\]|\\.|'[^']*'|"(?:[^"\\]|\\.)*")+|[|;&]+|\n/gs) ?? [];
  let simple: string[] = [];
  for (const token of [...tokens, ';']) {
    if (!/^([|;&]+|\n)$/.test(token)) {
      simple.push(token.replace(/'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.)/gs, (_, a, b, c) => a ?? b ?? c ?? ''));
      continue;
    }
    const at = simple.findIndex((word, n) => PROGRAMS.test(word.replace(/^.*\//, '')) && simple.slice(0, n).every(led));
    if (at >= 0)
      found = { program: (simple[at] as string).replace(/^.*\//, ''), args: simple.slice(at + 1), filtered: false };
    else if (simple.length > 0) found = { ...found, filtered: found.program !== '' };
    simple = [];
  }
  return found;
}

/** Words that may come before the program itself. */
const led = (word: string): boolean => /^(\w+=.*|timeout|env|sudo|exec|time|command|-.*|\d+[smh]?)$/s.test(word);

function kindOf(program: string, args: readonly string[]): Understanding['kind'] {
  const options = args.filter(arg => arg.startsWith('-'));
  if (program !== '' && options.some(o => /^--(version|about)$/.test(o))) return 'version';
  const has = (letters: RegExp): boolean => options.some(o => /^-\w+$/.test(o) && letters.test(o));
  switch (program) {
    case 'qsub':
      return 'submit';
    case 'qstat':
      return has(/[Qq]/) ? 'queues' : has(/B/) ? 'other' : 'list';
    case 'qselect':
      return 'list';
    case 'qdel':
      return 'cancel';
    case 'qhold':
    case 'qrls':
      return 'hold';
    case 'qsig':
      return args.some(arg => /^(SIG)?(KILL|TERM|INT|9|15|2)$/i.test(arg)) ? 'cancel' : 'hold';
    case 'qmgr':
      return 'queues';
    case 'pbsnodes':
      return 'nodes';
    default:
      return 'other';
  }
}

/** The error of a failed command, and complaints of a command that reports success. */
function errorOf(out: Output): string | undefined {
  const complaint = out.stderr.split('\n').some(line => PREFIX.test(line)) || DOWN.test(out.stderr);
  if (out.exitCode === 0 && !complaint) return undefined;
  return words(out) || silence(out);
}

const silence = (out: Output): string =>
  (out.stderr.trim() || out.stdout.trim()).split('\n')[0]?.trim() ||
  `there was no answer (status ${out.exitCode ?? 'none'})`;

/** A job that was changed, and the system's complaint about it. */
function told(id: string, out: Output): UnderstoodJob {
  const native = id.replace(/_(\d+)$/, '[$1]').replaceAll(/[[\]]/g, '\\$&');
  const line = out.stderr.split('\n').find(l => new RegExp(`(^|\\s)${native}(\\[\\])?(\\.\\S*)?\\s*$`).test(l));
  if (line === undefined) return { id };
  const over = /Job has finished|COMPLETE/.test(line);
  return { id, ...(over ? { state: 'finished' as const } : {}), reason: line.replace(PREFIX, '').trim() };
}

function selected(text: string): { jobs: UnderstoodJob[]; cut: boolean } {
  const jobs = [...text.matchAll(/^(\d+(?:\[\d*\])?\.\S+)$/gm)].map(([, id]) => ({
    id: canonicalId(id as string) ?? '',
  }));
  const unique = [...new Map(jobs.filter(job => job.id !== '').map(job => [job.id, job])).values()];
  return { jobs: unique, cut: text !== '' && !text.endsWith('\n') };
}

/** The jobs in any format of qstat, which is recognised by its form; `cut` if the text is incomplete. */
function listed(text: string, interpret: Interpret): { jobs: UnderstoodJob[]; cut: boolean } {
  const result = (jobs: Iterable<RawJob>, cut: boolean) => ({
    jobs: statuses(jobs, interpret).map(
      ({ id, state, word, reason, exitCode }): UnderstoodJob => ({
        ...{ id, state, word },
        ...(exitCode === undefined ? {} : { exit: exitCode }),
        ...(reason === undefined ? {} : { reason }),
      }),
    ),
    cut,
  });
  if (text.trim() === '') return result([], false);
  if (/^<\?xml|<Data>/m.test(text))
    return result(jobsFromXml(text), !isWhole(text, 'Data') || !text.includes('<Data>'));
  if (/^[ \t]*\{/m.test(text) && !/^Job Id:/m.test(text)) {
    const jobs = jobsFromJson(text.slice(text.search(/^[ \t]*\{/m)));
    return result(jobs ?? [], jobs === undefined);
  }
  // the text after the last line end may be incomplete
  const cut = !text.endsWith('\n');
  const lines = text.slice(0, text.lastIndexOf('\n') + 1);
  if (/^Job Id:[^|\n\r\u2028\u2029]*\|/m.test(lines)) return result(jobsFromDsv(lines), cut);
  if (/^Job Id:/m.test(lines)) {
    const jobs = [...jobsFromText(lines)];
    // a block ends with an empty line
    const half = cut || !/\n[ \t]*\n$/.test(lines);
    return result(half ? jobs.slice(0, -1) : jobs, half);
  }
  // neither a table nor another known format
  return result(jobsFromTable(lines), cut || !TABLE.test(lines));
}

/**
 * qstat's tables, also with `-a`, `-n`, `-s` and `-1`: header lines, a line of dashes, one row per job. Columns may touch
 * and shift, so the state is the single capital letter nearest to the S in the header.
 */
export function jobsFromTable(text: string): RawJob[] {
  const jobs: { native: string; attributes: Map<string, string> }[] = [];
  let header = '';
  let column = -1;
  let width = 0;
  for (const line of text.split('\n')) {
    if (TABLE.test(line)) {
      column = header.search(/(?<=\s)S(?=\s|$)/);
      width = line.trimEnd().length;
    } else if (column < 0) header = line;
    else {
      const [native] = /^\d+(\[\d*\])?(\.\S*)?(?=\s)/.exec(line) ?? [];
      const letters = [...line.matchAll(/(?<=\s)[A-Z](?=\s|$)/g)].map(m => m.index);
      const at = letters.sort((a, b) => Math.abs(a - column) - Math.abs(b - column))[0];
      const attributes = jobs.at(-1)?.attributes;
      if (native !== undefined && at !== undefined) {
        const node = /^[\w.-]+\/\S+/.exec(line.slice(Math.min(width, line.length)).trim())?.[0];
        jobs.push({
          // a server's name that does not fit ends with a star
          native: native.replace(/\*$/, ''),
          attributes: new Map([['job_state', line[at] as string], ...(node ? [['exec_host', node] as const] : [])]),
        });
      } else if (/^\s{2,}\S/.test(line) && attributes !== undefined) {
        const more = line.trim();
        if (/^[\w.-]+\/\S*$/.test(more)) attributes.set('exec_host', more);
        else if (more !== '--') attributes.set('comment', more);
      }
    }
  }
  return jobs.filter(job => canonicalId(job.native) !== undefined);
}

/** tracejob: a job's log; the exit status is in the server's last message. */
function traced(text: string, interpret: Interpret, over: RawJob['attributes']): UnderstoodJob[] {
  const id = canonicalId(/^Job: (\S+)/m.exec(text)?.[1] ?? '');
  const status = [...text.matchAll(/\bExit_status=(-?\d+)/g)].at(-1)?.[1];
  if (id === undefined) return [];
  if (status === undefined) return [{ id }];
  const { state, exitCode } = interpret(new Map([...over, ['Exit_status', status], ['exit_status', status]]));
  return [{ id, state, ...(exitCode === undefined ? {} : { exit: exitCode }) }];
}
