import { checkSite } from './helpers/suite.js';

checkSite('slurm');
