import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { defaultWork } from '../hosts/probe.js';
import { poolConfig } from '../htcondor/pool.js';
import { schedulerFor } from '../schedulers/registry.js';
import { commandLine } from '../shell.js';
import { templateText } from '../templates.js';
import { poolDir, siteDir } from './context.js';
import { type ClusterSpec, headnodeName, type SiteSpec } from './spec.js';
import { glideinFiles, pilotJob } from './steps/glideins.js';
import { trustDomain } from './steps/headnode.js';

/** Scripts that are sent as they are. */
const HEADNODE_SCRIPTS = ['layout', 'pool-start', 'pool-stop', 'pool-query', 'payload-cut'];
const SITE_SCRIPTS = ['probe', 'reach', 'prepare', 'unpack', 'submit', 'close', 'remove', 'logs'];

/**
 * Writes every file that would leave this machine below `dir`, without any network. What is only learnt on the site
 * or the headnode stands there as `@WORD@`; the token and the payload are made there and are not written.
 * @returns the files' paths below `dir`
 */
export function renderAll(cluster: ClusterSpec, site: SiteSpec, dir: string): string[] {
  const scheduler = schedulerFor(site.profile.scheduler.type);
  const base = placeholders(site.profile.directories.work ?? defaultWork);
  const there = siteDir(base, cluster.name);
  const pool = poolDir(placeholders(defaultWork), cluster.name);
  const domain = trustDomain(cluster.name, '@CLUSTER-ID@');
  const settings = {
    ...{ cluster: cluster.name, address: '@HEADNODE-ADDRESS@', port: cluster.port, trustDomain: domain },
    ...{ payload: `${base}/payload/@SHA256@`, payloadGlibc: '@GLIBC@', payloadArch: '@ARCH@' },
  };
  const { arrays } = site.profile.scheduler;
  const { argv, script } = scheduler.submit(pilotJob(site, cluster.name, there, arrays ? site.nodes : 1));
  const how = commandLine(argv);
  const times = arrays ? 'once' : `${site.nodes} times`;
  const files: [string, string, number][] = [
    [
      'README',
      readme(
        cluster,
        site,
        how.includes('\n') ? `${argv[0]} (templates/batch/${scheduler.name}-submit.sh)` : how,
        times,
      ),
      0o644,
    ],
    ['headnode/condor_config', poolConfig({ dir: pool, name: cluster.name, trustDomain: domain }), 0o600],
    ...HEADNODE_SCRIPTS.map((name): [string, string, number] => [
      `headnode/${name}.sh`,
      templateText(`headnode/${name}.sh`),
      0o644,
    ]),
    ...SITE_SCRIPTS.map((name): [string, string, number] => [
      `site/${name}.sh`,
      templateText(`site/${name}.sh`),
      0o644,
    ]),
    ...glideinFiles(site, settings).map((f): [string, string, number] => [`site/${f.name}`, f.content, f.mode]),
    [`site/job.${scheduler.name}`, script, 0o644],
  ];
  for (const [name, content, mode] of files) {
    mkdirSync(dirname(join(dir, name)), { recursive: true });
    writeFileSync(join(dir, name), content, { mode });
  }
  return files.map(([name]) => name);
}

/** `$HOME/.scailfin` → `/@HOME@/.scailfin`: only the site knows. */
function placeholders(path: string): string {
  return path.replaceAll(/\$\{?(\w+)\}?/g, '/@$1@').replaceAll('//', '/');
}

function readme(cluster: ClusterSpec, site: SiteSpec, how: string, times: string): string {
  return `What scailfin would send for the cluster ${cluster.name} at ${site.site}.

headnode/   goes to the headnode (${headnodeName(cluster.headnode)}): the pool's configuration, and the scripts that start, ask and stop it
site/       goes to the site's login node: the glide-in, its settings, and the scripts that place, submit and remove it
            site/job.${site.profile.scheduler.type} is submitted ${times} by: ${how}

Words between @ signs are learnt on the way: directories from the site, the address from the headnode. The glide-ins' token
and the payload cut from the headnode's HTCondor are made there, so they are not here.
`;
}
