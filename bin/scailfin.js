#!/usr/bin/env node
const { compiled } = require('./compiled.js');

// the version needs none of the program
const run = /^(-V|--version)$/.test(process.argv[2]) ? undefined : compiled();
if (run) run();
// the same program in several files, of which a command loads its own ones
else import('../dist/cli/main.js');
