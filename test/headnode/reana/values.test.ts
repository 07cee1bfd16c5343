import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { releaseOf } from '../../../src/headnode/reana/reana-plan.js';
import { newSecrets } from '../../../src/headnode/reana/reana-secrets.js';
import { onNodes, overlaid, TOKEN, valuesFile, valuesFor } from '../../../src/headnode/reana/values.js';
import { packageRoot } from '../../../src/paths.js';
import { kubernetesTools } from '../../kubernetes/tools.js';
import { program } from '../../lab/programs.js';
import { planOf } from './plans.js';

const tools = await kubernetesTools();
const why = 'missing' in tools ? tools.missing : undefined;
const standIn = fileURLToPath(new URL('../../kubernetes/chart', import.meta.url));
const real = process.env.SCAILFIN_TEST_REANA_CHART;

/** What the chart 0.9.4 puts where it is told nothing (templates/secrets.yaml). */
const WEAK = [
  ...['reana', 'test', '1234', 'secret_key', 'cern_consumer_key', 'cern_consumer_secret', ''],
  ...['reana_gitlab_oauth_app_id', 'reana_gitlab_oauth_app_secret'],
];

const inputs = {
  cluster: 'physics',
  image: 'registry.example/job-controller:1',
  secrets: newSecrets(),
  node: undefined,
};
const release = releaseOf('physics');

interface Rendered {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly data?: Record<string, string>;
  readonly spec?: unknown;
}

describe("REANA's values", () => {
  it('are each new, and none of them secret twice', () => {
    const [one, other] = [newSecrets(), newSecrets()];
    const all = [...Object.values(one), ...Object.values(other)];
    expect(new Set(all).size).toBe(all.length);
    for (const secret of all) expect(secret).toMatch(/^[0-9a-f]{48}$/);
  });

  it('come back from their file as they were', () => {
    const values = valuesFor(planOf(), inputs);
    expect(parse(valuesFile(values))).toEqual(values);
  });

  it('hold no token of the pool', () => {
    expect(valuesFile(valuesFor(planOf(), inputs))).not.toContain('pool-token');
  });

  it("give way to the user's own, which are laid over them", () => {
    const values = valuesFor(
      planOf({ values: { quota: { enabled: true }, compute_backends: ['kubernetes'] } }),
      inputs,
    );
    expect(values).toMatchObject({ quota: { enabled: true }, compute_backends: ['kubernetes'] });
    expect(overlaid({ a: { b: 1, c: [1, 2] } }, { a: { c: [3] } })).toEqual({ a: { b: 1, c: [3] } });
  });

  it('know whether a node keeps the data', () => {
    expect(onNodes({})).toBe(true);
    expect(onNodes({ values: { shared_storage: { volume_size: 5 } } })).toBe(true);
    expect(onNodes({ values: { shared_storage: { backend: 'nfs' } } })).toBe(false);
  });

  it('make a release name that the chart does not cut, another for each cluster', () => {
    expect(release).toMatch(/^reana-[0-9a-f]{6}$/);
    expect(release.length).toBeLessThan(13);
    expect(releaseOf('physics2')).not.toBe(release);
  });
});

describe.skipIf(why).each([standIn, ...(real ? [real] : [])])(
  `the chart with REANA's values${why ? ` (skipped: ${why})` : ''} %s`,
  chart => {
    const dir = mkdtempSync(join(tmpdir(), 'scailfin-values-'));
    afterAll(() => rmSync(dir, { recursive: true }));

    async function rendered(plan = planOf(), node?: string): Promise<readonly Rendered[]> {
      const file = join(dir, 'values.yaml');
      writeFileSync(file, valuesFile(valuesFor(plan, { ...inputs, node })));
      const helm = 'missing' in tools ? '' : tools.helm;
      const argv = [helm, 'template', release, chart, '--namespace', 'scailfin-physics', '--values', file] as const;
      const documents = parseAllDocuments(await program(argv)).map(
        one => one.toJS() as Rendered & { items?: Rendered[] },
      );
      return documents.flatMap(one => one?.items ?? one ?? []);
    }

    it('leaves no secret as the chart has it', async () => {
      const secrets = (await rendered()).filter(one => one.kind === 'Secret');
      expect(secrets.length).toBeGreaterThan(5);
      const left = secrets.flatMap(({ metadata, data = {} }) =>
        Object.entries(data)
          .filter(([, value]) => WEAK.includes(Buffer.from(value, 'base64').toString()))
          .map(([key]) => `${metadata.name.slice(release.length + 1)}/${key}`),
      );
      // the one role that the chart's database has
      expect(left).toEqual(['db-secrets/user']);
    });

    it('puts nothing into other namespaces, and names what has none after the release', async () => {
      for (const { kind, metadata } of await rendered()) {
        expect([undefined, 'scailfin-physics']).toContain(metadata.namespace);
        if (/^Cluster|^StorageClass/.test(kind)) expect(metadata.name).toMatch(new RegExp(`^${release}-`));
      }
    });

    it('has the workflow controller start our job controllers, which know where the pool is', async () => {
      const text = JSON.stringify((await rendered()).filter(one => one.metadata.name.endsWith('workflow-controller')));
      expect(text).toContain('registry.example/job-controller:1');
      expect(text).toContain('192.0.2.1:9618');
      expect(text).not.toContain('pool-token');
    });

    it('opens a port of the nodes on a Kubernetes of its own only', async () => {
      const ports = async (plan = planOf()) =>
        JSON.stringify((await rendered(plan)).filter(one => one.kind === 'Service')).match(/"nodePort":\d+/g);
      const { own: _own, ...others } = planOf().kubernetes;
      expect(await ports()).toEqual(['"nodePort":30443']);
      expect(await ports(planOf({ kubernetes: others }))).toBeNull();
    });
  },
);

describe.skipIf(why || !real)(
  `the real chart${real ? '' : ' (skipped: SCAILFIN_TEST_REANA_CHART does not name it)'}`,
  () => {
    it('has every key that we set', async () => {
      const helm = 'missing' in tools ? '' : tools.helm;
      const [chart, traefik] = [
        parse(await program([helm, 'show', 'values', real as string])) as Record<string, unknown>,
        parse(await program([helm, 'show', 'values', join(real as string, 'charts/traefik')])) as Record<
          string,
          unknown
        >,
      ];
      const known = paths({ ...chart, traefik: overlaid(traefik, chart.traefik as Record<string, unknown>) });
      // read by its templates, though its values.yaml does not name them
      const more =
        /^(kubernetes_jobs_|secrets\.|components\.reana_(ui|job_controller)\.|traefik\.ports\.\w+\.nodePort)/;
      const unknown = [...paths(valuesFor(planOf(), inputs))].filter(path => !known.has(path) && !more.test(path));
      expect(unknown).toEqual([]);
    });
  },
);

function paths(value: unknown, below = ''): Set<string> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return new Set([below]);
  return new Set(Object.entries(value).flatMap(([key, one]) => [...paths(one, below ? `${below}.${key}` : key)]));
}

it('name the pool as the job controller’s image reads it', () => {
  const settings = readFileSync(join(packageRoot, 'templates/headnode/reana/scailfin_backend/settings.py'), 'utf8');
  const { components } = valuesFor(planOf(), inputs) as {
    components: { reana_job_controller: { environment: Record<string, string> } };
  };
  const told = Object.keys(components.reana_job_controller.environment);
  expect(told).toEqual(['SCAILFIN_COLLECTOR', 'SCAILFIN_SCHEDD']);
  for (const name of [...told, TOKEN]) expect(settings).toContain(`"${name}"`);
});
