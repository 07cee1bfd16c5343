import { AWAY_LIMIT } from '../../htcondor/away.js';
import { bindLines } from '../../sites/binds.js';
import { directHosts } from '../../sites/proxy.js';
import { render, templateText } from '../../templates.js';
import { perJob, type SiteSpec } from '../spec.js';

/** The settings of a glide-in; its token is beside it, in a file of its submission. */
export interface GlideinSettings {
  readonly cluster: string;
  readonly address: string;
  readonly port: number;
  readonly trustDomain: string;
  /** Absolute directory on the site. */
  readonly payload: string;
  readonly payloadGlibc: string;
  readonly payloadArch: string;
  /** `address` is a loopback address, to which the login node's relay leads. */
  readonly isRelayed: boolean;
}

/** The files from which a glide-in starts, except the token. */
export function glideinFiles(
  spec: SiteSpec,
  settings: GlideinSettings,
): { name: string; content: string; mode: number }[] {
  const values = {
    ...settings,
    site: spec.site,
    walltime: spec.walltime,
    idleTimeout: spec.idleTimeout,
    isLimited: spec.maxNodeHours !== undefined,
    lostHeadnode: AWAY_LIMIT,
    gpus: spec.gpus,
    runtimes: spec.profile.containers.map(runtimeText).join(' '),
    stepLauncher: spec.profile.stepLauncher,
    webProxy: spec.profile.network.proxy ?? '',
    webDirect: directHosts(spec.profile.network) ?? '',
    binds: bindLines(spec.binds ?? []),
    images: spec.profile.directories.images ?? '',
    localDirectory: spec.profile.directories.local ?? '',
  };
  return [
    { name: 'settings', content: render('glidein/settings', values), mode: 0o600 },
    { name: 'glidein.sh', content: templateText('glidein/glidein.sh'), mode: 0o700 },
    ...(settings.isRelayed ? [{ name: 'relay.sh', content: templateText('glidein/relay.sh'), mode: 0o700 }] : []),
    { name: 'check.sh', content: templateText('glidein/check.sh'), mode: 0o600 },
    { name: 'leave.sh', content: templateText('glidein/leave.sh'), mode: 0o600 },
    { name: 'glidein.conf', content: templateText('glidein/glidein.conf'), mode: 0o600 },
    ...(perJob(spec) === 1 ? [] : ['node.sh', 'together.sh'].map(severalNodesFile)),
  ];
}

const severalNodesFile = (name: string): { name: string; content: string; mode: number } => ({
  ...{ name, content: templateText(`glidein/${name}`), mode: 0o700 },
});

function runtimeText({ runtime, module }: SiteSpec['profile']['containers'][number]): string {
  return module === undefined ? runtime : `${runtime}=${module.trim().replace(/\s+/g, ',')}`;
}
