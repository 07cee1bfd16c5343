// @module-tag nightly; each time: cluster/glidein shows how a glide-in leaves by itself
import { alone } from './helpers/alone.js';

alone({
  site: 'sge',
  profile: 'lab-sge',
  close: 'export SGE_ROOT=/var/lib/gridengine SGE_CELL=default; qmod -d all.q',
  open: 'export SGE_ROOT=/var/lib/gridengine SGE_CELL=default; qmod -e all.q',
});
