import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { KUBERNETES } from '../../src/headnode/pins.js';
import { keepToken } from '../../src/headnode/reana/admin.js';
import { missingFor } from '../../src/headnode/reana/check.js';
import { Kube } from '../../src/headnode/reana/kube.js';
import type { Pace } from '../../src/headnode/reana/pace.js';
import { makeNamespace } from '../../src/headnode/reana/place.js';
import { STORAGE } from '../../src/headnode/reana/reana-plan.js';
import { newSecrets } from '../../src/headnode/reana/reana-secrets.js';
import { MADE, sweepNode } from '../../src/headnode/reana/sweep.js';
import { valuesFile, valuesFor } from '../../src/headnode/reana/values.js';
import { LocalHost } from '../../src/hosts/local.js';
import { planOf } from '../headnode/reana/plans.js';
import { kubernetesTools } from '../kubernetes/tools.js';
import { program } from '../lab/programs.js';
import { pythonWith } from '../lab/python.js';
import { ofChoice } from './helpers/rendered.js';

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const dir = mkdtempSync(join(tmpdir(), 'scailfin-objects-'));
afterAll(() => rmSync(dir, { recursive: true }));

const inputs = { cluster: 'physics', image: 'registry.example/job-controller:1', secrets: newSecrets() };
const { own: _own, ...others } = planOf().kubernetes;
const kinds = [
  ['on a Kubernetes of its own', valuesFor(planOf(), { ...inputs, node: undefined })],
  ['on one of others, bound to a node', valuesFor(planOf({ kubernetes: others }), { ...inputs, node: 'n1' })],
] as const;

/** Of REANA's chart 0.9.4 and Traefik's in it: the leaves of values.yaml, and what the templates read beside those. */
const chart = JSON.parse(readFileSync(here('../kubernetes/reana-chart-keys.json'), 'utf8')) as { keys: string[] };
/** All of it becomes the job controllers' environment, whatever its names. */
const OPEN = 'components/reana_job_controller/environment/';

function leaves(value: unknown, below: readonly string[] = []): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [below.join('/')];
  return Object.entries(value).flatMap(([key, one]) => leaves(one, [...below, key]));
}

const unknownTo = (values: unknown): string[] =>
  leaves(values).filter(path => !chart.keys.includes(path) && !path.startsWith(OPEN));

describe("REANA's values", () => {
  it.each(kinds)('%s: name only what the real chart reads', (_, values) => {
    const read = parse(valuesFile(values));
    expect(leaves(read).length).toBeGreaterThan(30);
    expect(unknownTo(read)).toEqual([]);
  });

  it('are so rendered, with no secret', async () => {
    const text = (await ofChoice('local-upstream')).get('reana/values.yaml') ?? '';
    const values = parse(text) as { secrets: unknown };
    expect(unknownTo(values)).toEqual([]);
    const told = leaves(values.secrets).map(path =>
      path.split('/').reduce((at, key) => (at as never)[key], values.secrets),
    );
    expect(told.filter(secret => !/^@\w+@$/.test(String(secret)))).toEqual(['reana']);
  });

  it('would be found out where they name anything else', () => {
    const wrong = {
      quota: { enable: false },
      traefik: { ports: { web: { nodeport: 1 } } },
      secrets: { database: 'x' },
    };
    expect(unknownTo(wrong)).toEqual(['quota/enable', 'traefik/ports/web/nodeport', 'secrets/database']);
  });
});

describe("the job controller's image", () => {
  it('is built from the folder that `up` names where no image is named', async () => {
    const head = { host: new LocalHost(), dir, cluster: 'physics', onProgress: () => {} };
    const [missing] = await missingFor(head, planOf({ image: undefined, kubernetes: others }));
    const folder = /`scailfin render` writes into (\S+),/.exec(missing?.hint ?? '')?.[1];
    expect([...(await ofChoice('local-upstream')).keys()]).toContain(`${folder}/Dockerfile`);
  });
});

const tools = await kubernetesTools();
const why = 'missing' in tools ? tools.missing : undefined;
const charts = [here('../kubernetes/chart'), process.env.SCAILFIN_TEST_REANA_CHART].filter(c => c !== undefined);

interface Workload {
  readonly spec?: { readonly template?: { readonly spec?: { readonly containers?: readonly Container[] } } };
}

interface Container {
  readonly volumeMounts?: readonly { readonly mountPath: string; readonly subPath?: string }[];
}

interface Verdict {
  readonly passed: number;
  /** Also of kinds that it has no schema for. */
  readonly complaints: readonly string[];
}

/** What kubernetes-validate says of a file of objects, by the schemas of the version that is pinned for minikube. */
async function verdict(file: string): Promise<Verdict> {
  const python = await pythonWith(here('../kubernetes/validate.txt'));
  const args = ['-m', 'kubernetes_validate', '--strict', '-k', KUBERNETES.slice(1), file];
  const { stdout, stderr } = await execa(python, args, { reject: false, timeout: 60_000 });
  const lines = `${stdout}\n${stderr}`.split('\n').filter(Boolean);
  const complaints = lines.filter(line => !/^INFO .* passed /.test(line));
  return { passed: lines.length - complaints.length, complaints };
}

