import type { Reporter, TestCase, TestModule } from 'vitest/node';
import type { Tried } from './attack.js';

/** Prints the table of attacks: who, on which machine, what, how many hostile inputs, and what came of it. */
export default class AttackReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap(module => [...module.children.allTests()]);
    const rows = tests.flatMap(rowOf).sort((a, b) => a.by.localeCompare(b.by) || a.on.localeCompare(b.on));
    const width = (key: 'by' | 'on' | 'what'): number => Math.max(...rows.map(row => row[key].length), 0);
    const line = (by: string, on: string, what: string, tried: string, outcome: string): string =>
      [by.padEnd(width('by')), on.padEnd(width('on')), what.padEnd(width('what')), tried.padStart(9), outcome].join(
        '  ',
      );
    const lines = rows.map(row => line(row.by, row.on, row.what, String(row.tried), row.outcome));
    const of = (outcome: string): number => rows.filter(row => row.outcome.startsWith(outcome)).length;
    const tried = rows.reduce((sum, row) => sum + row.tried, 0);
    process.stdout.write(
      [
        '',
        line('ATTACKER', 'MACHINE', 'ATTACK', 'INPUTS', 'OUTCOME'),
        ...lines,
        '',
        `${rows.length} attacks, ${tried} hostile inputs: ${of('held')} held, ${of('BROKEN')} broken, ` +
          `${of('accepted')} accepted by the threat model, ${of('not tried')} not tried`,
        '',
      ].join('\n'),
    );
  }
}

interface Row extends Tried {
  readonly outcome: string;
}

function rowOf(test: TestCase): Row[] {
  const { attack } = test.meta() as { attack?: Tried };
  const { state } = test.result();
  if (!attack) return [];
  if (state === 'skipped') return [{ ...attack, outcome: 'not tried' }];
  if (state !== 'passed') return [{ ...attack, outcome: 'BROKEN' }];
  return [{ ...attack, outcome: attack.accepted ? `accepted (${attack.accepted})` : 'held' }];
}
