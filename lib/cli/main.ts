#!/usr/bin/env node
import { interruption } from './interruption.js';
import { run } from './run.js';

const { stdout, stderr } = process;

void run(process.argv.slice(2), { stdout, stderr, signal: interruption() }).then((exitCode) => {
  // process.exit could cut what is not written yet
  process.exitCode = exitCode;
});
