import { parseArgs } from 'node:util';
import { type Lab, labUnavailable } from '../lab/lab.js';
import { finish } from '../setup/finish.js';
import { prepareKit } from './contestants.js';
import { describeFrameworks, type FrameworksPlan, measureFrameworks } from './frameworks.js';
import { inGroup } from './group.js';
import { describeGsi, measureGsi } from './gsi.js';
import { inLab } from './lab.js';
import { describeLogins, measureLogins } from './logins.js';
import { describeProxies, measureProxies } from './proxies.js';
import { describeQueues, measureQueues } from './queue.js';
import { describeReana, measureReana, type ReanaPlan } from './reana.js';
import { describeRelay, measureRelay, type RelayPlan } from './relay.js';
import { type Cycle, describeRoad, type Measured, measureRoad } from './road.js';
import { describeStartup, measureStartup } from './startup.js';

const usage = `npm run bench -- [--quick | --full] [--only startup|queues|proxies|gsi|logins|reana|relay|frameworks|road] [--json]
  --quick   few repetitions, and from a cold start only
  --full    every way up from every start, more repetitions; takes some ten minutes
  --only    one part
  --json    prints one JSON document with every single measurement
`;

const short: readonly Cycle[] = [
  { start: 'cold', wait: true },
  { start: 'warm', wait: false },
];
const every: readonly Cycle[] = [...short, { start: 'cold', wait: false }, { start: 'warm', wait: true }];
const plan = (near: number, far: number) => [
  { delayMs: 0, rounds: near },
  { delayMs: 100, rounds: far },
];
const reana = (steps: number, rounds: number): ReanaPlan => ({ steps, rounds });
const relay = (fast: number, slow: number, rounds: number, glideins: number, idleSeconds: number): RelayPlan => ({
  ...{ bytes: { fast: fast * 1e6, slow: slow * 1e6 }, rounds, glideins, idleSeconds },
});
const frameworks = (tasks: number, rounds: number): FrameworksPlan => ({ tasks, rounds });
const plans = {
  quick: {
    starts: 9,
    queues: 1,
    logins: 3,
    proxies: 5,
    reana: reana(5, 1),
    relay: relay(100, 3, 1, 20, 5),
    frameworks: frameworks(500, 1),
    cycles: short.slice(0, 1),
    plan: plan(1, 1),
  },
  usual: {
    ...{ starts: 25, queues: 3, logins: 9, proxies: 15, reana: reana(15, 3), relay: relay(300, 10, 3, 200, 60) },
    ...{ frameworks: frameworks(2000, 3), cycles: short, plan: plan(2, 1) },
  },
  full: {
    ...{ starts: 50, queues: 5, logins: 25, proxies: 40, reana: reana(40, 5), relay: relay(500, 25, 5, 200, 60) },
    ...{ frameworks: frameworks(2000, 7), cycles: every, plan: plan(5, 5) },
  },
};

const say = (text: string): void => void process.stderr.write(`· ${text}\n`);

interface Road {
  readonly measured: readonly Measured[];
  /** What of all these clusters is still on the lab's hosts. */
  readonly leftovers: readonly string[];
}

async function road(lab: Lab, { cycles, plan }: (typeof plans)['usual']): Promise<Road> {
  await prepareKit(lab);
  const measured = await measureRoad(lab, cycles, plan, say);
  return { measured, leftovers: await lab.leftovers() };
}

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      quick: { type: 'boolean', default: false },
      full: { type: 'boolean', default: false },
      only: { type: 'string' },
      json: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(usage);
    return 0;
  }
  const chosen = plans[values.quick ? 'quick' : values.full ? 'full' : 'usual'];
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const began = performance.now();

  const parts = ['startup', 'queues', 'proxies', 'gsi', 'logins', 'reana', 'relay', 'frameworks', 'road'];
  if (!parts.includes(values.only ?? 'road'))
    throw new Error(`--only ${values.only}: the parts are ${parts.join(', ')}`);
  const isAsked = (part: string): boolean => (values.only ?? part) === part;
  const startup = isAsked('startup') ? measureStartup(chosen.starts) : undefined;
  if (startup && !values.json) print(`${describeStartup(startup)}\n`);

  const queues = isAsked('queues') ? await measureQueues(chosen.queues, say) : undefined;
  if (queues && !values.json) print(`${describeQueues(queues)}\n`);

  const unavailable = labUnavailable();
  const missing = (part: string): string | undefined => (isAsked(part) ? unavailable : 'it was not asked for');
  for (const part of ['proxies', 'gsi', 'logins', 'reana', 'relay', 'frameworks', 'road'])
    if (missing(part)) say(`${part} is not measured: ${missing(part)}`);
  const proxies = missing('proxies') ? undefined : await measureProxies(chosen.proxies);
  if (proxies && !values.json) print(`${describeProxies(proxies)}\n`);
  const gsi = missing('gsi') ? undefined : await measureGsi(chosen.logins);
  if (gsi && !values.json) print(`${describeGsi(gsi)}\n`);
  const logins = missing('logins') ? undefined : await inLab(lab => measureLogins(lab, chosen.logins));
  if (logins && !values.json) print(`${describeLogins(logins)}\n`);
  const steps = missing('reana')
    ? undefined
    : await inGroup(cpuMs => inLab(lab => measureReana(lab, chosen.reana, say, cpuMs)));
  if (steps && !values.json) print(`${describeReana(steps)}\n`);
  const relayed = missing('relay')
    ? undefined
    : await inLab(lab => measureRelay(chosen.relay, lab, say), { isolated: true });
  if (relayed && !values.json) print(`${describeRelay(relayed)}\n`);
  const mapped = missing('frameworks') ? undefined : await inLab(lab => measureFrameworks(lab, chosen.frameworks, say));
  if (mapped && !values.json) print(`${describeFrameworks(mapped)}\n`);
  const travelled = missing('road') ? undefined : await inLab(lab => road(lab, chosen));

  if (values.json) {
    const skipped = (part: string) => ({ skipped: missing(part) });
    const found = {
      ...{ node: process.version, startup, queues, proxies: proxies ?? skipped('proxies'), gsi: gsi ?? skipped('gsi') },
      ...{
        logins: logins ?? skipped('logins'),
        reana: steps ?? skipped('reana'),
        relay: relayed ?? skipped('relay'),
        frameworks: mapped ?? skipped('frameworks'),
        road: travelled ?? skipped('road'),
      },
    };
    print(JSON.stringify(found, null, 2));
  } else if (travelled) {
    print(`${describeRoad(travelled.measured)}\n`);
    print(legend);
  }
  for (const line of travelled?.leftovers ?? []) say(`left behind: ${line}`);
  say(`done in ${((performance.now() - began) / 1000).toFixed(0)} s`);
  return startup?.dryRunWithoutNetwork === false || (travelled?.leftovers.length ?? 0) > 0 ? 1 : 0;
}

const legend = `  cold: nothing is on the site; warm: the payload is there. From the headnode, two glide-ins.
  by hand: test/bench/by-hand.sh, an ssh for each step; shared: one ssh connection (ControlMaster) for each verb.
  trips: commands and copies; scailfin counts those on the headnode, too.`;

finish(main());