/** Stands in for kubectl on the headnode: keeps what it is told to apply, and says that every job has done its work. */
const KEEPER = `#!/bin/sh
case " $* " in
  *" apply --server-side "*" --filename - ") cat >>"$0.objects" && echo >>"$0.objects" ;;
  *" get job.batch "*" --output json ") echo '{"status":{"conditions":[{"type":"Complete","status":"True"}]}}' ;;
  *" delete "*) ;;
  *) echo "error: unknown command $*" >&2; exit 1 ;;
esac
`;

describe('the objects that scailfin itself makes', () => {
  const file = join(dir, 'kubectl.objects');
  beforeAll(async () => {
    writeFileSync(join(dir, 'kubectl'), KEEPER, { mode: 0o755 });
    const host = new LocalHost();
    const at = { ...planOf().kubernetes, kubectl: join(dir, 'kubectl') };
    const head = { host, dir, cluster: 'physics', onProgress: () => {} };
    const kube = new Kube(host, at, head);
    await makeNamespace(kube, head);
    await keepToken(kube, 'secret', newSecrets());
    for (const node of ['n1', undefined]) {
      const left = await sweepNode(kube, { kubernetes: at, node, onNode: true, stored: 'x' }, {
        pollMs: 1,
        settleMs: 1,
      } as Pace);
      expect(left).toEqual([]);
    }
    writeFileSync(join(dir, 'objects.yaml'), readFileSync(file, 'utf8').trim().split('\n').join('\n---\n'));
  }, 300_000);

  it('are these', () => {
    const made = readFileSync(file, 'utf8').trim().split('\n');
    expect(made.map(line => JSON.parse(line).kind)).toEqual(['Namespace', 'Secret', 'Job', 'Job']);
  });

  it("are valid by Kubernetes' own schemas", async () => {
    expect(await verdict(join(dir, 'objects.yaml'))).toEqual({ passed: 4, complaints: [] });
  }, 300_000);

  it.each([
    ['a field of another name', (text: string) => text.replace('restartPolicy', 'restartpolicy'), /restartpolicy/],
    ['a value of another type', (text: string) => text.replace('["rm"', '[["rm"]'), /\['rm'\] is not of type/],
    ['a kind that there is not', (text: string) => text.replace('"Namespace"', '"Namespaces"'), /namespaces/i],
  ])('would not be with %s', async (_, broken, words) => {
    const text = readFileSync(join(dir, 'objects.yaml'), 'utf8');
    writeFileSync(join(dir, 'broken.yaml'), broken(text));
    const { passed, complaints } = await verdict(join(dir, 'broken.yaml'));
    expect(passed).toBeLessThan(4);
    expect(complaints.join('\n')).toMatch(words);
  });
});

describe.skipIf(why).each(charts)(`the chart's objects with our values${why ? ` (skipped: ${why})` : ''} %s`, chart => {
  it.each(kinds)(
    '%s: are valid',
    async (_, values) => {
      const file = join(dir, 'values.yaml');
      writeFileSync(file, valuesFile(values));
      const helm = 'missing' in tools ? '' : tools.helm;
      const text = await program([helm, 'template', 'reana-123456', chart, '--namespace', 'x', '--values', file]);
      // some come as a list, which has no schema of its own
      const objects = parseAllDocuments(text).flatMap(one => {
        const object = one.toJS() as { kind: string; items?: object[] } | null;
        return object?.items ?? (object ? [object] : []);
      });
      writeFileSync(join(dir, 'chart.yaml'), objects.map(object => JSON.stringify(object)).join('\n---\n'));
      expect(objects.length).toBeGreaterThan(15);
      expect(await verdict(join(dir, 'chart.yaml'))).toEqual({ passed: objects.length, complaints: [] });
    },
    300_000,
  );

  it('leave nothing on a node but what is removed from there', async () => {
    const helm = 'missing' in tools ? '' : tools.helm;
    const text = await program([helm, 'template', 'reana-123456', chart, '--namespace', 'x']);
    const workloads = parseAllDocuments(text).map(one => one.toJS() as Workload | null);
    const containers = workloads.flatMap(one => one?.spec?.template?.spec?.containers ?? []);
    // Kubernetes makes a directory in the storage for each part of it that is mounted, and for each mount within it
    const made = containers
      .flatMap(one => one.volumeMounts ?? [])
      .map(
        ({ mountPath, subPath = mountPath.startsWith(`${STORAGE}/`) ? mountPath.slice(STORAGE.length + 1) : '' }) =>
          subPath,
      )
      .flatMap(path => path.split('/')[0] || []);
    expect([...new Set(made)].sort()).toEqual(['config', 'db', 'rabbitmq', 'uwsgi']);
    expect(made.filter(name => !MADE.includes(name))).toEqual([]);
  });
});
