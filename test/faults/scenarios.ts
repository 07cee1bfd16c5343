import { makeGsiSite } from '../lab/gsi.js';
import type { Lab, LabOptions } from '../lab/lab.js';
import { makeImage } from '../reana/helpers/image.js';
import type { Ground } from './ground.js';

/** A command whose actions are tried, and what comes before it. */
export interface Scenario {
  readonly name: string;
  /** The payload is cut, copied and sent anew each time. */
  readonly isFirst?: true;
  /** What the lab needs, once. */
  ready?(lab: Lab): Promise<unknown>;
  /** What is typed first, without a fault. */
  before(ground: Ground): readonly (readonly string[])[];
  command(ground: Ground): string[];
  /** What brings the cluster to what was asked for, after a fault: the same command, and `up`, if the headnode lost its pool meanwhile. */
  again(ground: Ground): readonly (readonly string[])[];
  /** So many glide-ins were asked for. */
  readonly nodes: number;
  /** So many may be there before; default the same. */
  readonly most?: number;
  /** Other commands may work on the cluster at the same time, also one that takes it down. */
  readonly isOpen?: true;
  readonly lab?: LabOptions;
}

export const NAME = 'tried';

const up = (ground: Ground, nodes: number, ...more: string[]): string[] => [
  ...['up', NAME, '--site', ground.site, '--headnode', 'scail@headnode'],
  ...['--nodes', String(nodes), '--walltime', '30m', '--timeout', '2m', ...more],
];

const scale = (nodes: number): string[] => ['scale', NAME, '--nodes', String(nodes)];
const bosco = (ground: Ground): string[] => {
  const [verb = '', name = '', ...more] = up(ground, 2);
  return [verb, name, '--submit', 'bosco', '--min', '2', ...more.map(word => (word === '--nodes' ? '--max' : word))];
};

const image = '/home/alice/image';
const workflow = `version: 0.9.4
inputs: {files: [reana.yaml]}
workflow:
  type: serial
  specification: {steps: [{name: count, environment: ${image}, commands: ['wc -l <reana.yaml >lines.txt']}]}
outputs: {files: [lines.txt]}
`;
const run = ['run', 'work/reana.yaml', '--cluster', NAME, '--out', 'work/out'];

export const scenarios: readonly Scenario[] = [
  {
    name: 'up',
    isFirst: true,
    before: () => [],
    command: ground => up(ground, 2),
    again: ground => [up(ground, 2)],
    nodes: 2,
  },
  {
    name: 'more',
    before: ground => [up(ground, 1, '--no-wait')],
    command: () => scale(2),
    again: ground => [scale(2), up(ground, 2)],
    nodes: 2,
  },
  {
    name: 'fewer',
    before: ground => [up(ground, 2, '--no-wait')],
    command: () => scale(1),
    again: ground => [scale(1), up(ground, 1)],
    nodes: 1,
    most: 2,
  },
  {
    name: 'down',
    before: ground => [up(ground, 2, '--no-wait')],
    command: () => ['down', NAME],
    again: ground => [up(ground, 2)],
    nodes: 2,
  },
  {
    name: 'bosco',
    before: () => [],
    command: bosco,
    again: ground => [bosco(ground)],
    nodes: 2,
  },
  {
    name: 'relay',
    lab: { isolated: true },
    before: () => [],
    command: ground => up(ground, 2),
    again: ground => [up(ground, 2)],
    nodes: 2,
  },
  {
    name: 'renew',
    ready: makeGsiSite,
    before: ground => [
      ['proxy', 'init', '--hours', '2'],
      [...up(ground, 1, '--no-wait'), '--proxy'],
    ],
    command: () => ['proxy', 'renew', NAME],
    again: ground => [
      ['proxy', 'renew', NAME],
      [...up(ground, 1), '--proxy'],
    ],
    nodes: 1,
  },
  {
    name: 'run',
    ready: async lab => {
      await makeImage(lab, 'c1', image);
      await lab.write('laptop', 'work/reana.yaml', workflow);
    },
    before: ground => [up(ground, 1, '--framework', 'reana')],
    command: () => run,
    again: ground => [up(ground, 1, '--framework', 'reana'), run],
    nodes: 1,
    isOpen: true,
  },
];
