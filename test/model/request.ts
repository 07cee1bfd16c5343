import { type ClusterSpec, planSite, type SiteSpec } from '../../src/cluster/spec.js';
import { parseProfile } from '../../src/sites/profile.js';
import { configSchema } from '../../src/sites/settings.js';
import type { Setting } from './world.js';

/** The name of the cluster in all histories. */
export const NAME = 'x';

const profiles = new Map<string, ReturnType<typeof parseProfile>>();
function profileOf({ arrays }: Setting): ReturnType<typeof parseProfile> {
  const key = String(arrays);
  const text = `name: model\ntitle: A model\nscheduler: {type: slurm, arrays: ${arrays}}\nlogin: {hosts: [login]}\n`;
  const profile = profiles.get(key) ?? parseProfile(text, 'model.yaml');
  profiles.set(key, profile);
  return profile;
}
const config = configSchema.parse({});

/** What a user asks for, as the command line plans it. */
export function clusterSpec({ headnode }: Setting): ClusterSpec {
  const where =
    headnode === 'host' ? ({ kind: 'host', host: 'headnode', user: 'scail' } as const) : ({ kind: headnode } as const);
  return { name: NAME, headnode: where, port: 9618, htcondor: { source: 'system' }, frameworks: [], relay: false };
}

export const siteSpec = (setting: Setting, nodes: number): SiteSpec =>
  planSite({ nodes, walltime: 7200, cores: 4 }, profileOf(setting), config);
