import { table } from '../bench/report.js';

/** A cost of some work. */
export interface Cost {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** `work`: it may grow as the work does; `not`: it is the same for any size. */
  readonly grows: 'work' | 'not';
  /** What it grows with, if that is another measure of the work. */
  readonly of?: { readonly what: string; readonly work: number };
  /** A time by the clock: it says nothing of the program while the machine does other things, too. */
  readonly isTime?: true;
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
  /** The machine did other things when this began: times by the clock are shown, and not judged. */
  readonly isBusy: boolean;
}

/** What is measured on a machine that does other things, too, is taken for the same up to this factor. */
export const tolerance = 1.5;

/** How much faster than the work a cost grows: 1 means as fast; less than 1: part of it is there for any size. */
export function growth({ small, large }: Compared, what: string): number {
  const [a, b] = [small, large].map(sized => sized.costs.find(cost => cost.what === what)) as [Cost, Cost];
  return b.value / a.value / workOf(a, b, { small, large });
}

const workOf = (a: Cost, b: Cost, { small, large }: Pick<Compared, 'small' | 'large'>): number =>
  b.grows === 'not' ? 1 : (b.of?.work ?? large.work) / (a.of?.work ?? small.work);

/** The costs that grow faster than they may. */
export const tooFast = (compared: Compared): string[] =>
  compared.large.costs
    .filter(({ isTime }) => !isTime || !compared.isBusy)
    .map(({ what }) => what)
    .filter(what => growth(compared, what) > tolerance);

export function describeCompared(compared: Compared): string {
  const { title, small, large, isBusy } = compared;
  const faster = tooFast(compared);
  const heads = ['', `${small.work}`, `${large.work}`, 'ratio', 'work', 'cost ÷ work', ''];
  const rows = large.costs.map(cost => {
    const { what, value, unit, of } = cost;
    const before = small.costs.find(other => other.what === what) ?? { ...cost, value: Number.NaN };
    const work = workOf(before, cost, compared);
    const than = `${work.toFixed(0)}×${of ? ` (${of.what})` : ''}`;
    return [
      ...[what, shown(before.value, unit), shown(value, unit), `${(value / before.value).toFixed(1)}×`, than],
      ...[growth(compared, what).toFixed(2), faster.includes(what) ? 'FASTER' : ''],
    ];
  });
  const busy = isBusy ? '\n  The machine did other things, too: times by the clock are not judged.' : '';
  return `${title}\n${table([heads, ...rows])}\n  ${small.work}: ${small.note}\n  ${large.work}: ${large.note}${busy}`;
}

const shown = (value: number, unit: string): string => `${value < 10 ? value.toFixed(1) : value.toFixed(0)} ${unit}`;
