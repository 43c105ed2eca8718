import { join } from 'node:path';
import { bundleSpecs, findSpecs } from './scripts/bundle-specs.js';
import { NEST, ROOT } from './scripts/jest-projects.js';
import { isSlowMachine } from './scripts/machine-speed.js';
import { isQuick, runsAlone, runsOn } from './test/corners.js';

const TEST = join(ROOT, 'test');
const specs = findSpecs(TEST);
/** All specs on all corners, each spec file separately. */
const isFullMatrix = process.env.MATRIX === 'full';
/** `npm test -- limits/rate`, `npm test -- test/limits/`: runs these spec files, each separately. */
const isNamed = process.argv.slice(2).some((argument) => {
  const [path] = argument
    .replace(/^--testPathPatterns=/, '')
    .split(/(?:^|.*\/)test\//)
    .slice(-1);
  return /^[^-]..+/.test(path) && specs.some((spec) => spec.includes(path) || matches(spec, path));
});
const isSlow = isSlowMachine();
const isQuickRun = process.env.QUICK === '1';
/** `TEST_PARTS=0,3/16` runs two sixteenths of all files. `.ci/run` does that, for slow machines. */
const [partList, partCount] = (process.env.TEST_PARTS ?? '0/1').split('/');
const parts = new Set(partList.split(',').map(Number));
let fileCount = 0;
const isInParts = () => parts.has(fileCount++ % Number(partCount));

function matches(spec, pattern) {
  try {
    return new RegExp(pattern).test(spec);
  } catch {
    return false;
  }
}

/** One project per corner. `test/corners.js` says which specs run on it, and `scripts/bundle-specs.js` why they are bundled. */
const projects = [
  [12, 'express'],
  [12, 'fastify'],
  [11, 'express'],
  [11, 'fastify'],
].map(([major, platform], corner) => {
  const here = specs.filter(
    (spec) => runsOn(spec, corner, isFullMatrix) && (isNamed || !isQuickRun || isQuick(spec)),
  );
  const isAlone = (spec) => isFullMatrix || isNamed || runsAlone(spec);
  const bundled = here.filter((spec) => !isAlone(spec));
  const files = here.filter(isAlone);
  if (bundled.length > 0) files.push(...bundleSpecs(TEST, `${major}-${platform}`, bundled));
  return {
    ...NEST[major],
    displayName: `nest-${major}-${platform}`,
    globals: { NEST_MAJOR: major, HTTP_PLATFORM: platform, IS_SLOW_MACHINE: isSlow },
    testMatch: files.filter(isInParts).map((file) => `<rootDir>/test/${file}`),
  };
});

export default {
  // Jest would run all that it finds for a project without files
  projects: projects.filter(({ testMatch }) => testMatch.length > 0),
  reporters: ['default', '<rootDir>/scripts/progress-reporter.js'],
  // It only ends a test that hangs: see test/support/longest-wait.ts.
  testTimeout: 900_000,
  // A worker waits for half of its time, for timeouts, brokers and processes: four keep two cores busy (5:43 instead of 6:30
  // with three). On a slow machine it does not wait, and two get as much done with half of the time for each test.
  maxWorkers: isSlow ? 2 : 4,
  // Node does not free the ES modules of a finished spec file: each adds some 10 MB to its worker, and every garbage collection
  // takes longer. A worker of this size is replaced. 400 MB costs a quarter more processor time, 100 MB a tenth.
  workerIdleMemoryLimit: '200MB',
  // A worker that is replaced as the run ends has just started. On a busy machine it takes longer than the default of 500 ms to
  // end, and Jest warns of a leak. `scripts/jest-environment.js` finds leaks.
  workerGracefulExitTimeout: 5_000,
};
