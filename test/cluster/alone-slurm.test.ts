// @module-tag nightly; each time: cluster/glidein shows how a glide-in leaves by itself
import { alone } from './helpers/alone.js';

alone({
  site: 'slurm',
  profile: 'lab-slurm',
  close: 'scontrol update nodename=c1,c2 state=drain reason=test',
  open: 'scontrol update nodename=c1,c2 state=resume',
});
