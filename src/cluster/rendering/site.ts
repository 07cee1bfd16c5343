import { defaultWork } from '../../hosts/probe.js';
import { type Folder, type Leaving, placeholders, purpose, script, scriptNames } from '../../leaving.js';
import { jobsFor } from '../../schedulers/nodes.js';
import { schedulerFor } from '../../schedulers/registry.js';
import { commandLine } from '../../shell.js';
import { siteDir } from '../context.js';
import { type ClusterSpec, perJob, type SiteSpec } from '../spec.js';
import { glideinFiles } from '../steps/glideinfiles.js';
import { batchJob } from '../steps/glideins.js';
import { trustDomain } from '../steps/headnode.js';

/** Sent only by `scailfin sites check`. */
const CHECKS = ['left', 'look', 'node', 'noise', 'programs', 'shell', 'urls', 'workdir'];

/** The files of the glide-ins, and the scripts that place, submit and remove them. */
export function siteFolder(cluster: ClusterSpec, site: SiteSpec): Folder {
  const base = placeholders(site.profile.directories.work ?? defaultWork);
  const dir = siteDir(base, cluster.name);
  const settings = {
    ...{ cluster: cluster.name, address: '@HEADNODE-ADDRESS@', port: cluster.port },
    ...{ trustDomain: trustDomain(cluster.name, '@CLUSTER-ID@'), payload: `${base}/payload/@SHA256@` },
    ...{ payloadGlibc: '@GLIBC@', payloadArch: '@ARCH@', isRelayed: cluster.relay === true },
  };
  const { type } = site.profile.scheduler;
  const own = scriptNames('batch').filter(name => name.startsWith(`${type}-`));
  return {
    name: 'site',
    goes: `goes to the site's login node, below ${dir}; scripts are run over the connection and are not stored`,
    files: [
      ...(site.submit === 'bosco' ? [] : [jobFile(cluster, site, dir)]),
      ...glideinFiles(site, settings).map(file => ({
        ...file,
        what: glideinWords[file.name] ?? purpose(file.content),
      })),
      ...own.map(name => script(`batch/${name}`)),
      ...scriptNames('site')
        .filter(name => !CHECKS.includes(name))
        .map(name => script(`site/${name}`)),
    ],
  };
}

const glideinWords: Readonly<Record<string, string>> = {
  settings: 'the settings of the glide-in; read by glidein.sh',
  'glidein.conf': "the configuration of the glide-in's HTCondor; glidein.sh fills in its @WORDS@ on the node",
};

function jobFile(cluster: ClusterSpec, site: SiteSpec, dir: string): Leaving {
  const { type, arrays } = site.profile.scheduler;
  const jobs = jobsFor(site.nodes, perJob(site));
  const { argv, script } = schedulerFor(type).submit(batchJob(site, cluster.name, dir, arrays ? jobs : 1, 'b1'));
  const line = commandLine(argv);
  const how = line.includes('\n') ? `${argv[0]} (${type}-submit.sh)` : line;
  const times = arrays ? 'once' : `${jobs} times`;
  const what = `the job of the glide-ins, submitted ${times} by: ${how}`;
  return { name: `job.${type}`, content: script, mode: 0o644, what };
}

/** The scripts that `scailfin sites check` runs at the site; `up` sends none of them. */
export function checkFolder(): Folder {
  return {
    name: 'check',
    goes:
      'goes to the login node, only by `scailfin sites check`; left, look and node only with --deep, ' +
      'node.sh to a compute node as the command of a job like site/job',
    files: CHECKS.map(name => script(`site/${name}`)),
  };
}
