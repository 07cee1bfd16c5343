/** The meaning of a column; the others are texts that are not needed. */
type Meaning = 'id' | 'raw' | 'array' | 'task' | 'state' | 'reason' | 'nodesOrReason' | 'exit' | 'other';

/**
 * Columns with the texts between them: one more text than columns, because there is one before the first and one after
 * the last.
 */
export interface Layout {
  readonly columns: readonly Column[];
  readonly between: readonly string[];
}

export type Row = Partial<Record<Meaning, string>>;

interface Column {
  readonly meaning: Meaning;
  /** Matches as much as can belong to this column, from a position on; absent for a text that may contain anything. */
  readonly extent?: RegExp;
  /** Matches a complete value of this column, and nothing else. */
  readonly whole?: RegExp;
}

const TEXT = '.*?';
const NUMBER = '\\d+[KMGT]?|N/A';
const TIME = '[\\d:T.-]+|INVALID|UNLIMITED|NOT_SET|N/A|Unknown|None|Partition_Limit';
const PATTERNS: Record<Exclude<Meaning, 'other'>, string> = {
  id: '\\d+(?:_\\d+|_\\[[^\\]\\s]*\\]?|\\+\\d+)?(?:\\.\\w+)?',
  raw: '\\d+(?:\\.\\w+)?',
  array: '\\d+|N/A',
  task: '[\\d,:%-]+(?:\\.\\.\\.)?|N/A',
  state: '[A-Z_]+\\+?(?: by \\d+)?',
  reason: TEXT,
  nodesOrReason: TEXT,
  exit: '\\d+:\\d+|',
};

/** squeue's letters, squeue(1) "-o": the meaning, or the pattern of a column that only has to be skipped. */
const LETTERS: Record<string, Meaning | RegExp> = {
  ...{ i: 'id', A: 'raw', F: 'array', K: 'task', t: 'state', T: 'state', r: 'reason', R: 'nodesOrReason' },
  ...{ C: /\d+/, D: /\d+[KMGT]?/, M: RegExp(TIME), l: RegExp(TIME), L: RegExp(TIME), S: RegExp(TIME), e: RegExp(TIME) },
  ...{ U: /\d+/, Q: /\d+/, V: RegExp(TIME), g: /\S*/, G: /\d+/, u: /\S*/, N: /\S*/, P: /\S*/, h: /\S*/ },
};

/** The names in squeue -O, sacct --format and the headers of both, in lower case. */
const NAMES: Record<string, Meaning | RegExp> = {
  ...{ jobid: 'id', jobarrayid: 'id', jobidraw: 'raw', arrayjobid: 'array', array_job_id: 'array' },
  ...{ arraytaskid: 'task', array_task_id: 'task', state: 'state', st: 'state', statecompact: 'state' },
  ...{ reason: 'reason', exitcode: 'exit', 'nodelist(reason)': 'nodesOrReason', reasonlist: 'nodesOrReason' },
  ...{ time: RegExp(TIME), timelimit: RegExp(TIME), time_limit: RegExp(TIME), timeleft: RegExp(TIME) },
  ...{ time_left: RegExp(TIME), timeused: RegExp(TIME), nodes: RegExp(NUMBER), cpus: RegExp(NUMBER), uid: /\d+/ },
  ...{ alloccpus: /\d*/, ncpus: /\d*/, nnodes: /\d*/, allocnodes: /\d*/, derivedexitcode: /(?:\d+:\d+)?/ },
  ...{ elapsed: RegExp(TIME), elapsedraw: /\d*/, timelimitraw: /\w*/, user: /\S*/, partition: /\S*/ },
};

function column(name: string, known: 'letter' | 'name', padded: boolean): Column {
  const table = known === 'letter' ? LETTERS : NAMES;
  const key = known === 'letter' ? name : name.toLowerCase();
  const found = Object.hasOwn(table, key) ? table[key] : undefined;
  const meaning = found instanceof RegExp ? 'other' : (found ?? 'other');
  const pattern = found instanceof RegExp ? found.source : meaning === 'other' ? TEXT : PATTERNS[meaning];
  if (pattern === TEXT) return { meaning };
  const pad = padded ? ' *' : '';
  return {
    meaning,
    extent: new RegExp(`${pad}(?:${pattern})${pad}`, 'y'),
    whole: new RegExp(`^${pad}(?:${pattern})${pad}$`),
  };
}

