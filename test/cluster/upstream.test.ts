import { copyFileSync, cpSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { namespaceOf, releaseOf } from '../../src/headnode/reana/reana-plan.js';
import { TOKEN } from '../../src/headnode/reana/values.js';
import { World } from '../headnode/reana/world.js';
import { planeUnavailable } from '../kubernetes/plane.js';
import { Relay } from '../kubernetes/relay.js';
import { Lab, labUnavailable } from '../lab/lab.js';
import { scailfin, statusOf } from './helpers/cluster.js';
import { verified } from './helpers/cycle.js';
import { asOlder } from './helpers/older.js';

const reason = labUnavailable() ?? (await planeUnavailable());
const chart = fileURLToPath(new URL('../kubernetes/chart', import.meta.url));

/**
 * A cluster in the lab whose REANA goes to a Kubernetes that is real but for its containers (test/kubernetes/plane.ts),
 * by a stand-in for REANA's chart, real helm and real kubectl. The API behind it is a stand-in, too.
 */
describe.skipIf(reason !== undefined)(`upstream REANA on a cluster${reason ? ` (skipped: ${reason})` : ''}`, () => {
  let world: World;
  let lab: Lab;
  let relay: Relay;
  beforeAll(async () => {
    [world, lab] = await Promise.all([World.start(), Lab.up()]);
    const config = parse(readFileSync(world.plane.kubeconfig, 'utf8'));
    const cluster = config.clusters[0].cluster;
    relay = await Relay.start(lab.pidOf('headnode'), Number(new URL(cluster.server).port), world.dir);
    cluster['certificate-authority-data'] = readFileSync(cluster['certificate-authority']).toString('base64');
    delete cluster['certificate-authority'];
    await lab.write('headnode', '.kube/config', stringify(config));
    const root = `/proc/${lab.pidOf('headnode')}/root`;
    for (const name of ['kubectl', 'helm'] as const)
      copyFileSync(world.plane.tools[name], join(root, 'usr/local/bin', name));
    cpSync(chart, join(root, 'srv/chart'), { recursive: true });
    await scailfin(lab, 'headnode', ['config', 'set', 'reana.chart', '{from: /srv/chart}']);
  });
  afterAll(async () => {
    await relay?.stop();
    await lab?.down();
    await world?.stop();
  });

  const up = (name: string, ...more: string[]) => {
    const site = ['--site', 'lab-slurm', '--nodes', '1', '--walltime', '30m'];
    const reana = ['--kubernetes', 'context:plane', '--reana-image', 'registry.example/job-controller:1'];
    return scailfin(lab, 'headnode', ['up', name, ...site, ...reana, ...more], { check: false });
  };
  /** What is there of any cluster. */
  const onHeadnode = async () => (await lab.exec('headnode', ['ls', '-A', '.scailfin'], { check: false })).stdout;
  const names = async (kinds: string): Promise<string> => world.plane.kubectl(['get', kinds, '-A', '-o', 'name']);

  it('comes up, is listed part by part, can be reached, and is removed', async () => {
    await world.plane.kubectl(['create', 'namespace', 'others']);
    const raised = await up('physics');
    expect(raised.exitCode, raised.stderr).toBe(0);
    expect(raised.stderr).toMatch(/✓ Starting REANA: upstream, on port \d+ of .* \(as asked for\)/);
    expect(await names('namespaces')).toMatch(new RegExp(`^namespace/${namespaceOf('physics')}$`, 'm'));

    const [framework] = (await statusOf(lab, 'headnode', 'physics')).frameworks;
    expect(framework).toMatchObject({ name: 'reana', flavour: 'upstream', state: 'alive' });
    const parts = framework?.parts?.map(part => part.name);
    for (const name of ['job-controller', 'server', 'db', 'workflow-controller', 'message-broker'])
      expect(parts).toContain(name);
    const shown = (await scailfin(lab, 'headnode', ['status', 'physics'])).stdout;
    expect(shown).toMatch(/reana {5}upstream alive, port \d+[\s\S]*^ {4}message-broker +alive$/m);

    // the administrator's token, made there, is kept here for nobody else to read
    const file = '.local/state/scailfin/clusters/physics/reana.token';
    expect((await lab.read('headnode', file)).trim()).toBe(world.kept('token'));
    const password = file.replace('token', 'password');
    expect((await lab.read('headnode', password)).trim()).toBe(world.kept('password'));
    expect(raised.stdout).toMatch(
      /sign in to the page as physics@scailfin\.invalid, by the password in .*reana\.password/,
    );
    expect((await lab.exec('headnode', ['stat', '-c', '%a', file, password])).stdout).toBe('600\n600\n');
    const ping =
      'eval "$(scailfin env physics)" && test -n "$REANA_ACCESS_TOKEN" && curl -sSk "$REANA_SERVER_URL/api/ping"';
    expect((await lab.exec('headnode', ['bash', '-c', ping])).stdout).toContain('OK');
    const poolToken = Buffer.from(world.server.secrets.get(TOKEN)?.value ?? '', 'base64').toString();
    const claims = JSON.parse(Buffer.from(poolToken.split('.')[1] ?? '', 'base64url').toString());
    expect(claims).toMatchObject({
      sub: expect.stringMatching(/^reana-steps@physics-/),
      scope: 'condor:/READ condor:/WRITE',
    });

    const again = await up('physics');
    expect(again.exitCode, again.stderr).toBe(0);
    expect((await up('physics', '--reana', 'edge')).exitCode).toBe(2);

    // a cluster that the first scailfin brought up is taken down as whole
    await asOlder(lab, 'headnode', 'physics');
    expect((await statusOf(lab, 'headnode', 'physics')).frameworks[0]?.state).toBe('alive');
    const downed = await scailfin(lab, 'headnode', ['down', 'physics', '--yes']);
    expect(downed.stdout).toContain(verified);
    const left = await names('namespaces,clusterroles,clusterrolebindings,storageclasses');
    expect(left).not.toContain(namespaceOf('physics'));
    expect(left).not.toContain(releaseOf('physics'));
    expect(left).toMatch(/^namespace\/others$/m);
    expect((await lab.exec('headnode', ['pgrep', '-u', 'scail', '-l', 'kubectl'], { check: false })).stdout).toBe('');
    expect(await onHeadnode()).toBe('');
    const kept = await lab.exec('headnode', ['ls', '.local/state/scailfin/clusters/physics']);
    expect(kept.stdout).toBe('journal.jsonl\n');
  }, 240_000);

  it('shows the pod’s own error if it does not come up, and leaves nothing', async () => {
    await world.fate({ [`${releaseOf('broken')}-server`]: 'pull-fails' });
    const raised = await up('broken');
    expect(raised.exitCode, raised.stderr).toBe(1);
    expect(raised.stderr).toMatch(/✗ Starting REANA/);
    expect(raised.stderr).toMatch(/server[\s\S]*(ErrImagePull|ImagePullBackOff)/);
    expect(raised.stderr).toMatch(/✓ Undoing what was done/);
    expect(await names('namespaces')).not.toContain(namespaceOf('broken'));
    expect(await onHeadnode()).toBe('');
    await world.fate({});
  });

  it('is refused before anything is begun where there is no such context', async () => {
    const raised = await up('nowhere', '--kubernetes', 'context:elsewhere');
    expect(raised.exitCode, raised.stderr).toBe(1);
    expect(raised.stderr).toMatch(/context can't run on .*elsewhere/);
    expect(await names('namespaces')).not.toContain(namespaceOf('nowhere'));
  });

  it('is removed with its cluster even if this machine has no record of it', async () => {
    const raised = await up('lost', '--no-wait');
    expect(raised.exitCode, raised.stderr).toBe(0);
    await lab.exec('headnode', ['rm', '-r', '.local/state/scailfin/clusters/lost']);
    const downed = await scailfin(lab, 'headnode', ['down', 'lost', '--site', 'lab-slurm']);
    expect(downed.stdout).toContain(verified);
    expect(await names('namespaces')).not.toContain(namespaceOf('lost'));
  });
});
