import { checkSite } from './helpers/suite.js';

checkSite('condor');
