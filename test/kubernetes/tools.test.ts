import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { pins } from '../../src/headnode/pins.js';
import { program } from '../lab/programs.js';
import { kubernetesTools } from './tools.js';

const tools = await kubernetesTools();
const why = 'missing' in tools ? tools.missing : undefined;

describe.skipIf(why)(`kubectl and helm${why ? ` (skipped: ${why})` : ''}`, () => {
  const { kubectl, helm } = 'missing' in tools ? { kubectl: '', helm: '' } : tools;

  it('are what headnodes are given, kubectl byte for byte', async () => {
    const digest = createHash('sha256').update(await readFile(kubectl));
    expect(digest.digest('hex')).toBe(pins.kubectl.of.amd64.sha256);
  });

  it('are of versions that headnodes may have of their own', async () => {
    const { clientVersion } = JSON.parse(await program([kubectl, 'version', '--client', '-o', 'json']));
    expect(pins.kubectl.fits(clientVersion.gitVersion)).toBe(true);
    expect(pins.helm.fits(await program([helm, 'version', '--template', '{{.Version}}']))).toBe(true);
  });
});
