import { headnodeFiles, siteFiles, wayFiles } from '../../headnode/bosco/files.js';
import type { FileToPut } from '../../hosts/host.js';
import { defaultWork } from '../../hosts/probe.js';
import { type Folder, type Leaving, placeholders, purpose, script, scriptNames } from '../../leaving.js';
import { boscoSchedulers } from '../../schedulers/registry.js';
import { poolDir, siteDir } from '../context.js';
import { type ClusterSpec, headnodeName, type SiteSpec, tagOf } from '../spec.js';
import { glideinScript, sizeOf } from '../steps/bosco.js';

/** Run at the site, or by what is there. */
const AT_SITE = ['close', 'key', 'place'];
const KEPT = ['blahpd', 'grow', ...boscoSchedulers.map(name => `${name}_status`)];

/** What lets a pool grow by itself, where the site is to be submitted to so. */
export function boscoFolders(cluster: ClusterSpec, site: SiteSpec): Folder[] {
  if (site.submit !== 'bosco') return [];
  const pool = poolDir(placeholders(defaultWork), cluster.name);
  const there = siteDir(placeholders(site.profile.directories.work ?? defaultWork), cluster.name);
  const { login, scheduler } = site.profile;
  const plan = {
    ...{ site: site.site, siteDir: there, scheduler: scheduler.type, tag: tagOf(cluster.name) },
    ...{ script: glideinScript(site, cluster.name, there), payload: `${there}/payload/@SHA256@` },
    ...{
      bounds: { min: site.min ?? 0, max: site.nodes },
      ...sizeOf(site),
    },
    ...{ source: cluster.htcondor, programs: '@PROGRAMS@', sites: [site.site] },
  };
  const way = login && {
    ...{ host: login.hosts[0] as string, port: login.port ?? 22, user: site.user ?? '@USER@', hostKeys: [] },
  };
  const isHere = cluster.headnode.kind === 'login' || !login;
  const ways = wayFiles(pool, plan, isHere ? undefined : way, true).filter(f => f.path.endsWith('/gahp'));
  const names = scriptNames('bosco').filter(name => !KEPT.includes(name));
  return [
    {
      name: 'grow',
      goes: `goes to the headnode (${headnodeName(cluster.headnode)}), below ${pool}; scripts named in no other file are run there over the connection and not kept`,
      files: [
        ...[...headnodeFiles(pool, plan), ...ways].map(f => leaving(f, pool, headnodeWords)),
        ...names.filter(name => !AT_SITE.includes(name)).map(name => script(`bosco/${name}`)),
      ],
    },
    {
      name: 'blahp',
      goes: `goes to the site's login node, below ${there}/bosco, beside the blahpd that is cut from the headnode's HTCondor; close, key and place are run over the connection and not kept`,
      files: [
        ...siteFiles(plan).map(f => leaving(f, `${there}/bosco`, siteWords)),
        ...names.filter(name => AT_SITE.includes(name)).map(name => script(`bosco/${name}`)),
      ],
    },
  ];
}

const headnodeWords: Readonly<Record<string, string>> = {
  'bosco.config': "a part of the pool's configuration: what grows it, and how its jobs get to the site",
  'run.sh': "by this the pool's master runs grow.sh",
  'weigh.awk': 'the arithmetic of grow.sh: idle jobs against free cores and those that are coming',
  'glidein.sub': 'the job by which HTCondor submits a glide-in, read by condor_submit',
  gahp: "what HTCondor runs to submit there: blahpd, by ssh; with the cluster's key where it needs one of its own",
  settings: 'how many glide-ins there shall be, and what one has; read by grow.sh',
};

const siteWords: Readonly<Record<string, string>> = {
  job: "the job of a glide-in: blahp's hook local_submit_attributes prints it, so that it is what is submitted",
};

function leaving({ path, content, mode }: FileToPut, dir: string, words: Readonly<Record<string, string>>): Leaving {
  const name = path.slice(dir.length + 1);
  const what = words[name.slice(name.lastIndexOf('/') + 1)] ?? purpose(String(content));
  return { name, content: String(content), mode, what };
}
