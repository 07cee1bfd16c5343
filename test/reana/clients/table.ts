import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../../src/paths.js';
import type { Cell } from './cells.js';

/** The cells of some versions, by version and verb. */
export type Cells = ReadonlyMap<string, ReadonlyMap<string, Cell>>;

/** A row of the table: verbs with the same cells. */
export interface Row {
  readonly verbs: readonly string[];
  readonly cells: readonly string[];
}

const words = { works: 'works', refused: 'refused', wrong: 'WRONG', absent: '–' } as const;

/** Verbs with the same cells share a row; those that work everywhere come first. */
export function rowsOf(columns: Cells): Row[] {
  const rows = new Map<string, { readonly verbs: string[]; readonly cells: readonly string[] }>();
  const verbs = [...(columns.values().next().value?.keys() ?? [])];
  for (const verb of verbs) {
    const cells = [...columns.values()].map(column => words[column.get(verb)?.is ?? 'absent']);
    const key = cells.join('|');
    const row = rows.get(key) ?? { verbs: [], cells };
    row.verbs.push(verb);
    rows.set(key, row);
  }
  return [...rows.values()];
}

/** The table in Markdown, as `docs/help/reana.md` has it. */
export function tableOf(columns: Cells): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const head = ['`reana-client`', ...columns.keys()];
  const rows = rowsOf(columns).map(({ verbs, cells }) => line([verbs.map(verb => `\`${verb}\``).join(', '), ...cells]));
  return [line(head), line(head.map(() => '---')), ...rows].join('\n');
}

/** What clients say where a verb does not work: each text once, with the versions that say it. */
export function refusalsOf(columns: Cells): string[] {
  const said = new Map<string, string[]>();
  for (const [version, column] of columns) {
    for (const [verb, cell] of column) {
      if (!('words' in cell)) continue;
      const key = `${verb}: ${cell.words}`;
      said.set(key, [...(said.get(key) ?? []), version]);
    }
  }
  return [...said].map(([text, versions]) => `${versions.join(', ')}: ${text}`);
}

/** The table that users read. */
export function tableInHelp(): string {
  const text = readFileSync(join(packageRoot, 'docs/help/reana.md'), 'utf8');
  return /^\| `reana-client` \|.*\n(?:\|.*\n)*/m.exec(text)?.[0].trim() ?? '';
}

/** What the table that users read says about a version: a word for each verb. */
export function columnInHelp(version: string): Map<string, string> {
  const [head = [], , ...rows] = tableInHelp()
    .split('\n')
    .map(line =>
      line
        .split('|')
        .slice(1, -1)
        .map(cell => cell.trim()),
    );
  const at = head.indexOf(version);
  return new Map(
    rows.flatMap(([verbs = '', ...cells]) => verbsIn(verbs).map(verb => [verb, cells[at - 1] ?? ''] as const)),
  );
}

const verbsIn = (cell: string): string[] => [...cell.matchAll(/`([^`]+)`/g)].map(([, verb = '']) => verb);

/** The same words for what a client did. */
export const columnOf = (column: ReadonlyMap<string, Cell>): Map<string, string> =>
  new Map([...column].map(([verb, cell]) => [verb, words[cell.is]]));
