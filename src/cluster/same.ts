import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../errors.js';
import { frameworksDiffer } from './framework.js';
import { checkRelayed, headnodeName } from './headnodes.js';
import type { ClusterRecord } from './record.js';
import type { ClusterSpec, SiteSpec } from './spec.js';

/** What must be asked for as before, and is shown by its own name. */
const KEYS = [
  ...(['submit', 'nodesPerJob', 'queue', 'account', 'walltime', 'cores', 'memory'] as const),
  ...(['user', 'idleTimeout', 'directives'] as const),
];

/** @throws UsageError naming the differences and the command that changes them */
export function checkSame(record: ClusterRecord, spec: ClusterSpec, site: SiteSpec): void {
  const { name } = record;
  // failed: an `up` or a `down` could not remove everything, and the site takes no more submissions of this cluster
  if (['terminating', 'cleanup', 'failed'].includes(record.state)) {
    throw new UsageError(`${name} is being taken down: ${record.reason}`, {
      hint: `finish taking it down first: scailfin down ${name}`,
    });
  }
  const old = record.sites.find(s => s.spec.site === site.site)?.spec;
  if (!old) {
    const at = record.sites.map(s => s.spec.site).join(', ');
    throw new UsageError(`${name} is a cluster at ${at}, not at ${site.site}`, {
      hint: `to add the site to it: scailfin scale ${name} --site ${site.site} --nodes ${site.nodes}; or choose another name: scailfin up NAME --site ${site.site}`,
    });
  }
  if (old.submit === site.submit && old.nodes !== site.nodes) {
    throw new UsageError(`${name} has ${old.nodes} nodes, not ${site.nodes}`, {
      hint: `scailfin scale ${name} --nodes ${site.nodes}`,
    });
  }
  if (old.submit === site.submit && (old.min ?? 0) !== (site.min ?? 0)) {
    throw new UsageError(`${name} has at least ${old.min ?? 0} glide-ins, not ${site.min ?? 0}`, {
      hint: `scailfin scale ${name} --min ${site.min ?? 0}`,
    });
  }
  if (old.maxNodeHours !== site.maxNodeHours) {
    throw new UsageError(
      `${name} has a limit of ${old.maxNodeHours ?? 'no'} node-hours, not ${site.maxNodeHours ?? 'none'}`,
      {
        hint: `scailfin scale ${name} --max-node-hours ${site.maxNodeHours ?? 'H'}`,
      },
    );
  }
  const differ = KEYS.filter(key => !isDeepStrictEqual(old[key], site[key])).map(
    key => `${key} is ${show(old[key])}, not ${show(site[key])}`,
  );
  if (!isDeepStrictEqual(old.binds, site.binds))
    differ.push(
      `steps see ${old.binds?.join(', ') || 'nothing of the site'}, not ${site.binds?.join(', ') || 'nothing'}`,
    );
  // what a profile says may change with a version
  if (gpusAsked(old) !== gpusAsked(site)) differ.push(`gpus is ${show(gpusAsked(old))}, not ${show(gpusAsked(site))}`);
  // a user that was not named is absent in the record
  if (headnodeName(record.spec.headnode) !== headnodeName(spec.headnode)) {
    differ.push(`the headnode is ${headnodeName(record.spec.headnode)}, not ${headnodeName(spec.headnode)}`);
  }
  if (record.spec.proxy !== spec.proxy && spec.proxy !== undefined) {
    differ.push(`its proxy is ${show(record.spec.proxy)}, not ${spec.proxy}`);
  }
  const isRelayed = record.head ? record.head.relay === true : record.spec.relay;
  if (spec.relay !== undefined && isRelayed !== undefined && spec.relay !== isRelayed)
    differ.push(`it uses ${isRelayed ? 'a' : 'no'} relay`);
  if (isRelayed) checkRelayed(site.site, spec.frameworks);
  differ.push(...frameworksDiffer(record, spec.frameworks));
  if (differ.length > 0) {
    throw new UsageError(`${name} is there already with other settings: ${differ.join('; ')}`, {
      hint: `take it down first: scailfin down ${name}; or choose another name`,
    });
  }
}

/** As the user typed it: `2:a100`. */
const gpusAsked = ({ ownGpus, gpus, gpuType }: SiteSpec): string | undefined =>
  ownGpus ? `${gpus}${gpuType === undefined ? '' : `:${gpuType}`}` : undefined;

const show = (value: unknown): string =>
  value === undefined ? 'not set' : Array.isArray(value) ? value.join(', ') : String(value);
