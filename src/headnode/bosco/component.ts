import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { CommandError, LeftoverError, messageOf, ScailfinError } from '../../errors.js';
import { keyValues, runScript } from '../../hosts/script.js';
import { sourceArgs } from '../../htcondor/pool.js';
import { limitOf } from '../../schedulers/missing.js';
import { runBatch } from '../../schedulers/programs.js';
import { schedulerFor } from '../../schedulers/registry.js';
import { scratchDir } from '../../scratch.js';
import { templateText } from '../../templates.js';
import type { Component, Headnode, Missing, Part } from '../component.js';
import { isPlainPath } from '../ownkey.js';
import { type BoscoPlan, typeOf } from './bosco-plan.js';
import { headnodeFiles, siteFiles } from './files.js';
import { settleWay } from './way.js';

/** How long grid jobs may take to be removed in order, before they are removed by force; seconds. */
const REMOVAL_LIMIT = 25;

const words: Readonly<Record<string, Missing>> = {
  condor: { what: 'HTCondor is not installed', hint: 'install it there (Debian: apt install condor)' },
  gridmanager: {
    what: "its HTCondor has no condor_gridmanager, which submits to other systems' queues",
    hint: 'install the complete HTCondor there (Debian: condor; or a release tarball)',
  },
  blahpd: {
    what: "its HTCondor has no blahpd, which talks to a site's batch system",
    hint: 'install the complete HTCondor there (Debian: condor; or a release tarball), or submit directly: --submit direct',
  },
  scripts: { what: "its HTCondor lacks blahpd's scripts (libexec/blahp)", hint: 'install the complete HTCondor there' },
  ssh: { what: 'ssh is not installed', hint: 'install the OpenSSH client there' },
  'ssh-keygen': { what: 'ssh-keygen is not installed', hint: 'install the OpenSSH client there' },
};

/**
 * Growth by itself: the headnode's schedd submits glide-ins to the site's batch system through HTCondor's blahp, as many
 * as the pool's idle jobs can use. {@link Headnode.dir} is the pool's directory.
 *
 * HTCondor's remote_gahp is not used: it needs a second program on the site and a tunnel back, to transfer files that are
 * already there. Our connection carries only blahpd's messages, so the key for it can be useless for anything else.
 */
export const bosco: Component<BoscoPlan, void> = {
  name: 'bosco',

  async check(at, plan) {
    const out = await runScript(at.host, scriptOf('look'), sourceArgs({ dir: at.dir, source: plan.source }));
    const missing = keyValues(out.stdout).get('missing') ?? [];
    const needed = plan.login ? missing : missing.filter(name => !name.startsWith('ssh'));
    const lacking = needed.map(name => words[name] ?? { what: `there is no ${name}`, hint: 'install it there' });
    // the path is part of commands that blahp and sshd interpret in their own ways
    if (isPlainPath(plan.siteDir)) return lacking;
    const what = `${plan.siteDir} on ${plan.host.name} has characters that blahp can't carry`;
    return [...lacking, { what, hint: 'set directories.work in the site profile' }];
  },

  async install(at, plan) {
    const { host, siteDir, scheduler, payload, query } = plan;
    const about = `${siteDir}/bosco/about`;
    const found = await host.run(['cat', about], { check: false });
    const archive = found.stdout.trim() === plan.programs ? '' : `${siteDir}/bosco.tar.gz`;
    if (archive) await carry(at, plan, archive);
    const system = schedulerFor(scheduler);
    // what blahp calls it
    const lrms = system.bosco?.split('_')[0] as string;
    const args = [siteDir, typeOf(plan.site), lrms, `${payload}/lib`, query.tag, `${siteDir}/logs`, archive];
    args.push(String(limitOf(system, query)), query.clusters?.[0] ?? '');
    // the script finds the programs as other commands of the batch system do
    const script = ['bash', '--norc', '-c', templateText('bosco/place.sh'), 'place', ...args];
    const out = await runBatch(host, system, query, script);
    if (out.exitCode !== 0)
      throw new ScailfinError(`${host.name}: ${out.stderr.trim()}`, { hint: 'submit directly: --submit direct' });
    await host.put([...siteFiles(plan), { path: about, content: `${plan.programs}\n`, mode: 0o600 }]);
  },

  async configure(at, plan) {
    await at.host.put(headnodeFiles(at.dir, plan));
    await settleWay(at, plan);
  },

  async start(at) {
    await runScript(at.host, templateText('bosco/start.sh'), [at.dir], { timeoutMs: 60_000 }).catch(error => {
      if (!(error instanceof CommandError) || error.exitStatus !== 9) throw error;
      throw new ScailfinError(`the pool's growth does not begin on ${at.host.name}: ${error.stderr.trim()}`, {
        hint: 'run the same command again, or submit directly: --submit direct',
      });
    });
  },

  async healthy(at): Promise<readonly Part[]> {
    try {
      const out = await runScript(
        at.host,
        'p=$(cat "$1/bosco/grow.pid") && grep -qzxF "$1/bosco/grow.sh" "/proc/$p/cmdline"',
        [at.dir],
        { check: false },
      );
      return [{ name: 'grow', state: out.exitCode === 0 ? 'alive' : 'dead' }];
    } catch (error) {
      return [{ name: 'grow', state: 'unknown', reason: messageOf(error) }];
    }
  },

  async stop(at) {
    const script = `${templateText('bosco/stop.sh')}\nbosco_stop "$1" "$2"\n`;
    const out = await runScript(at.host, script, [at.dir, String(REMOVAL_LIMIT)], { timeoutMs: 150_000 });
    const left = keyValues(out.stdout).get('grid')?.[0];
    // a pool that does not answer submits nothing: its processes are ended next
    if (left !== '0' && left !== 'unknown')
      throw new ScailfinError(`${left} glide-ins stay in the pool's queue on ${at.host.name}`, {
        hint: `try again: scailfin down ${at.cluster}`,
      });
  },

  async remove(at) {
    const script = 'rm -rf "$1/bosco" "$1/bosco.config"; [ ! -e "$1/bosco" ] || echo "left=$1/bosco"';
    const out = await runScript(at.host, script, [at.dir]);
    const left = keyValues(out.stdout).get('left') ?? [];
    if (left.length > 0)
      throw new LeftoverError(`could not remove all files on ${at.host.name}:`, left, {
        hint: `try again: scailfin down ${at.cluster}`,
      });
  },
};

/** Copies the part of the headnode's HTCondor that the site needs to the site: a few hundred kilobytes. */
async function carry(at: Headnode, plan: BoscoPlan, archive: string): Promise<void> {
  const there = `${at.dir}/bosco.tar.gz`;
  const scratch = scratchDir();
  try {
    await runScript(at.host, scriptOf('cut'), [there, ...sourceArgs({ dir: at.dir, source: plan.source })], {
      timeoutMs: 60_000,
    });
    await at.host.download(there, join(scratch, 'bosco.tar.gz'));
    await at.host.run(['rm', '-f', there]);
    await plan.host.upload(join(scratch, 'bosco.tar.gz'), archive, { mode: 0o600 });
  } catch (error) {
    if (!(error instanceof CommandError) || error.exitStatus !== 6) throw error;
    throw new ScailfinError(`${at.host.name}: HTCondor there lacks a part of its blahp: ${error.stderr.trim()}`, {
      hint: 'install the complete HTCondor there (Debian: condor), or submit directly: --submit direct',
    });
  } finally {
    rmSync(scratch, { recursive: true });
  }
}

const scriptOf = (name: string): string => `${templateText('headnode/layout.sh')}\n${templateText(`bosco/${name}.sh`)}`;
