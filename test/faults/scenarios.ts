import type { LabOptions } from '../lab/lab.js';
import type { Ground } from './ground.js';

/** A command whose actions are tried, and what comes before it. */
export interface Scenario {
  readonly name: string;
  /** The payload is cut, copied and sent anew each time. */
  readonly isFirst?: true;
  /** What is typed first, without a fault. */
  before(ground: Ground): readonly (readonly string[])[];
  command(ground: Ground): string[];
  /** What brings the cluster to what was asked for, after a fault. */
  again(ground: Ground): string[];
  /** So many glide-ins were asked for. */
  readonly nodes: number;
  /** So many may be there before; default the same. */
  readonly most?: number;
  readonly lab?: LabOptions;
}

export const NAME = 'tried';

const up = (ground: Ground, nodes: number, ...more: string[]): string[] => [
  ...['up', NAME, '--site', ground.site, '--headnode', 'scail@headnode'],
  ...['--nodes', String(nodes), '--walltime', '30m', '--timeout', '3m', ...more],
];

const scale = (nodes: number): string[] => ['scale', NAME, '--nodes', String(nodes)];
const bosco = (ground: Ground): string[] => {
  const [verb = '', name = '', ...more] = up(ground, 2);
  return [verb, name, '--submit', 'bosco', '--min', '2', ...more.map(word => (word === '--nodes' ? '--max' : word))];
};

export const scenarios: readonly Scenario[] = [
  {
    name: 'up',
    isFirst: true,
    before: () => [],
    command: ground => up(ground, 2),
    again: ground => up(ground, 2),
    nodes: 2,
  },
  {
    name: 'more',
    before: ground => [up(ground, 1, '--no-wait')],
    command: () => scale(2),
    again: () => scale(2),
    nodes: 2,
  },
  {
    name: 'fewer',
    before: ground => [up(ground, 2, '--no-wait')],
    command: () => scale(1),
    again: () => scale(1),
    nodes: 1,
    most: 2,
  },
  {
    name: 'down',
    before: ground => [up(ground, 2, '--no-wait')],
    command: () => ['down', NAME],
    again: ground => up(ground, 2),
    nodes: 2,
  },
  {
    name: 'bosco',
    before: () => [],
    command: bosco,
    again: bosco,
    nodes: 2,
  },
  {
    name: 'relay',
    lab: { isolated: true },
    before: () => [],
    command: ground => up(ground, 2),
    again: ground => up(ground, 2),
    nodes: 2,
  },
];
