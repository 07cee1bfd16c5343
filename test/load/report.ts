import { table } from '../bench/report.js';

/** A cost of some work. */
export interface Cost {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** `work`: it may grow as the work does; `not`: it is the same for any size. */
  readonly grows: 'work' | 'not';
}

/** All costs of one size of the work. */
export interface Sized {
  /** In any unit: steps, files, glide-ins. */
  readonly work: number;
  readonly costs: readonly Cost[];
  readonly note: string;
}

export interface Compared {
  readonly title: string;
  readonly small: Sized;
  readonly large: Sized;
}

/** What is measured on a machine that does other things, too, is taken for the same up to this factor. */
export const tolerance = 1.5;

/** How much faster than the work a cost grows: 1 means as fast; less than 1: part of it is there for any size. */
export function growth({ small, large }: Compared, what: string): number {
  const [a, b] = [small, large].map(sized => sized.costs.find(cost => cost.what === what)) as [Cost, Cost];
  const work = b.grows === 'work' ? large.work / small.work : 1;
  return b.value / a.value / work;
}

/** The costs that grow faster than they may. */
export const tooFast = (compared: Compared): string[] =>
  compared.large.costs.map(({ what }) => what).filter(what => growth(compared, what) > tolerance);

export function describeCompared(compared: Compared): string {
  const { title, small, large } = compared;
  const heads = ['', `${small.work}`, `${large.work}`, 'ratio', 'work', 'cost ÷ work', ''];
  const rows = large.costs.map(({ what, value, unit, grows }) => {
    const before = small.costs.find(cost => cost.what === what)?.value ?? Number.NaN;
    const work = grows === 'work' ? large.work / small.work : 1;
    const faster = growth(compared, what);
    return [
      ...[what, shown(before, unit), shown(value, unit), `${(value / before).toFixed(1)}×`, `${work.toFixed(0)}×`],
      ...[faster.toFixed(2), faster > tolerance ? 'FASTER' : ''],
    ];
  });
  return `${title}\n${table([heads, ...rows])}\n  ${small.work}: ${small.note}\n  ${large.work}: ${large.note}`;
}

const shown = (value: number, unit: string): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
