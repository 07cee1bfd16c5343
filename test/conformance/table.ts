import { readerOf } from '../../src/schedulers/registry.js';
import { table } from '../bench/report.js';
import { type RecordedSystem, recordings } from '../recordings/recordings.js';
import { htcondor } from './expected/htcondor.js';
import { lsf } from './expected/lsf.js';
import { pbs } from './expected/pbs.js';
import { sge } from './expected/sge.js';
import { slurm } from './expected/slurm.js';
import { torque } from './expected/torque.js';
import { complaints, type Expectations, familyOf } from './families.js';

/** By adapter: whose recordings it is tried on, and how they are to be understood. */
export const expected: { readonly [adapter: string]: { readonly system: RecordedSystem } & Expectations } = {
  slurm: { system: 'slurm', ...slurm },
  torque: { system: 'torque', ...torque },
  pbs: { system: 'openpbs', ...pbs },
  lsf: { system: 'openlava', ...lsf },
  sge: { system: 'gridengine', ...sge },
  htcondor: { system: 'htcondor', ...htcondor },
};

/** One recorded command as an adapter understands it. */
export interface Case {
  readonly adapter: string;
  readonly name: string;
  /** What it is, as it should be understood; a command that failed is an error, whatever it was. */
  readonly kind: string;
  /** What is wrong about how it is understood. */
  readonly complaints: readonly string[];
}

/** Every command in the repository's recordings. */
export function allCases(): Case[] {
  return Object.entries(expected).flatMap(([adapter, { system, ...expectations }]) => {
    const read = readerOf(system);
    if (!read) throw new Error(`nobody reads ${system}`);
    return recordings(system).map((recording): Case => {
      const family = familyOf(expectations, recording.case);
      const isError = family?.error ?? recording.exit !== 0;
      const { kind } = read(recording.cmd, { ...recording, exitCode: recording.exit });
      return {
        ...{ adapter, name: recording.case, kind: isError ? 'error' : (family?.kind ?? kind) },
        complaints: complaints(read, recording, expectations),
      };
    });
  });
}

const kinds = ['submit', 'list', 'cancel', 'hold', 'queues', 'nodes', 'version', 'other', 'error'];

/** Adapter × kind of case; `11/12` where one of twelve is not understood as it should be. */
export function describeCases(cases: readonly Case[]): string {
  const cell = (some: readonly Case[]): string => {
    const well = some.filter(one => one.complaints.length === 0).length;
    return some.length === 0 ? '-' : well === some.length ? String(well) : `${well}/${some.length}`;
  };
  const row = (name: string, some: readonly Case[]): string[] => [
    ...[name, ...kinds.map(kind => cell(some.filter(one => one.kind === kind))), cell(some)],
  ];
  const rows = [
    ['', ...kinds, 'all'],
    ...Object.keys(expected).map(adapter =>
      row(
        adapter,
        cases.filter(one => one.adapter === adapter),
      ),
    ),
    row('all', cases),
  ];
  return table(rows);
}
