import { inLab } from '../../lab/bundled.js';
import type { Lab } from '../../lab/lab.js';

/**
 * A token by which REANA submits steps to the pool of a cluster, by the function that makes it for REANA.
 * @param pool the pool's directory on the headnode
 */
export async function stepsTokenOf(lab: Lab, pool: string): Promise<string> {
  const program = `
const { stepsToken } = await import('/opt/scailfin/src/htcondor/pool.ts');
const { LocalHost } = await import('/opt/scailfin/src/hosts/local.ts');
const { execFileSync } = await import('node:child_process');
const env = { ...process.env, CONDOR_CONFIG: process.argv[2] + '/condor_config' };
const domain = execFileSync('condor_config_val', ['TRUST_DOMAIN'], { env, encoding: 'utf8' }).trim();
console.log(await stepsToken(new LocalHost(), process.argv[2], '/usr/bin', domain));
`;
  return (await lab.exec('headnode', [...(await inLab(program)), pool])).stdout.trim();
}
