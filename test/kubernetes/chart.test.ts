import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { program } from '../lab/programs.js';
import { kubernetesTools } from './tools.js';

/** REANA's real chart, for who has it; the stand-in for all others. */
const real = process.env.SCAILFIN_TEST_REANA_CHART;
const standIn = fileURLToPath(new URL('chart', import.meta.url));
const tools = await kubernetesTools();
const why = 'missing' in tools ? tools.missing : undefined;

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
}

describe.skipIf(why).each([standIn, ...(real ? [real] : [])])(
  `the chart${why ? ` (skipped: ${why})` : ''} %s`,
  chart => {
    const helm = (...args: string[]) => program(['missing' in tools ? '' : tools.helm, ...args]);
    let objects: Named[] = [];

    beforeAll(async () => {
      const text = await helm('template', 'reana', chart, '--namespace', 'scailfin-x');
      const documents = parseAllDocuments(text).map(one => one.toJS() as (Named & { items?: Named[] }) | null);
      objects = documents.flatMap(one => one?.items ?? one ?? []);
    });

    it('passes helm lint', async () => {
      expect(await helm('lint', chart)).toContain('0 chart(s) failed');
    });

    it.each([
      ['Deployment', 'cache db server ui workflow-controller traefik'],
      ['StatefulSet', 'message-broker'],
      [
        'Secret',
        'db-secrets cache-secrets message-broker-secrets secrets cern-sso-secrets cern-gitlab-secrets tls-secret',
      ],
      ['Service', 'server workflow-controller message-broker'],
      ['Ingress', 'ingress'],
    ])('has every %s that is counted on', (kind, names) => {
      const found = objects.filter(one => one.kind === kind).map(one => one.metadata.name);
      expect(found).toEqual(expect.arrayContaining(names.split(' ').map(name => `reana-${name}`)));
    });

    it('refuses values of another shape', async () => {
      await expect(helm('template', 'reana', chart, '--set', 'secrets=x')).rejects.toThrow();
    });
  },
);