/** squeue's `-o`: `%[[.]size]type[suffix]`, with any text between them. */
export function letterLayout(format: string): Layout {
  const columns: Column[] = [];
  const between: string[] = [''];
  for (const [, size, letter, text] of format.matchAll(/%(\.?\d*)(\w)|((?:[^%]|%(?!\.?\d*\w))+)/g)) {
    if (letter === undefined) between[between.length - 1] += text as string;
    else {
      columns.push(column(letter, 'letter', size !== ''));
      between.push('');
    }
  }
  return { columns, between };
}

/** squeue's `-O`: `type[:[.][size][suffix]]`, each 20 characters wide by default. */
export function fieldLayout(format: string): Layout {
  const columns: Column[] = [];
  const between: string[] = [''];
  for (const [, name, suffix] of format.matchAll(/([A-Za-z_-]+)(?::\.?\d*([^,]*))?(?:,|$)/g)) {
    // here, unlike in accounting, JobID is the raw id
    const known = (name as string).toLowerCase() === 'jobid' ? 'jobidraw' : (name as string);
    columns.push(column(known, 'name', true));
    between.push(suffix ?? '');
  }
  return { columns, between };
}

/** Columns by their names, separated by `bar` or by blanks. */
export function namedLayout(names: readonly string[], bar: string): Layout {
  const columns = names.map(name => column(name.replace(/%.*$/, ''), 'name', bar === ' '));
  return { columns, between: ['', ...columns.slice(1).map(() => bar), ''] };
}

/** Limit of attempts for one line; real rows need a hundredth. */
const PATIENCE = 100_000;

/** The columns of a line; undefined if it does not have this layout: a header or a banner. */
export function rowOf({ columns, between }: Layout, line: string): Row | undefined {
  const [before, behind] = [between[0] as string, between.at(-1) as string];
  if (columns.length === 0 || !line.startsWith(before) || !line.endsWith(behind)) return undefined;
  const text = line.slice(before.length, line.length - behind.length);
  const bar = between[1];
  const cells =
    cut(columns, between, text) ??
    // sacct --parsable ends its lines with a bar, and short rows of a table have lost their trailing blanks
    (bar && bar !== ' ' && text.endsWith(bar) ? cut(columns, between, text.slice(0, -bar.length)) : undefined) ??
    (bar === ' ' ? cut(columns, between, text + ' '.repeat(columns.length)) : undefined);
  if (!cells) return undefined;
  const row: Row = {};
  columns.forEach(({ meaning }, at) => {
    row[meaning] ??= (cells[at] as string).trim();
  });
  return row;
}

/**
 * Texts may contain the separator, so different splits are tried: columns with a pattern take as much as possible, texts
 * as little as possible. A failed position is not tried again, otherwise a hostile job name would take forever.
 */
function cut(columns: readonly Column[], between: readonly string[], text: string): string[] | undefined {
  const failed = new Set<number>();
  let patience = PATIENCE;
  const from = (at: number, start: number): string[] | undefined => {
    const { extent, whole } = columns[at] as Column;
    const key = start * columns.length + at;
    if (failed.has(key)) return undefined;
    const last = at === columns.length - 1;
    let most = text.length;
    if (extent) {
      extent.lastIndex = start;
      most = extent.exec(text) ? extent.lastIndex : -1;
    }
    const separator = last ? '' : (between[at + 1] as string);
    for (let n = 0; n <= most - start && patience-- > 0; n++) {
      const end = last ? text.length : extent ? most - n : start + n;
      if (end > most) break;
      const cell = text.slice(start, end);
      const fits = text.startsWith(separator, end) && (!whole || whole.test(cell));
      const rest = fits ? (last ? [] : from(at + 1, end + separator.length)) : undefined;
      if (rest) return [cell, ...rest];
      if (last) break;
    }
    failed.add(key);
    return undefined;
  };
  return from(0, 0);
}
