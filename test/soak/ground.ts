import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { scailfin } from '../cluster/helpers/cluster.js';
import { gsiSite, makeGsiSite } from '../lab/gsi.js';
import { type HostName, Lab } from '../lab/lab.js';
import { offerWheels } from '../reana/engines/wheels.js';

/**
 * Where a soak takes place: `plain`, a site whose nodes reach the headnode; `gsi`, the same with logins and jobs by proxy, over a
 * kept login; `isolated`, a site whose nodes reach nothing but the login node, so that there is a relay.
 */
export const groundNames = ['plain', 'gsi', 'isolated'] as const;
export type GroundName = (typeof groundNames)[number];

export const cluster = 'soak';
/** Languages of workflows beside `serial`. */
export const languages = ['snakemake'] as const;
/**
 * How long a job whose node died waits for it. Seconds. The pool's own time, `AWAY_LIMIT`, is 20 minutes: a soak would spend most of
 * its time with waiting.
 */
export const lease = 180;
/** What a host's clock is ahead by, in whole seconds; see `clock.cjs` and `fakeDate`. */
const offsetFile = '/run/clock-offset';
const clock = fileURLToPath(new URL('clock.cjs', import.meta.url)).replace(
  join(fileURLToPath(new URL('../..', import.meta.url)), '/'),
  '/opt/scailfin/',
);

/** In the place of date(1), for our scripts: it tells the time of a clock that can jump. */
const fakeDate = `#!/bin/sh
case " $* " in *" -d "* | *" -r "*) exec /bin/date "$@" ;; esac
exec /bin/date -d "@$(($(/bin/date +%s) + $(cat ${offsetFile} 2>/dev/null || echo 0)))" "$@"
`;

/** A lab with a cluster on it that runs REANA. */
export class Ground {
  private constructor(
    readonly name: GroundName,
    readonly lab: Lab,
  ) {}

  /** @param labName so that whoever interrupts this can take the lab down @param withLanguages other than `serial` */
  static async open(name: GroundName, labName: string, withLanguages: boolean): Promise<Ground> {
    const lab = await Lab.up({ name: labName, isolated: name === 'isolated' });
    const ground = new Ground(name, lab);
    if (name === 'gsi') {
      await makeGsiSite(lab);
      await lab.exec('headnode', ['scailfin', 'proxy', 'init']);
      await scailfin(lab, 'headnode', ['login', gsiSite]);
    }
    if (withLanguages) for (const kind of languages) await offerWheels(lab, 'headnode', kind);
    for (const host of ['headnode', 'c1', 'c2'] as const)
      await lab.write(host, '/usr/local/bin/date', fakeDate, { user: 'root', mode: 0o755 });
    await ground.up();
    return ground;
  }

  /** Brings the cluster up, or what is missing of it. @throws Error if `up` fails */
  async up(): Promise<void> {
    const site = this.name === 'gsi' ? [gsiSite, '--proxy'] : ['lab-slurm'];
    const args = ['--nodes', '2', '--walltime', '6h', '--framework', 'reana'];
    await this.lab.exec('headnode', ['scailfin', 'up', cluster, '--site', ...site, ...args], {
      timeoutMs: 240_000,
      env: { NODE_OPTIONS: `--require=${clock}` },
    });
    // what is submitted from now on has it
    await this.sh(
      `sed -i 's/^JOB_DEFAULT_LEASE_DURATION = .*/JOB_DEFAULT_LEASE_DURATION = ${lease}/' .scailfin/${cluster}/pool/condor_config`,
    );
  }

  /** Sets a host's clock, as our programs and scripts there see it, ahead or back. Seconds. */
  async shiftClock(host: HostName, seconds: number): Promise<void> {
    await this.lab.write(host, offsetFile, `${seconds}\n`, { user: 'root', mode: 0o644 });
  }

  /** Runs a shell script as the headnode's user. @returns what it printed, whatever its exit status */
  async sh(script: string, host: HostName = 'headnode', user?: string): Promise<string> {
    const options = { check: false, ...(user ? { user } : {}) };
    return (await this.lab.exec(host, ['bash', '-c', script], options)).stdout.trim();
  }

  /** Takes the cluster down. @returns what `down` printed, or its error; and what is left after a while */
  async down(): Promise<{ readonly said: string; readonly left: readonly string[] }> {
    const { stdout, stderr } = await scailfin(this.lab, 'headnode', ['down', cluster], { check: false });
    if (this.name === 'gsi') await scailfin(this.lab, 'headnode', ['logout', '--all'], { check: false });
    let left: readonly string[] = [];
    for (let n = 0; n < 30; n++) {
      left = await this.lab.leftovers();
      if (left.length === 0) break;
      await new Promise(resolve => setTimeout(resolve, 1000));
    }
    return { said: (stdout || stderr).trim(), left };
  }
}
