/** A column by what it means; others are text that nobody asks for. */
type Meaning = 'id' | 'raw' | 'array' | 'task' | 'state' | 'reason' | 'nodesOrReason' | 'exit' | 'other';

export interface Layout {
  /** Matches one line; each column is one group. */
  readonly line: RegExp;
  readonly columns: readonly Meaning[];
}

export type Row = Partial<Record<Meaning, string>>;

interface Column {
  readonly meaning: Meaning;
  readonly pattern: string;
  /** Padded or cut to a width. */
  readonly padded: boolean;
}

const TEXT = '.*?';
const NUMBER = '\\d+[KMGT]?|N/A';
const TIME = '[\\d:T.-]+|INVALID|UNLIMITED|NOT_SET|N/A|Unknown|None|Partition_Limit';
const PATTERNS: Record<Exclude<Meaning, 'other'>, string> = {
  id: '\\d+(?:_\\d+|_\\[[^\\]]*\\]?|\\+\\d+)?(?:\\.\\w+)?',
  raw: '\\d+(?:\\.\\w+)?',
  array: '\\d+|N/A',
  task: '[\\d,:%-]+(?:\\.\\.\\.)?|N/A',
  state: '[A-Z_]+\\+?(?: by \\d+)?',
  reason: TEXT,
  nodesOrReason: TEXT,
  exit: '\\d+:\\d+|',
};

/** squeue's letters, squeue(1) "-o": meaning, or the pattern of a column that only has to be skipped. */
const LETTERS: Record<string, Meaning | RegExp> = {
  ...{ i: 'id', A: 'raw', F: 'array', K: 'task', t: 'state', T: 'state', r: 'reason', R: 'nodesOrReason' },
  ...{ C: /\d+/, D: /\d+[KMGT]?/, M: RegExp(TIME), l: RegExp(TIME), L: RegExp(TIME), S: RegExp(TIME), e: RegExp(TIME) },
  ...{ U: /\d+/, Q: /\d+/, V: RegExp(TIME), g: /\S*/, G: /\d+/, u: /\S*/, N: /\S*/, P: /\S*/, h: /\S*/ },
};

/** squeue -O, sacct --format and the headers of both, in lower case. */
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
  if (found instanceof RegExp) return { meaning: 'other', pattern: found.source, padded };
  const meaning = found ?? 'other';
  return { meaning, pattern: meaning === 'other' ? TEXT : PATTERNS[meaning], padded };
}

/** Columns with the text between them: one more text than columns. */
function layout(columns: readonly Column[], between: readonly string[]): Layout {
  let line = `^${between[0]}`;
  columns.forEach(({ pattern, padded }, at) => {
    const pad = padded ? ' *' : '';
    line += `${pad}(${pattern})${pad}${between[at + 1]}`;
  });
  return { line: new RegExp(`${line}$`), columns: columns.map(c => c.meaning) };
}

const literal = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&');

/** squeue's `-o`: `%[[.]size]type[suffix]`, with any text between. */
export function letterLayout(format: string): Layout {
  const columns: Column[] = [];
  const between: string[] = [''];
  for (const [, size, letter, text] of format.matchAll(/%(\.?\d*)(\w)|((?:[^%]|%(?!\.?\d*\w))+)/g)) {
    if (letter === undefined) between[between.length - 1] += literal(text as string);
    else {
      columns.push(column(letter, 'letter', size !== ''));
      between.push('');
    }
  }
  return layout(columns, between);
}

/** squeue's `-O`: `type[:[.][size][suffix]]`, each 20 wide unless told. */
export function fieldLayout(format: string): Layout {
  const columns: Column[] = [];
  const between: string[] = [''];
  for (const [, name, suffix] of format.matchAll(/([A-Za-z_-]+)(?::\.?\d*([^,]*))?(?:,|$)/g)) {
    // here, unlike in accounting, JobID is the raw one
    const known = (name as string).toLowerCase() === 'jobid' ? 'jobidraw' : (name as string);
    columns.push(column(known, 'name', true));
    between.push(suffix ? literal(suffix) : '');
  }
  return layout(columns, between);
}

/** Columns by their names, with `bar` between them or blanks. */
export function namedLayout(names: readonly string[], bar: string): Layout {
  const columns = names.map(name => column(name.replace(/%.*$/, ''), 'name', bar === ' '));
  const separator = bar === ' ' ? '(?: +|$)' : literal(bar);
  const between = ['', ...columns.slice(1).map(() => separator), bar === ' ' ? ' *' : `(?:${literal(bar)})?`];
  return layout(columns, between);
}

/** The line's columns; undefined where it is none of this layout: a header, a banner. */
export function rowOf({ line, columns }: Layout, text: string): Row | undefined {
  // far longer than any row, and slow to try
  if (text.length > 10_000) return undefined;
  const match = line.exec(text);
  if (!match) return undefined;
  const row: Row = {};
  columns.forEach((meaning, at) => {
    row[meaning] ??= (match[at + 1] as string).trim();
  });
  return row;
}
