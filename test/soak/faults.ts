import { setTimeout as sleep } from 'node:timers/promises';
import { cutAt, relayPid } from '../cluster/helpers/outage.js';
import { until } from '../lab/programs.js';
import { cluster, type Ground, type GroundName } from './ground.js';
import type { Jobs } from './jobs.js';
import type { Random } from './random.js';
import type { Work } from './work.js';

/** A fault that a seed has chosen. */
export interface Fault {
  readonly kind: FaultKind;
  readonly node: 'c1' | 'c2';
  readonly side: 'headnode' | 'login';
  /** How long it lasts, if it lasts. */
  readonly seconds: number;
  /** By how much a clock jumps. */
  readonly jump: number;
  /** Before the fault, nothing happens for so long. Seconds. */
  readonly calm: number;
}

/** What can be done to a cluster, where, and how often beside the others. */
export const faultKinds = {
  'glide-in killed': { often: 2 },
  'node rebooted': { often: 1 },
  'login cut': { often: 1 },
  'network cut': { often: 2 },
  'connections reset': { often: 3, only: ['plain', 'gsi'] },
  'edge killed': { often: 3 },
  'schedd killed': { often: 2 },
  'schedd killed amid transfers': { often: 2 },
  'proxy renewed': { often: 3, only: ['gsi'] },
  'relay cut': { often: 3, only: ['isolated'] },
  'relay killed': { often: 1, only: ['isolated'] },
  'clock jumps': { often: 1 },
} as const satisfies Readonly<Record<string, { often: number; only?: readonly GroundName[] }>>;
export type FaultKind = keyof typeof faultKinds;

const nodes = ['c1', 'c2'] as const;
const root = { user: 'root' } as const;

/** The faults of a ground: the same for the same seed, however long they take. */
export function* faultsOf(ground: GroundName, random: Random): Generator<Fault, never> {
  const all = Object.entries(faultKinds).flatMap(([kind, about]) => {
    const { often, only }: { often: number; only?: readonly GroundName[] } = about;
    return only && !only.includes(ground) ? [] : Array<FaultKind>(often).fill(kind as FaultKind);
  });
  // each as often as it is to be, in any order
  for (;;) {
    const round = [...all];
    while (round.length > 0) {
      const [kind] = round.splice(random.whole(0, round.length - 1), 1) as [FaultKind];
      const jump = random.of([1, -1]) * random.whole(60, 1500);
      yield {
        ...{ kind, node: random.of(nodes), side: random.of(['headnode', 'login'] as const), jump },
        ...{ seconds: random.whole(3, 40), calm: random.whole(3, 20) },
      };
    }
  }
}

type Act = (fault: Fault, work: Work, jobs: Jobs) => Promise<void>;

const acts: { readonly [kind in FaultKind]: Act } = {
  'glide-in killed': async ({ node }, { ground, deaths }) => {
    await ground.lab.exec(node, ['pkill', '-9', '-u', 'alice'], { ...root, check: false });
    deaths.push({ node, at: Date.now() / 1000 });
  },
  'node rebooted': async ({ node }, { ground, deaths }) => {
    await ground.lab.reboot(node);
    deaths.push({ node, at: Date.now() / 1000 });
  },
  'login cut': async ({ seconds }, { ground }) => {
    await cutAt(ground.lab, 'login').catch(() => {}); // nobody may be logged in
    await partition(ground, 'login', seconds);
  },
  'network cut': async ({ seconds }, { ground }) => partition(ground, 'headnode', seconds),
  // as a firewall does that forgot them
  'connections reset': async (_, { ground }) => {
    const port = (await ground.sh(`sed -n 's/^POOL_PORT = //p' .scailfin/${cluster}/pool/found.config`)) || '9618';
    await ground.lab.exec('headnode', ['ss', '-K', 'sport', '=', port], root);
  },
  'edge killed': async (_, { ground }) => {
    await ground.sh(`kill -9 "$(cat .scailfin/${cluster}/pool/edge/edge.pid)"`);
  },
  'schedd killed': async (_, { ground, deaths }) => {
    await ground.lab.exec('headnode', ['pkill', '-9', 'condor_schedd'], { ...root, check: false });
    deaths.push({ at: Date.now() / 1000 });
  },
  'schedd killed amid transfers': async (_, { ground, deaths }, jobs) => {
    await ground.lab.limit(20);
    try {
      let batch: Promise<void> | undefined;
      await new Promise<void>((resolve, reject) => {
        batch = jobs.batch({ count: 2, seconds: 1, bytes: 12_000_000 }, load => {
          const isSending = async () => (await load.log()).includes('Started transferring output files');
          until('an output to be on its way', 90_000, isSending).then(() => resolve(), reject);
        });
        batch.then(resolve, reject);
      });
      await sleep(1000);
      await ground.lab.exec('headnode', ['pkill', '-9', 'condor_schedd'], { ...root, check: false });
      deaths.push({ at: Date.now() / 1000 });
      await ground.lab.limit(0);
      await batch;
    } finally {
      await ground.lab.limit(0).catch(() => {});
    }
  },
  'proxy renewed': async (_, { ground }) => {
    await ground.lab.exec('headnode', ['scailfin', 'proxy', 'renew', cluster], { timeoutMs: 90_000 });
  },
  'relay cut': async ({ side }, { ground }) => cutAt(ground.lab, side),
  'relay killed': async (_, { ground }) => {
    await ground.lab.exec('headnode', ['kill', '-9', await relayPid(ground.lab, cluster)]);
  },
  'clock jumps': async ({ jump, seconds, node }, { ground }) => {
    for (const host of ['headnode', node] as const) await ground.shiftClock(host, jump);
    await sleep(seconds * 1000);
    for (const host of ['headnode', node] as const) await ground.shiftClock(host, 0);
  },
};

async function partition(ground: Ground, host: 'headnode' | 'login', seconds: number): Promise<void> {
  await ground.lab.partition(host, true);
  await sleep(seconds * 1000);
  await ground.lab.partition(host, false);
}

/** Those after which glide-ins are missing, which a person would bring up. */
const costly: ReadonlySet<FaultKind> = new Set(['glide-in killed', 'node rebooted', 'clock jumps']);

/** Does it, and what a person would do about it. */
export async function strike(fault: Fault, work: Work, jobs: Jobs): Promise<void> {
  await acts[fault.kind](fault, work, jobs);
  // a batch system may take a node for dead after other faults, too; then the site may still be out of reach
  const up = work.ground.up();
  await (costly.has(fault.kind) ? up : up.catch(() => {}));
}

/** As it is printed. */
export function describeFault({ kind, node, side, seconds, jump }: Fault): string {
  switch (kind) {
    case 'glide-in killed':
    case 'node rebooted':
      return `${kind}: ${node}`;
    case 'login cut':
    case 'network cut':
      return `${kind} for ${seconds} s`;
    case 'relay cut':
      return `${kind} at the ${side}`;
    case 'clock jumps':
      return `${kind} by ${jump} s for ${seconds} s, on the headnode and ${node}`;
    default:
      return kind;
  }
}
