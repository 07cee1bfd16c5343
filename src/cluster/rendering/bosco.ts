import { headnodeFiles, siteFiles, siteScripts, wayFiles } from '../../headnode/bosco/files.js';
import type { FileToPut } from '../../hosts/host.js';
import { defaultWork } from '../../hosts/probe.js';
import { type Folder, type Leaving, placeholders, purpose, script, scriptNames } from '../../leaving.js';
import { boscoSchedulers } from '../../schedulers/registry.js';
import { poolDir, siteDir } from '../context.js';
import { headnodeName } from '../headnodes.js';
import type { ClusterSpec, SiteSpec } from '../spec.js';
import { glideinScript, sizeOf } from '../steps/bosco.js';

/** Run at the site, or by programs there. */
const AT_SITE = ['close', 'key', 'place'];
const KEPT = ['blahpd', 'grow', ...boscoSchedulers.flatMap(siteScripts)];

/** The files with which a pool grows by itself, if the site is used that way. */
export function boscoFolders(cluster: ClusterSpec, site: SiteSpec): Folder[] {
  if (site.submit !== 'bosco') return [];
  const pool = poolDir(placeholders(defaultWork), cluster.name);
  const there = siteDir(placeholders(site.profile.directories.work ?? defaultWork), cluster.name);
  const { login, scheduler } = site.profile;
  const plan = {
    ...{ site: site.site, siteDir: there, scheduler: scheduler.type },
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
      goes: `goes to the headnode (${headnodeName(cluster.headnode)}), below ${pool}; scripts that no other file names are run over the connection and are not stored`,
      files: [
        ...[...headnodeFiles(pool, plan), ...ways].map(f => leaving(f, pool, headnodeWords)),
        ...names.filter(name => !AT_SITE.includes(name)).map(name => script(`bosco/${name}`)),
      ],
    },
    {
      name: 'blahp',
      goes: `goes to the site's login node, below ${there}/bosco, beside blahpd, which comes from the headnode's HTCondor; close, key and place are run over the connection and are not stored`,
      files: [
        ...siteFiles(plan).map(f => leaving(f, `${there}/bosco`, siteWords)),
        ...names.filter(name => AT_SITE.includes(name)).map(name => script(`bosco/${name}`)),
      ],
    },
  ];
}

const headnodeWords: Readonly<Record<string, string>> = {
  'bosco.config': "a part of the pool's configuration: the program that grows it, and the way its jobs reach the site",
  'run.sh': "the pool's master runs grow.sh with this",
  'weigh.awk': 'the arithmetic of grow.sh: compares idle jobs with free and expected cores',
  'glidein.sub': 'the job with which HTCondor submits a glide-in, read by condor_submit',
  gahp: "HTCondor runs this to submit there: it starts blahpd by ssh, with the cluster's own key if one is needed",
  settings: 'the number of glide-ins, and the size of one; read by grow.sh',
};

const siteWords: Readonly<Record<string, string>> = {
  job: "the job of a glide-in: blahp's hook local_submit_attributes prints it, so that this is the job that is submitted",
};

function leaving({ path, content, mode }: FileToPut, dir: string, words: Readonly<Record<string, string>>): Leaving {
  const name = path.slice(dir.length + 1);
  const what = words[name.slice(name.lastIndexOf('/') + 1)] ?? purpose(String(content));
  return { name, content: String(content), mode, what };
}
