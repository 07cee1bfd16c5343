import { Lab } from './test/lab/lab.js';
import { RogueNode } from './test/attack/helpers/rogue.js';
const lab = await Lab.attach('fence');
const r = await RogueNode.on(lab, process.argv[2] as 'c1');
await r.attacks(process.argv[3]!);
