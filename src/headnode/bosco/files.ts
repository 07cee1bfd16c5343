import type { FileToPut } from '../../hosts/host.js';
import { GROWN_NODES } from '../../schedulers/nodes.js';
import { type SchedulerName, schedulerFor } from '../../schedulers/registry.js';
import { render, templateText } from '../../templates.js';
import { type BoscoPlan, GROWN, growthDir, type SiteLogin, typeOf } from './bosco-plan.js';

/** The scripts of templates/bosco that stay at a site, beside blahpd and its own. */
export function siteScripts(scheduler: SchedulerName): string[] {
  const own = schedulerFor(scheduler).bosco;
  if (own === undefined) return [];
  return own.endsWith('_jobs') ? ['once', own, 'jobs'] : ['once', own];
}

/** The files for the site, in addition to the programs from HTCondor. */
export function siteFiles({
  siteDir,
  scheduler,
  script,
}: Pick<BoscoPlan, 'siteDir' | 'scheduler' | 'script'>): FileToPut[] {
  const dir = `${siteDir}/bosco`;
  return [
    { path: `${dir}/blahpd.sh`, content: templateText('bosco/blahpd.sh'), mode: 0o700 },
    { path: `${dir}/machine.sh`, content: templateText('site/machine.sh'), mode: 0o600 },
    ...siteScripts(scheduler).map(name => ({
      ...{ path: `${dir}/libexec/${name}.sh`, content: templateText(`bosco/${name}.sh`), mode: 0o700 },
    })),
    { path: `${dir}/job`, content: script, mode: 0o600 },
  ];
}

/** How much a pool may grow at a site, and the size of its glide-ins. */
export type Growing = Pick<
  BoscoPlan,
  'site' | 'bounds' | 'walltime' | 'most' | 'tokenLifetime' | 'asked' | 'cores' | 'memory'
>;

/** The settings of a site's growth; they are read in each round. */
export function settingsFile(dir: string, plan: Growing): FileToPut {
  const { site, bounds, walltime, most: mostJobs, tokenLifetime, asked, cores, memory } = plan;
  const most = { mostCores: asked.cores ?? 0, mostMemory: asked.memory ?? 0, tokenLabel: GROWN };
  const values = {
    site,
    ...bounds,
    nodes: GROWN_NODES,
    walltime,
    mostJobs: mostJobs ?? '',
    tokenLifetime,
    cores: cores ?? 0,
    memory: memory ?? 0,
    ...most,
  };
  const content = render('bosco/settings', values);
  return { path: `${growthDir(dir, site)}/settings`, content, mode: 0o600 };
}

/**
 * The files for the headnode.
 * @param dir the pool's directory
 */
export function headnodeFiles(dir: string, plan: Omit<BoscoPlan, 'host' | 'login' | 'query'>): FileToPut[] {
  const bosco = `${dir}/bosco`;
  const own = growthDir(dir, plan.site);
  const type = typeOf(plan.site);
  return [
    {
      path: `${dir}/bosco.config`,
      content: render('bosco/config', { bosco, types: plan.sites.map(typeOf) }),
      mode: 0o600,
    },
    { path: `${bosco}/run.sh`, content: render('bosco/run', { bosco, dir }), mode: 0o700 },
    { path: `${bosco}/grow.sh`, content: templateText('bosco/grow.sh'), mode: 0o600 },
    { path: `${bosco}/token-make.sh`, content: templateText('headnode/token-make.sh'), mode: 0o600 },
    { path: `${bosco}/weigh.awk`, content: templateText('bosco/weigh.awk'), mode: 0o600 },
    { path: `${own}/glidein.sub`, content: render('bosco/glidein-sub', { type, site: plan.site }), mode: 0o600 },
    settingsFile(dir, plan),
  ];
}

/**
 * The files with which the headnode's HTCondor reaches the site: with the cluster's own key, or with its user's own
 * login.
 */
export function wayFiles(
  dir: string,
  plan: Pick<BoscoPlan, 'site' | 'siteDir'>,
  login: SiteLogin | undefined,
  ownKey: boolean,
): FileToPut[] {
  const own = growthDir(dir, plan.site);
  const values = { site: plan.site, dir: plan.siteDir, login: login && { ...login, ownKey } };
  const known = (login?.hostKeys ?? []).map(key => `scailfin-site ${key}\n`).join('');
  return [
    { path: `${own}/gahp`, content: render('bosco/gahp', values), mode: 0o700 },
    { path: `${own}/known_hosts`, content: known, mode: 0o600 },
  ];
}
