import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { Fault } from './faults.js';
import type { Ground, Ran, Tried } from './ground.js';
import type { Point } from './point.js';
import { NAME, type Scenario } from './scenarios.js';

/** What is typed after the fault: the same again, which must end well, or `down`, which must leave nothing. */
export type Ending = 'again' | 'down';

export interface Trial {
  readonly scenario: Scenario;
  readonly point: Point;
  readonly fault: Fault;
  readonly ending: Ending;
  /** At which of several moments; from 0 to 1. */
  readonly chance: number;
}

export interface Result {
  readonly scenario: string;
  readonly point: string;
  readonly fault: string;
  /** `sent`: the same command refused, and said that the cluster must be taken down first. */
  readonly ending: Ending | 'sent';
  /** How the command ended that met the fault. */
  readonly ended: 'did it' | 'said why' | 'killed' | 'not reached';
  /** The error of that command, or its exit status. */
  readonly said: string;
  /** What is not as it must be; nothing, if all is well. */
  readonly wrong: readonly string[];
  readonly seconds: number;
}

type Met = Pick<Result, 'ended' | 'said'>;

/** So long a command may take: longer than `up` waits for glide-ins. */
const longest = 240_000;

/** Tries one fault at one point, from nothing to nothing. */
export async function attempt(ground: Ground, trial: Trial): Promise<Result> {
  const began = Date.now();
  const { scenario, point, fault, ending } = trial;
  const wrong: string[] = [];
  ground.wrong = wrong;
  ground.isOpen = scenario.isOpen === true;
  await prepare(ground, scenario);
  const met = await meet(ground, trial, wrong);
  wrong.push(...(await wrongNow(ground, scenario)));
  const again = ending === 'again' ? await typeAgain(ground, scenario, met) : { wrong: [] };
  wrong.push(...again.wrong, ...(await wrongAfterDown(ground)), ...(await ground.secretsShown()));
  const seconds = (Date.now() - began) / 1000;
  return {
    scenario: scenario.name,
    point: point.key,
    fault: fault.name,
    ending: again.ending ?? ending,
    ...met,
    wrong,
    seconds,
  };
}

/** What a scenario begins with. @throws Error if that fails */
export async function prepare(ground: Ground, { name, ready, isFirst, before }: Scenario): Promise<void> {
  if (!ground.ready.has(name)) await ready?.(ground.lab);
  ground.ready.add(name);
  if (isFirst) await ground.lab.exec('laptop', ['rm', '-rf', '.cache/scailfin']);
  for (const args of before(ground)) {
    const ran = await ground.cli(args);
    if (ran.exitCode !== 0) throw new Error(`before the fault: ${args.join(' ')}: ${ran.stderr}`);
  }
}

/** The command with the fault. */
async function meet(ground: Ground, trial: Trial, wrong: string[]): Promise<Met> {
  const { scenario, point, fault, chance } = trial;
  const tried = await ground.start(scenario.command(ground), fault.plan(point, chance));
  const late = setTimeout(() => {
    wrong.push(`the command did not end in ${longest / 1000} s`);
    tried.kill();
  }, longest);
  try {
    await tried.meeting.attend(tried.exited, async () => void (await fault.begin?.(ground, point, tried)));
    await tried.exited;
  } finally {
    clearTimeout(late);
    await fault.end?.(ground);
  }
  const status = await tried.exited;
  const isReached = tried.meeting.trace().some(line => line.phase === 'fault');
  const said = saidOf(tried);
  if (status !== null && status !== 0 && status < 128) wrong.push(...wrongWords(said, tried));
  const ended = !isReached
    ? 'not reached'
    : status === 0
      ? 'did it'
      : status === null || status >= 128
        ? 'killed'
        : 'said why';
  return { ended, said: ended === 'said why' ? `status ${status}: ${said}` : `status ${status}` };
}

const saidOf = ({ stderr }: Tried): string => {
  const at = stderr.lastIndexOf('error: ');
  return (at < 0 ? stderr : stderr.slice(at)).trim();
};

/** Every error says what happened and what to type. */
function wrongWords(said: string, { stdout, stderr }: Tried): string[] {
  const isBug = /bug in scailfin|\n\s+at .*\.m?js:\d+/.test(`${stdout}${stderr}`);
  if (isBug) return [`an error that is no error for users: ${said}`];
  return /^error: [\s\S]*\n {2}→ /.test(said) ? [] : [`an error without a hint: ${said}`];
}

