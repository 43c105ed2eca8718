// `npm run dev`: the server, the types and the page, each made again when its sources change.
import { spawn, spawnSync } from 'node:child_process';

const start = (command) => spawn(command, { shell: true, stdio: 'inherit', env: process.env });

if (spawnSync('tsc', { shell: true, stdio: 'inherit' }).status !== 0) process.exit(1);
// Ctrl+C ends all of them: a terminal sends it to each.
start('tsc --watch --preserveWatchOutput');
start('node --watch dist/main.js');
start('node --watch dist/types.js');
start('vite');
