import { gridWithCa } from '../credentials/grid.js';
import { startMyProxy } from '../credentials/myproxy-server.js';
import { passphrase } from '../secrets.js';
import { median, ms, ratio, type Times, table } from './report.js';

const proxy = '/tmp/x509up_u3001';
const stored = ['--server', 'grid', '--username', 'bench', '--pass-stdin'];

interface Pair {
  readonly ours: readonly string[];
  readonly theirs: readonly string[];
  readonly stdin?: string;
}

/** Each pair does the same: keys of 2048 bits, proxies of 12 hours; starting the program is a part of it. */
const pairs: { readonly [what: string]: Pair } = {
  // what Node.js itself takes for it, beside OpenSSL: the greater part of what follows
  'a key alone': {
    ours: ['node', '-e', "require('crypto').generateKeyPairSync('rsa', { modulusLength: 2048 })"],
    theirs: ['openssl', 'genrsa', '-out', '/tmp/key', '2048'],
  },
  'make a proxy': { ours: ['scailfin', 'proxy', 'init'], theirs: ['grid-proxy-init', '-q'] },
  'make one of a proxy': {
    ours: ['scailfin', 'proxy', 'init', '--cert', proxy, '--out', '/tmp/second'],
    theirs: ['grid-proxy-init', '-q', '-cert', proxy, '-key', proxy, '-out', '/tmp/second'],
  },
  'show it': { ours: ['scailfin', 'proxy', 'info'], theirs: ['grid-proxy-info'] },
  'store it on a MyProxy server': {
    ours: ['scailfin', 'proxy', 'store', ...stored],
    theirs: ['myproxy-init', '-S', '-s', 'grid', '-l', 'bench', '-c', '168'],
    stdin: `${passphrase}\n`,
  },
  'fetch it from there': {
    ours: ['scailfin', 'proxy', 'logon', ...stored, '--out', '/tmp/third'],
    theirs: ['myproxy-logon', '-S', '-s', 'grid', '-l', 'bench', '-o', '/tmp/third'],
    stdin: `${passphrase}\n`,
  },
};

export interface Proxies {
  readonly [what: string]: { readonly ours: Times; readonly theirs: Times };
}

/** scailfin and Globus' own tools in turn, on one host that has nothing else to do. */
export async function measureProxies(rounds: number): Promise<Proxies> {
  const { grid, down } = await gridWithCa();
  try {
    await startMyProxy(grid);
    const timed = async (argv: readonly string[], stdin = ''): Promise<number> => {
      const began = performance.now();
      await grid.exec(argv, { stdin });
      return performance.now() - began;
    };
    const found: { [what: string]: { ours: number[]; theirs: number[] } } = {};
    for (const [what, pair] of Object.entries(pairs)) {
      const times = { ours: [] as number[], theirs: [] as number[] };
      found[what] = times;
      for (let round = -1; round < rounds; round++) {
        const [ours, theirs] = [await timed(pair.ours, pair.stdin), await timed(pair.theirs, pair.stdin)];
        // the first round only fills the machine's caches
        if (round < 0) continue;
        times.ours.push(ours);
        times.theirs.push(theirs);
      }
    }
    return found;
  } finally {
    await down();
  }
}

export function describeProxies(found: Proxies): string {
  const rows = Object.entries(found).map(([what, { ours, theirs }]) => {
    const [own, other] = [median(ours), median(theirs)];
    return [what, ms(own), ms(other), ratio(own, other)];
  });
  const rounds = Object.values(found)[0]?.ours.length;
  return `Proxies (median of ${rounds})\n${table([['', 'scailfin', "Globus' tools", 'ratio'], ...rows])}`;
}
