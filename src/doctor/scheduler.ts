import { placeOf } from '../cluster/context.js';
import { SchedulerError } from '../errors.js';
import type { Host } from '../hosts/host.js';
import { keyValues, runScript } from '../hosts/script.js';
import { type Place, runBatches } from '../schedulers/programs.js';
import { type SchedulerName, schedulerFor, siteSchedulers } from '../schedulers/registry.js';
import { known, type NodeSize, type QueueInfo } from '../schedulers/survey.js';
import { parseProfile } from '../sites/profile.js';
import { templateText } from '../templates.js';
import { type Detected, detect } from './detect.js';
import type { ShellFacts } from './facts.js';
import { profileFile } from './patient.js';
import { propose } from './propose.js';
import { type Context, type Finding, failed, ok, type Stage } from './stage.js';

/** The batch system's commands exist, belong to the system that the profile names, and it answers. */
export const scheduler: Stage = {
  id: 'scheduler',
  title: 'Batch system',

  async run(context) {
    const { facts, patient } = context;
    const host = facts.get('host');
    const wanted = patient.site?.profile.scheduler.type;
    const { user } = facts.get('shell');
    if (wanted !== undefined) {
      const problem = await missingProgram(context, host, wanted);
      if (problem) return problem;
    }
    const place = placeAt(context);
    const found = await detect(host, user, wanted === undefined ? undefined : [wanted], place);
    const [first] = found;
    if (first?.silent === undefined && first) return present(context, host, first);
    if (first) return silent(context, host, found, wanted);
    return wanted === undefined ? none(context, host) : wrongSystem(context, host, wanted);
  },
};

async function present(context: Context, host: Host, { name, version, left }: Detected): Promise<Finding> {
  const found = schedulerFor(name);
  context.facts.learn({ batch: { version, scheduler: found, left } });
  const { site } = context.patient;
  const queues = await queuesOf(host, name, placeAt(context), site?.profile.scheduler.cluster);
  context.facts.learn({ queues });
  if (!site) context.facts.learn({ node: await nodeOf(host, name, queues) });
  context.facts.learn({ profile: site?.profile ?? parseProfile(propose(context), 'the proposed profile') });
  const listed = queues.map(q => q.name).join(', ');
  return ok(`${found.survey.title} ${version}${listed === '' ? '' : `; queues: ${listed}`}`);
}

const placeAt = ({ patient }: Context): Place => (patient.site ? placeOf(patient.site.profile) : {});

/** If queues can't be listed, nothing is lost: the next stage asks about one of them. */
async function queuesOf(
  host: Host,
  name: SchedulerName,
  place: Place,
  cluster: string | undefined,
): Promise<QueueInfo[]> {
  const { queues } = schedulerFor(name).survey;
  if (!queues) return [];
  try {
    const commands = (cluster !== undefined && queues.inCluster?.(cluster)) || queues.commands;
    return queues.parse(await runBatches(host, schedulerFor(name), place, commands));
  } catch (error) {
    if (error instanceof SchedulerError) return [];
    throw error;
  }
}

async function nodeOf(host: Host, name: SchedulerName, queues: readonly QueueInfo[]): Promise<NodeSize> {
  const { node } = schedulerFor(name).survey;
  if (node) return node.parse(await host.run(node.command.argv, { check: false }));
  const usual = queues.find(q => q.default) ?? queues[0];
  return known({ cores: usual?.cores, memory: usual?.memory });
}

