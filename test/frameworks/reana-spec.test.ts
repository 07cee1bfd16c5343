import { describe, expect, it } from 'vitest';
import type { FrameworkRequest } from '../../src/frameworks/framework.js';
import { describeReana, type ReanaSpec, reanaDiffers } from '../../src/frameworks/reana/spec.js';
import { planFrameworks } from '../../src/frameworks/registry.js';
import { edgeFiles } from '../../src/headnode/edge.js';
import { type Config, configSchema } from '../../src/sites/settings.js';

const config = (own: object = {}): Config => configSchema.parse({ reana: own });
const plan = (request: FrameworkRequest, own?: object) =>
  planFrameworks(request, config(own))[0] as ({ readonly name: string } & ReanaSpec) | undefined;

describe('whose REANA', () => {
  it('is none where none is asked for', () => {
    expect(plan({})).toBeUndefined();
    expect(plan({ framework: ['htcondor'] })).toBeUndefined();
    // what the user's configuration says is how, not whether
    expect(plan({}, { flavour: 'upstream' })).toBeUndefined();
  });

  it('is what the headnode can carry, unless somebody says', () => {
    const auto = { name: 'reana', flavour: 'auto', kubernetes: { kind: 'minikube', driver: 'auto' } };
    expect(plan({ framework: ['reana'] })).toEqual(auto);
    expect(plan({ reana: 'edge' })).toEqual({ ...auto, flavour: 'edge' });
    expect(plan({ framework: ['reana'] }, { flavour: 'edge' })).toEqual({ ...auto, flavour: 'edge' });
    expect(plan({ reana: 'upstream' }, { flavour: 'edge', engine: 'podman', cores: 4, memory: '8G' })).toEqual({
      name: 'reana',
      flavour: 'upstream',
      kubernetes: { kind: 'minikube', driver: 'podman', cores: 4, memory: 8192 },
    });
  });

  it('has the servers that the edge may ask, where the user allows some', () => {
    const hosts = ['git.example.org', '10.0.0.7:8443', '[fd00::1]:443'];
    expect(plan({ reana: 'edge' }, { launchHosts: hosts })).toMatchObject({ launchHosts: hosts });
    for (const wrong of ['https://git.example.org', 'a b', 'git.example.org:', '*']) {
      expect(() => config({ launchHosts: [wrong] })).toThrow('must be HOST or HOST:PORT');
    }
    const facts = { cluster: 'c', port: 1, token: 't', version: '1', condorBin: '/bin', isFenced: true, node: '/node' };
    const [settings] = edgeFiles('/pool', { ...facts, launchHosts: hosts });
    expect(JSON.parse(String(settings?.content))).toMatchObject({ launchHosts: hosts });
  });

  it('has what the user wants of interactive sessions', () => {
    const sessions = { idle: 1800, image: 'ours:1' };
    expect(plan({ reana: 'edge' }, { sessionIdle: '30m', sessionImage: 'ours:1' })).toMatchObject({ sessions });
    expect(plan({ reana: 'edge' }, {})).not.toHaveProperty('sessions');
    const facts = { cluster: 'c', port: 1, token: 't', version: '1', condorBin: '/bin', isFenced: true, node: '/node' };
    const [settings] = edgeFiles('/pool', { ...facts, sessions });
    expect(JSON.parse(String(settings?.content))).toMatchObject({ sessions });
  });

  it('is upstream’s where a Kubernetes is named', () => {
    const named = { name: 'reana', flavour: 'upstream', kubernetes: { kind: 'context', name: 'kind-reana' } };
    expect(plan({ kubernetes: 'context:kind-reana' })).toEqual(named);
    expect(plan({ framework: ['reana'] }, { kubernetes: 'context:kind-reana' })).toEqual(named);
    expect(plan({ reana: 'upstream', reanaImage: 'docker.io/me/rjc:1' })).toMatchObject({
      image: 'docker.io/me/rjc:1',
    });
  });

  it.each<[FrameworkRequest, RegExp]>([
    [{ framework: ['htcondor'], reana: 'edge' }, /^--reana asks for REANA, and --framework htcondor for none$/],
    [{ framework: ['htcondor'], kubernetes: 'minikube' }, /^--kubernetes asks for REANA/],
    [{ framework: ['htcondor'], reanaImage: 'x' }, /^--reana-image asks for REANA/],
    [{ reana: 'edge', kubernetes: 'minikube' }, /^--reana edge needs no Kubernetes$/],
    [{ kubernetes: 'kind' }, /^"kind" is no Kubernetes to bring REANA to$/],
    [{ kubernetes: 'context:' }, /^"context:" is no Kubernetes/],
  ])('refuses %j', (request, words) => expect(() => plan(request)).toThrow(words));

  it('is told in a line', () => {
    expect(describeReana(plan({ framework: ['reana'] }) as ReanaSpec)).toMatch(
      /Docker or Podman.*otherwise scailfin's own \(edge\)/,
    );
    expect(describeReana(plan({ kubernetes: 'context:c' }) as ReanaSpec)).toBe(
      "CERN's (upstream) on Kubernetes' context c",
    );
  });

  it('of a cluster that is there stays what it is', () => {
    const auto = plan({ framework: ['reana'] }) as ReanaSpec;
    const facts = { flavour: 'edge', scheme: 'http', port: 1 } as const;
    expect(reanaDiffers({ spec: auto, facts }, auto)).toEqual([]);
    expect(reanaDiffers({ spec: auto, facts }, plan({ reana: 'upstream' }) as ReanaSpec)).toEqual([
      'its REANA is edge',
    ]);
    const [a, b] = ['context:a', 'context:b'].map(kubernetes => plan({ kubernetes }) as ReanaSpec) as [
      ReanaSpec,
      ReanaSpec,
    ];
    expect(reanaDiffers({ spec: a, facts: undefined }, b)).toEqual(['its REANA is on context:a']);
  });
});
