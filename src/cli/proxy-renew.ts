import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { ClusterRecord } from '../cluster/record.js';
import type { Passphrases } from '../credentials/passphrases.js';
import type { GridProxy } from '../credentials/x509/proxy.js';
import { messageOf, UsageError } from '../errors.js';
import { formatDuration } from '../units.js';
import { jsonOption, positive } from './options.js';
import { passphrasesFrom, type SecretFlags, secretOptions } from './passphrase-options.js';
import type { Ui } from './ui.js';

interface Flags extends SecretFlags {
  all?: boolean;
  hours?: number;
  file?: string;
  watch?: boolean;
}

/** One proxy, and the clusters whose jobs use a proxy made from it. */
interface Task {
  readonly file: string;
  readonly clusters: readonly ClusterRecord[];
}

/**
 * A watched proxy is renewed when this part of its lifetime or less is left; a failed renewal is repeated after
 * retrySeconds.
 */
const lastPart = 1 / 3;
const retrySeconds = 60;

export function registerRenew(proxy: Command, ui: Ui): void {
  secretOptions(
    proxy
      .command('renew')
      .description('renew the proxy the way it was made, and give it to the clusters that use it')
      .argument('[name]', 'the cluster whose proxies are renewed; default: all clusters that use the proxy')
      .option('--all', 'renew every proxy that any cluster uses')
      .option('--hours <n>', 'lifetime of the proxy in hours; default: as when it was made', positive)
      .option('--file <file>', 'which proxy; default: X509_USER_PROXY, /tmp/x509up_u<uid>')
      .option('--watch', 'keep running, and renew whenever two thirds of the lifetime are over, until Ctrl-C'),
  )
    .addOption(jsonOption())
    .action(async (name: string | undefined, flags: Flags) => {
      const tasks = await tasksOf(name, flags);
      const passphrases = await passphrasesFrom(flags, ui);
      const renewAll = async (): Promise<GridProxy[]> => {
        const proxies: GridProxy[] = [];
        for (const task of tasks) proxies.push(await renewOne(task, flags.hours, passphrases, ui));
        return proxies;
      };
      const proxies = await renewAll();
      if (ui.json && !flags.watch) {
        const told = proxies.map(({ file, end }, n) => ({ file, end, clusters: tasks[n]?.clusters.map(c => c.name) }));
        ui.printJson(told);
      }
      if (flags.watch) await watch(proxies, renewAll, ui);
    });
}

/** Which proxies to renew, and which clusters use them. @throws UsageError */
async function tasksOf(name: string | undefined, flags: Flags): Promise<Task[]> {
  const [{ allRecords }, { dependences }, { proxyFile }, { pickRecord }] = await Promise.all([
    import('../cluster/journal.js'),
    import('../cluster/credentials.js'),
    import('../credentials/x509/proxy.js'),
    import('./session.js'),
  ]);
  if (name !== undefined && (flags.all || flags.file !== undefined)) {
    throw new UsageError(`a cluster, or ${flags.all ? '--all' : '--file'}: not both`, {
      hint: `scailfin proxy renew ${name}`,
    });
  }
  const records = name === undefined ? allRecords().filter(r => r.state !== 'terminated') : [pickRecord(name)];
  const uses = (record: ClusterRecord): string[] =>
    dependences(
      record.spec,
      record.sites.map(s => s.spec),
    ).flatMap(d => (d.kind === 'proxy' ? [d.file] : []));
  const asked = name !== undefined || flags.all ? records.flatMap(uses) : [resolve(flags.file ?? proxyFile())];
  if (asked.length === 0) {
    throw new UsageError(`${name ?? 'no cluster'} uses ${name ? 'no' : 'a'} proxy`, {
      hint: 'renew your own: scailfin proxy renew',
    });
  }
  return [...new Set(asked)].map(file => ({ file, clusters: records.filter(r => r.spec.proxy === file) }));
}

async function renewOne(
  { file, clusters }: Task,
  hours: number | undefined,
  passphrases: Passphrases,
  ui: Ui,
): Promise<GridProxy> {
  const [{ renew }, { announce }] = await Promise.all([import('../credentials/renewal.js'), import('./proxy-show.js')]);
  const made = await renew({ file, hours, passphrases });
  if (!ui.json) await announce(made, ui);
  if (clusters.length === 0) return made.proxy;
  const [{ jobProxy }, { renewCluster }, { withCluster }] = await Promise.all([
    import('../cluster/credentials.js'),
    import('../cluster/renew.js'),
    import('./session.js'),
  ]);
  const forJobs = await jobProxy(file);
  for (const { name } of clusters) await withCluster(ui, name, {}, context => renewCluster(context, forJobs));
  return made.proxy;
}

/** @throws the error of the last attempt, once a proxy has expired */
async function watch(first: readonly GridProxy[], renewAll: () => Promise<GridProxy[]>, ui: Ui): Promise<never> {
  for (let proxies = first; ; ) {
    const end = Math.min(...proxies.map(p => p.end.getTime()));
    const wait = Math.max(1000, (end - Date.now()) * (1 - lastPart));
    ui.say(`the next renewal is in ${formatDuration(Math.round(wait / 1000))}; Ctrl-C ends the watch`);
    await sleep(wait);
    proxies = await untilRenewed(renewAll, end, ui);
  }
}

async function untilRenewed(renewAll: () => Promise<GridProxy[]>, end: number, ui: Ui): Promise<GridProxy[]> {
  for (;;) {
    try {
      return await renewAll();
    } catch (error) {
      if (Date.now() >= end) throw error;
      ui.say(`the proxy could not be renewed: ${messageOf(error)}; trying again in ${formatDuration(retrySeconds)}`);
      await sleep(Math.min(retrySeconds * 1000, Math.max(1000, end - Date.now())));
    }
  }
}

/** setTimeout(3) takes no more than 2^31 − 1 ms. */
const sleep = (ms: number): Promise<void> => new Promise(resolve => setTimeout(resolve, Math.min(ms, 2 ** 31 - 1)));