/** At every moment: at most one pool, and no more glide-ins than were asked for. */
async function wrongNow(ground: Ground, { nodes, most: allowed = nodes }: Scenario): Promise<string[]> {
  const [pools, jobs] = [await ground.pools(), await ground.jobs()];
  const most = allowed + (ground.hasRival ? 1 : 0);
  return [
    ...(pools > 1 ? [`${pools} pools run`] : []),
    ...(jobs.length > most ? [`${jobs.length} glide-ins of ${most}: ${jobs.join(' ')}`] : []),
  ];
}

/** The same command again has exactly what was asked for; or it says that the cluster must be taken down first. */
async function typeAgain(
  ground: Ground,
  scenario: Scenario,
  { said, ended }: Met,
): Promise<{ wrong: readonly string[]; ending?: 'sent' }> {
  for (const args of scenario.again(ground)) {
    const ran = await ground.cli(args);
    if (ran.exitCode !== 0 && ran.stderr.includes(`: scailfin down ${NAME}`)) {
      // its hint may have been about the same command
      const isSame = isDeepStrictEqual(args, scenario.command(ground));
      const isTold = ended !== 'said why' || !isSame || said.includes(`scailfin down ${NAME}`);
      return { wrong: isTold ? [] : [`the hint led nowhere: ${said}`], ending: 'sent' };
    }
    if (ran.exitCode !== 0) return { wrong: [`again: ${lastWords(ran)}`] };
  }
  if (ground.hasRival) return { wrong: ['again: another machine has a cluster of that name'] };
  return { wrong: [...(await wrongNow(ground, scenario)), ...(await wrongCluster(ground, scenario))] };
}

/** Exactly the glide-ins that were asked for, by the batch system and on the nodes. Those that were just submitted take a moment to begin. */
async function wrongCluster(ground: Ground, { nodes }: Scenario): Promise<string[]> {
  const end = Date.now() + 60_000;
  for (;;) {
    const [jobs, running] = [await ground.jobs(), await ground.glideins()];
    if (jobs.length === nodes && running === nodes) return [];
    if (Date.now() > end) return [`again: ${nodes} were asked for; ${jobs.length} jobs, ${running} glide-ins run`];
    await sleep(500);
  }
}

/** `down` ends with nothing on any host, and says so; a cluster that never began is not known. */
async function wrongAfterDown(ground: Ground): Promise<string[]> {
  const ran = await ground.cli(['down', NAME, '--json']);
  const isUnknown = ran.exitCode === 2 && ran.stdout.includes('knows no cluster');
  if (ran.exitCode !== 0 && !isUnknown) return [`down: ${lastWords(ran)}`, ...(await wrongAfterRival(ground))];
  const rival = await wrongAfterRival(ground);
  const left = await leftAfter(ground);
  return left.length === 0
    ? rival
    : [...rival, `down ${isUnknown ? 'knew nothing' : 'verified'}, and left: ${left.slice(0, 6).join('; ')}`];
}

/** What another machine has under the same name is not touched; then it is taken down there. */
async function wrongAfterRival(ground: Ground): Promise<string[]> {
  if (!ground.hasRival) return [];
  ground.hasRival = false;
  const jobs = await ground.jobs();
  const ran = await ground.cli(['down', NAME, '--json'], 'headnode');
  return [
    ...(jobs.length === 1 ? [] : [`the rival has ${jobs.length} jobs of 1`]),
    ...(ran.exitCode === 0 ? [] : [`the rival's down: ${lastWords(ran)}`]),
  ];
}

/**
 * A session's own processes take a moment to follow their command; a glide-in that is killed is tidied up by its keeper, which gives
 * HTCondor 10 s.
 */
async function leftAfter(ground: Ground): Promise<string[]> {
  const end = Date.now() + 20_000;
  for (;;) {
    const left = await ground.lab.leftovers();
    if (left.length === 0 || Date.now() > end) return left;
    await sleep(300);
  }
}

const lastWords = ({ stdout, stderr, exitCode }: Ran): string =>
  `status ${exitCode}: ${`${stdout}${stderr}`.trim().slice(-600)}`;
