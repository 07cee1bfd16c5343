import { buildPlane } from './program.js';
import { kubernetesTools } from './tools.js';

const tools = await kubernetesTools();
if ('missing' in tools) throw new Error(tools.missing);
process.stdout.write(`${[tools.kubectl, tools.helm, await buildPlane()].join('\n')}\n`);