/** Names the first program that a command by ssh does not find, where it is, and the line that helps. */
async function missingProgram(context: Context, host: Host, wanted: SchedulerName): Promise<Finding | undefined> {
  const { title, programs } = schedulerFor(wanted).survey;
  const out = await runScript(host, templateText('site/programs.sh'), programs);
  const values = keyValues(out.stdout);
  const at = (key: string): Map<string, string> =>
    new Map((values.get(key) ?? []).map(line => line.split(' ') as [string, string]));
  const [here, login, near] = [at('here'), at('login'), at('near')];
  const missing = programs.filter(p => !here.has(p));
  const [first] = missing;
  const { path, module: loaded } = placeAt(context);
  // `up` and the other commands find them as a login shell does, and as the profile says
  if (first === undefined || path !== undefined || loaded !== undefined || missing.every(p => login.has(p)))
    return undefined;
  const shell = context.facts.get('shell');
  const which = missing.join(', ');
  const not = `${which}: not in the PATH of commands that come by ssh (${shell.path})`;
  const elsewhere = login.get(first) ?? near.get(first);
  if (elsewhere !== undefined) {
    const directory = elsewhere.slice(0, elsewhere.lastIndexOf('/'));
    const how = login.has(first) ? `although a login shell finds ${elsewhere}` : `although there is ${elsewhere}`;
    const ours = context.patient.site
      ? `; or write scheduler.path: ${directory} in ${profileFile(context.patient)}`
      : '';
    return failed(`${not}, ${how}`, `at the site, ${topLine(shell, pathLine(shell, directory))}${ours}`);
  }
  const others = (await detect(host, shell.user)).filter(d => d.silent === undefined && d.name !== wanted);
  if (others[0]) return otherSystem(context, `${not}, nor in a login shell's`, others[0]);
  const module = values.get('module')?.[0];
  if (module)
    return failed(
      `${not}, but there is a module ${module}`,
      `at the site, ${topLine(shell, `module load ${module}`)}; or write scheduler.module: ${module} in ${profileFile(context.patient)}`,
    );
  return failed(
    `${not}, nor in a login shell's`,
    `ask the site how to use ${title}; once \`command -v ${first}\` says where it is, ${topLine(shell, pathLine(shell, 'ITS-DIRECTORY'))}`,
  );
}

/** The line must come first, because many start-up files end early if there is no terminal. */
function topLine({ shell }: ShellFacts, line: string): string {
  const file = /csh$/.test(shell) ? '~/.cshrc' : shell === 'zsh' ? '~/.zshenv' : '~/.bashrc';
  return `put this at the top of ${file}: ${line}`;
}

function pathLine({ shell }: ShellFacts, directory: string): string {
  return /csh$/.test(shell) ? `setenv PATH ${directory}:$PATH` : `export PATH=${directory}:$PATH`;
}

function otherSystem(context: Context, what: string, { name, version }: Detected): Finding {
  return failed(
    `${what}; but ${schedulerFor(name).survey.title} ${version} is there`,
    `if the site uses that now, write scheduler.type: ${name} in ${profileFile(context.patient)}`,
  );
}

/** The programs exist, but belong to another system. */
async function wrongSystem(context: Context, host: Host, wanted: SchedulerName): Promise<Finding> {
  const { title, programs, version } = schedulerFor(wanted).survey;
  const what = `${programs[0]} is there, but \`${version.command.argv.join(' ')}\` does not answer as ${title} does`;
  const [other] = await detect(host, context.facts.get('shell').user);
  if (other && other.silent === undefined) return otherSystem(context, what, other);
  return failed(what, `run it there by hand; if another system is meant, correct scheduler.type in the profile`);
}

async function silent(
  context: Context,
  host: Host,
  found: readonly Detected[],
  wanted: SchedulerName | undefined,
): Promise<Finding> {
  const said = found.map(
    d => `${schedulerFor(d.name).survey.title} ${d.version} is installed but does not answer: ${d.silent}`,
  );
  const what = said.join('\n');
  if (wanted === undefined)
    return failed(
      what,
      'if one of them is the site’s, try again when it is back; otherwise log in to a node that accepts jobs',
    );
  const others = siteSchedulers.filter(name => name !== wanted);
  const [other] = await detect(host, context.facts.get('shell').user, others);
  if (other && other.silent === undefined) return otherSystem(context, what, other);
  return failed(what, 'try again when it is back; see the site’s status page');
}

async function none(context: Context, host: Host): Promise<Finding> {
  const names = [...new Set(siteSchedulers.flatMap(name => schedulerFor(name).survey.programs[0] ?? []))];
  const out = await runScript(host, templateText('site/programs.sh'), names);
  const values = keyValues(out.stdout);
  const [program, path] = (values.get('login') ?? values.get('near') ?? [])[0]?.split(' ') ?? [];
  const shell = context.facts.get('shell');
  if (program !== undefined && path !== undefined) {
    const directory = path.slice(0, path.lastIndexOf('/'));
    const not = `${program} is at ${path}, but not in the PATH of commands that come by ssh (${shell.path})`;
    return failed(not, `at the site, ${topLine(shell, pathLine(shell, directory))}`);
  }
  return failed(
    `no batch system: none of ${names.join(', ')} is in the PATH (${shell.path}), nor in a login shell's`,
    'this may not be a login node: ask the site which host accepts jobs',
  );
}
