// @module-tag nightly; each time: doctor/site-slurm
import { checkSite } from './helpers/suite.js';

checkSite('sge');
