import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { grantAccess } from './access.js';
import * as files from './files.js';
import { type ExecOptions, type ExecResult, type Ground, Host } from './host.js';
import { bindsOf, type HostName, type HostSpec, hostsFile, layout, secondLogin, specOf } from './layout.js';
import { searchFiles } from './leaks.js';
import { leftoversOf } from './leftovers.js';
import { joinSite, lead, refuseSsh } from './login2.js';
import { Network } from './network.js';
import { program } from './programs.js';
import * as record from './record.js';
import { prepareRootfs } from './rootfs.js';
import { type Site, type SiteHosts, type SiteName, siteNamed } from './site.js';
import { wheelsBind } from './wheels.js';

export { type HostName, hostNames } from './layout.js';
export { labUnavailable } from './unavailable.js';

export interface LabOptions {
  /** Default: one that no other lab has. */
  readonly name?: string;
  readonly site?: SiteName;
  /** Compute nodes reach nothing but the site, and nothing reaches the laptop, nor the headnode but by SSH. */
  readonly isolated?: boolean;
  /** The lab outlives this process, until it is taken down by name. */
  readonly keep?: boolean;
}

/** An HPC site in a box: a laptop, a headnode and a site of a login node and two compute nodes, each a host of its own. */
export class Lab {
  readonly name: string;
  readonly rootfs: string;
  private constructor(
    private readonly ground: Ground,
    readonly site: Site,
    private readonly network: Network,
    private readonly hosts: { [name in HostName]: Host },
  ) {
    this.name = ground.name;
    this.rootfs = ground.rootfs;
  }

  /** Brings a lab up, its scheduler ready. Labs whose makers died are taken down first. */
  static async up(options: LabOptions = {}): Promise<Lab> {
    await Lab.reap();
    const [rootfs] = await Promise.all([prepareRootfs(), mkdir(wheelsBind.source, { recursive: true })]);
    const site = options.site ?? 'slurm';
    const name = options.name ?? `lab-${randomBytes(4).toString('hex')}`;
    const { tree } = siteNamed(site);
    const layers = { rootfs, ...(tree === undefined ? {} : { tree }) };
    await record.create({ name, site, ...layers, ...(options.keep ? {} : { owner: record.me() }) });
    try {
      const lab = await Lab.build({ name, ...layers }, siteNamed(site));
      if (options.isolated) await lab.isolate();
      return lab;
    } catch (error) {
      await record.destroy(name);
      throw error;
    }
  }

  /** A lab that another process brought up. Delays and cuts it made are not known here. */
  static async attach(name: string): Promise<Lab> {
    const { site, ...layers } = await record.load(name);
    const hub = Host.running(name, 'switch', 'root');
    const hosts = byName(layout.map(spec => [spec.name, Host.running(name, spec.name, spec.user)] as const));
    return new Lab({ ...layers, name }, siteNamed(site as SiteName), new Network(hub), hosts);
  }

  /** Takes a lab down by name, whatever became of its maker. Nothing of it is left; not being there is fine. */
  static async down(name: string): Promise<void> {
    await record.destroy(name);
  }

  /** Takes down the labs whose makers died. */
  static async reap(): Promise<string[]> {
    const stale: string[] = [];
    for (const name of record.names()) if (await record.isStale(name)) stale.push(name);
    await Promise.all(stale.map(name => record.destroy(name)));
    return stale;
  }

  private static async build(ground: Ground, site: Site): Promise<Lab> {
    const { name, rootfs } = ground;
    const homes = homesOf(name);
    await mkdir(homes);
    await program(['cp', '--archive', join(rootfs, 'home/alice'), join(rootfs, 'home/bob'), homes]);

    // every other host lives inside the switch's PID namespace, so that none can outlive it
    const hub = await Host.boot(ground, { name: 'switch', user: 'root' });
    const network = new Network(hub);
    await network.lay();
    const boot = async (spec: HostSpec) => [spec.name, await bootHost(ground, spec, hub, network)] as const;
    const hosts = byName(await Promise.all(layout.map(boot)));
    const lab = new Lab(ground, site, network, hosts);

    await Promise.all([
      ...layout.map(spec => lab.furnish(spec)),
      grantAccess(name, hosts),
      site.install(lab.siteHosts),
    ]);
    await Promise.all(layout.filter(spec => spec.name === 'login' || !spec.site).map(spec => lab.start(spec)));
    await Promise.all(layout.filter(spec => spec.name !== 'login' && spec.site).map(spec => lab.start(spec)));
    return lab;
  }

  /** Runs a command on a host and waits for it, never longer than `timeoutMs`. */
  async exec(host: HostName, argv: readonly string[], options?: ExecOptions): Promise<ExecResult> {
    return this.hosts[host].exec(argv, options);
  }

  /** Starts a command on a host. The returned process's `kill` signals the command. */
  spawn(host: HostName, argv: readonly string[], options?: Parameters<Host['spawn']>[1]): ChildProcess {
    return this.hosts[host].spawn(argv, options);
  }

  /** Of the host's PID 1, as this machine counts: a way into its namespaces. */
  pidOf(host: HostName): number {
    return this.hosts[host].pid;
  }

  async write(host: HostName, path: string, content: string | Buffer, options?: files.FileOptions): Promise<void> {
    await files.writeFile(this.hosts[host], path, content, options);
  }

  async read(host: HostName, path: string, options?: { readonly user?: string }): Promise<string> {
    return files.readFile(this.hosts[host], path, options);
  }

