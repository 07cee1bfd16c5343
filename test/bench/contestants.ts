import type { Lab } from '../lab/lab.js';

export interface Outcome {
  readonly ms: number;
  /** Commands and copies: scailfin's own count has those on the headnode in it, the script's only those that went to the site. */
  readonly trips: number | undefined;
}

type Verb = 'status' | 'down';

/** Somebody who can bring a cluster up from the headnode and take it down. */
export interface Contestant {
  readonly name: 'scailfin' | 'by hand' | 'by hand, shared';
  up(lab: Lab, wait: boolean): Promise<Outcome>;
  verb(lab: Lab, verb: Verb): Promise<Outcome>;
}

const site = 'lab-slurm';
const nodes = 2;
const kit = '/home/scail/kit';
const script = '/opt/scailfin/test/bench/by-hand.sh';

/** @returns how long the command took on the headnode, and what it printed */
async function timed(lab: Lab, argv: readonly string[], env: { [name: string]: string } = {}) {
  const began = performance.now();
  const { stdout } = await lab.exec('headnode', argv, { timeoutMs: 90_000, env });
  return { ms: performance.now() - began, stdout };
}

async function scailfinRun(lab: Lab, argv: readonly string[]): Promise<Outcome> {
  const { ms, stdout } = await timed(lab, ['scailfin', ...argv, '--json']);
  return { ms, trips: (JSON.parse(stdout) as { roundTrips?: number }).roundTrips };
}

const scailfin: Contestant = {
  name: 'scailfin',
  up: (lab, wait) => scailfinRun(lab, ['up', '--site', site, '--nodes', String(nodes), ...(wait ? [] : ['--no-wait'])]),
  verb: (lab, verb) => scailfinRun(lab, [verb]),
};

/** @param shared one SSH connection for all steps of a verb, instead of one for each */
function byHandWith(name: Contestant['name'], shared: boolean): Contestant {
  const run = async (lab: Lab, verbs: readonly string[]): Promise<Outcome> => {
    const env = { KIT: kit, NODES: String(nodes), SHARED: shared ? 'yes' : 'no' };
    const steps = verbs.map(verb => `${script} ${verb}`).join(' && ');
    const { ms, stdout } = await timed(lab, ['bash', '-c', steps], env);
    return { ms, trips: [...stdout.matchAll(/^trips=(\d+)$/gm)].reduce((sum, [, n]) => sum + Number(n), 0) };
  };
  return {
    name,
    up: (lab, wait) => run(lab, wait ? ['up', 'wait'] : ['up']),
    verb: (lab, verb) => run(lab, [verb]),
  };
}

export const contestants = {
  scailfin,
  byHand: byHandWith('by hand', false),
  byHandShared: byHandWith('by hand, shared', true),
};

/**
 * Makes on the headnode what the script starts from: the very files scailfin would send, and the payload as scailfin
 * cuts it, which is then in its cache, too. A first cluster is brought up for it, so that nothing measured is a first.
 */
export async function prepareKit(lab: Lab): Promise<void> {
  await scailfin.up(lab, true);
  const make = `set -eu
umask 077
mkdir -p ${kit}
cp .scailfin/${site}/pool/found.config .cache/scailfin/payload/*.tar.gz ${kit}/
about() { sed -n "s/.*\\"$1\\":\\"\\([^\\"]*\\)\\".*/\\1/p" .cache/scailfin/payload/*.json; }
scailfin render by-hand --site ${site} --nodes ${nodes} --out ${kit}/made >/dev/null
cp ${kit}/made/headnode/condor_config ${kit}/made/site/{settings,glidein.sh,check.sh,leave.sh,glidein.conf,job.slurm} ${kit}/
cd ${kit}
sed -i s,/@HOME@,$HOME,g condor_config
sed -i s,/@HOME@,/home/alice,g settings job.slurm
sed -i s,@CLUSTER-ID@,0,g condor_config settings
cd
sed -i -e "s,@SHA256@,$(about sha256)," -e "s,@GLIBC@,$(about glibc)," -e "s,@ARCH@,$(about arch)," \\
  -e "s,@HEADNODE-ADDRESS@,$(sed -n 's/^POOL_ADDRESS = //p' ${kit}/found.config)," ${kit}/settings
rm -rf ${kit}/made`;
  await lab.exec('headnode', ['bash', '-c', make]);
  await scailfin.verb(lab, 'down');
  await timed(lab, [script, 'payload'], { KIT: kit, NODES: '0' });
  await lab.exec('login', ['sh', '-c', 'mv .scailfin/payload kept-payload && rmdir .scailfin']);
}

/** Puts the payload on the site, as an earlier cluster would have left it. */
export async function warmUp(lab: Lab): Promise<void> {
  await lab.exec('login', ['sh', '-c', 'umask 077; mkdir .scailfin && cp -a kept-payload .scailfin/payload']);
}
