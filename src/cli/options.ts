import { type Command, InvalidArgumentError, Option } from 'commander';
import type { Framework } from '../frameworks/framework.js';
import { frameworkOptions, frameworks, services } from '../frameworks/registry.js';
import { transports } from '../hosts/target.js';
import { parseBind } from '../sites/binds.js';
import { parseDuration, parseGpus, parseMemory } from '../units.js';

const parsed =
  <T>(parse: (text: string) => T | undefined, wanted: string) =>
  (text: string): T => {
    const value = parse(text);
    if (value === undefined) throw new InvalidArgumentError(`Write ${wanted}.`);
    return value;
  };

export const positive = parsed(t => (/^[1-9]\d{0,5}$/.test(t) ? Number(t) : undefined), 'a whole number from 1');
export const natural = parsed(t => (/^\d{1,6}$/.test(t) ? Number(t) : undefined), 'a whole number from 0');
/** Seconds. */
export const duration = parsed(parseDuration, '30m, 2h, 1d12h or 02:00:00');
const gpus = parsed(parseGpus, '2, or 2:TYPE');
const several = (text: string, before: string[] = []): string[] => [...before, text];
/** Node-hours. */
export const hours = parsed(
  t => (/^\d{1,7}(\.\d{1,4})?$/.test(t) && Number(t) > 0 ? Number(t) : undefined),
  '100 or 0.5',
);
/** MiB. */
export const memory = parsed(parseMemory, '4G or 512M');

/** @throws InvalidArgumentError for a path that no container can show */
function bind(text: string, before: readonly string[] = []): readonly string[] {
  const read = parseBind(text);
  if (typeof read === 'string') throw new InvalidArgumentError(`${read}.`);
  return [...before, text];
}

/** The options with which `up` and `render` describe a site. */
export function siteOptions(command: Command): Command {
  command
    .option(
      '--site <site>',
      'the site: a name (scailfin sites list) or the path of a profile; not needed for a cluster that exists',
    )
    .option('--headnode <where>', 'where the pool runs: local, login or [user@]host')
    .option(
      '--relay',
      "let a relay on the site's login node carry the pool's traffic; default: if the profile says that nodes have no way out, or the site can't reach the headnode",
    )
    .option('--no-relay', 'use no relay')
    .option('--nodes <n>', 'number of glide-ins; each gets one node', positive)
    .option(
      '--nodes-per-job <n>',
      "nodes of each batch job; --nodes is rounded up to whole jobs; default: 1, or what the queue's limits need",
      positive,
    )
    .addOption(
      new Option(
        '--submit <way>',
        'who submits glide-ins: direct (this command) or bosco (the headnode, whenever jobs wait); default: direct',
      ).choices(['direct', 'bosco']),
    )
    .option('--min <n>', 'with --submit bosco: smallest number of glide-ins; default: 0', natural)
    .option('--max <n>', 'with --submit bosco: largest number of glide-ins; default: --nodes', positive)
    .option('--cores <n>', 'cores of each node', positive)
    .option('--memory <size>', 'memory of each node, such as 4G', memory)
    .option('--gpus <n[:type]>', 'GPUs of each node, and their type, such as 2 or 2:a100', gpus)
    .option(
      '--directive <text>',
      "one more option for the site's batch system, such as --reservation=NAME; repeatable",
      several,
    )
    .option('--walltime <time>', 'how long each glide-in may run, such as 2h', duration)
    .option('--max-node-hours <h>', 'the most that all glide-ins at the site may use together, nodes × hours', hours)
    .option('--queue <queue>', "the site's queue, partition or QOS")
    .option('--account <account>', 'the allocation to charge')
    .option(
      '--bind <src[:dst][:ro]>',
      "a file or directory of the site that steps see, such as '$SCRATCH' or /cvmfs; may be repeated",
      bind,
    )
    .option('--user <user>', 'your user name at the site')
    .option('--idle-timeout <time>', 'how long a glide-in without a job waits before it ends, such as 10m', duration)
    .option(
      '--queue-time <time>',
      'how long a glide-in may wait in the queue before its token expires; default: 7d',
      duration,
    )
    .addOption(
      frameworkNames(
        new Option(
          '--framework <names>',
          `what the cluster offers: ${services.map(f => f.about).join('; ')}; several as in reana,dask; default: ${frameworks[0]?.name}`,
        ),
        frameworks,
      ),
    );
  for (const { name, value, help, choices } of frameworkOptions) {
    const option = new Option(`--${name} ${value}`, help);
    command.addOption(choices ? option.choices([...choices]) : option);
  }
  return command;
}

/** An option with the names of frameworks, between commas or in several such options. @param among those that it accepts */
export function frameworkNames(option: Option, among: readonly Framework[]): Option {
  const known = among.map(f => f.name);
  return option.argParser((text: string, before: string[] | undefined) => {
    const names = text.split(',').map(name => name.trim());
    const unknown = names.find(name => !known.includes(name));
    if (unknown !== undefined)
      throw new InvalidArgumentError(
        `There is no framework ${JSON.stringify(unknown)}; there are: ${known.join(', ')}.`,
      );
    return [...new Set([...(before ?? []), ...names])];
  });
}

/** For every verb that connects to a host. */
export const transportOption = (): Option =>
  new Option(
    '--transport <program>',
    "which SSH client to use; default: the site's choice, or what ~/.ssh/config needs",
  ).choices(transports);

export const jsonOption = (): Option => new Option('--json', 'print one JSON document');
