import { checkSite } from './helpers/suite.js';

checkSite('sge');