  /**
   * Kills everything on a host and starts it again with its services. Its disk and the site's homes survive.
   * On the login node the scheduler may save its state first: it would else believe ended jobs to be running.
   */
  async reboot(host: HostName): Promise<void> {
    if (host === 'login') await this.stopScheduler();
    await this.hosts[host].halt();
    const hub = Host.running(this.name, 'switch', 'root');
    this.hosts[host] = await bootHost(this.ground, specOf(host), hub, this.network);
    await this.start(specOf(host));
  }

  /** Adds a second login node, `login2`, which shares the homes and the host keys, and on which the batch system answers. */
  async addLogin2(): Promise<void> {
    this.hosts.login2 = await bootHost(
      this.ground,
      secondLogin,
      Host.running(this.name, 'switch', 'root'),
      this.network,
    );
    await this.furnish(secondLogin);
    await joinSite(this.hosts.login, this.hosts.login2);
    await this.start(secondLogin);
  }

  /** From now on, the name `login` leads to this machine, for everybody outside the site. */
  async leadLoginTo(machine: 'login' | 'login2'): Promise<void> {
    await lead([this.hosts.laptop, this.hosts.headnode], specOf(machine).addresses.wan as string);
  }

  /** Whether SSH connections that leave from this host are refused. */
  async refuseSshFrom(host: HostName, isRefused: boolean): Promise<void> {
    await refuseSsh(this.hosts[host], isRefused);
  }

  /** Adds round-trip time between the laptop and the headnode, each, and everything else; 0 takes it away. */
  async delay(ms: number): Promise<void> {
    for (const name of ['laptop', 'headnode'] as const) await this.network.delay(specOf(name), ms);
  }

  /** Limits what passes between the headnode and everything else, in each direction; 0 takes the limit away. */
  async limit(mbit: number): Promise<void> {
    await this.network.limit(this.hosts.headnode, specOf('headnode'), mbit);
  }

  private async isolate(): Promise<void> {
    await this.network.isolate(layout.map(spec => [this.hosts[spec.name], spec] as const));
    for (const spec of layout)
      await files.writeFile(this.hosts[spec.name], '/etc/hosts', hostsFile(spec, true), { user: 'root' });
    const profile = this.site.profile.replace('outbound: true', 'outbound: false');
    for (const host of [this.hosts.laptop, this.hosts.headnode])
      await files.writeFile(host, `.config/scailfin/sites/${this.site.profileName}.yaml`, profile);
  }

  /** Cuts all links of a host, frames vanishing silently, or mends them. */
  async partition(host: HostName, isCut: boolean): Promise<void> {
    await this.network.cut(specOf(host), isCut);
  }

  /** The scheduler's controller goes down; running jobs go on. */
  async stopScheduler(): Promise<void> {
    await this.site.stopController(this.siteHosts);
  }

  async startScheduler(): Promise<void> {
    await this.site.startController(this.siteHosts);
  }

  /** Users' processes, jobs and files that should be gone after a cluster's end; a line each. */
  async leftovers(): Promise<string[]> {
    const jobs = await this.site.jobs(this.siteHosts).then(
      lines => lines.map(line => `${this.site.name}: ${line}`),
      error => [`${this.site.name}: cannot say what jobs it has: ${error.message}`],
    );
    const all = [...layout, ...(this.hosts.login2 ? [secondLogin] : [])];
    const found = [...all.flatMap(spec => leftoversOf(this.hosts[spec.name], spec)), ...jobs];
    const { lingering } = this.site;
    return found.filter(line => !lingering?.test(line));
  }

  /** Takes the lab down, after a look for secrets in its files; again is fine. */
  async down(): Promise<void> {
    await Promise.allSettled(Object.values(this.hosts).map(searchFiles));
    await Lab.down(this.name);
  }

  private get siteHosts(): SiteHosts {
    return { login: this.hosts.login, nodes: [this.hosts.c1, this.hosts.c2] };
  }

  /** What a host's disk has besides the shared root file system. */
  private async furnish(spec: HostSpec): Promise<void> {
    const host = this.hosts[spec.name];
    await files.writeFile(host, '/etc/hosts', hostsFile(spec), { user: 'root' });
    if (!spec.condor && !(spec.site && this.site.condorOnNodes))
      await host.exec(['sh', '-c', removeCondor], { user: 'root' });
    if (spec.scailfin) await files.writeFile(host, '/usr/local/bin/scailfin', scailfin, { user: 'root', mode: 0o755 });
    if (spec.scailfin && !spec.site) {
      await files.writeFile(host, `.config/scailfin/sites/${this.site.profileName}.yaml`, this.site.profile);
    }
  }

  private async start(spec: HostSpec): Promise<void> {
    const host = this.hosts[spec.name];
    if (spec.sshd) await host.exec(['/usr/sbin/sshd'], { user: 'root' });
    // the batch system's daemons run on the first login node
    if (spec === secondLogin) await this.site.startClient?.(host);
    else if (spec.site) await this.site.start(this.siteHosts, host);
  }
}

const scailfin = '#!/bin/sh\nexec /usr/local/bin/node /opt/scailfin/bin/scailfin.js "$@"\n';

/** Files first, then what directories are empty. */
const removeCondor = `tac /var/lib/dpkg/info/condor.list | xargs -d '\\n' rm -df 2>/dev/null; ! command -v condor_master`;

const homesOf = (lab: string): string => join(record.labDir(lab), 'homes');

async function bootHost(lab: Ground, spec: HostSpec, hub: Host, network: Network): Promise<Host> {
  const host = await Host.boot(lab, { ...spec, binds: bindsOf(spec, homesOf(lab.name)) }, hub);
  await network.plug(host, spec);
  return host;
}

function byName(hosts: readonly (readonly [HostName, Host])[]): { [name in HostName]: Host } {
  return Object.fromEntries(hosts) as { [name in HostName]: Host };
}
