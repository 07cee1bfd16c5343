import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/paths.js';
import { parseProfile } from '../../src/sites/profile.js';
import type { SiteProfile } from '../../src/sites/schema.js';

/** A profile that scailfin ships. */
export function readProfile(name: string): SiteProfile {
  return parseProfile(readFileSync(join(packageRoot, 'sites', `${name}.yaml`), 'utf8'), `${name}.yaml`);
}

/** A Slurm site of a test's own. */
export function profileOf(yaml: string): SiteProfile {
  const base = 'name: test\ntitle: A test site\nscheduler: {type: slurm}\nlogin: {hosts: [login.test]}\n';
  return parseProfile(base + yaml, 'test.yaml');
}
