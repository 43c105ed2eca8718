#!/usr/bin/env node
import { run } from './run.js';

void run(process.argv.slice(2)).then((exitCode) => {
  // process.exit could cut what is not written yet
  process.exitCode = exitCode;
});
