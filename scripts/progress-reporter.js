/**
 * Prints after each file how many are done and which ones run, and at the end how to run the failed spec files again.
 */
export default class ProgressReporter {
  #done = 0;
  #running = new Set();
  #failed = new Set();

  onTestFileStart(test) {
    this.#running.add(test);
  }

  onTestFileResult(test, result, { numTotalTestSuites, startTime }) {
    this.#done++;
    this.#running.delete(test);
    for (const spec of failedSpecs(test, result)) this.#failed.add(spec);
    const seconds = Math.round((Date.now() - startTime) / 1000);
    const running = [...this.#running].map(nameOf).join(', ');
    print(`${this.#done} of ${numTotalTestSuites} after ${seconds} s${running ? `; now ${running}` : ''}`);
  }

  onRunComplete() {
    for (const spec of [...this.#failed].sort((one, other) => one.localeCompare(other)))
      print(`To run it again: npm test -- ${spec}`);
  }
}

const print = (text) => process.stderr.write(`${text}\n`);

const nameOf = ({ path, context }) =>
  `${pathBelowTest(path)} (${context.config.displayName?.name ?? 'no project'})`;

const pathBelowTest = (path) => /[\\/]test[\\/](.+)\.spec\.ts$/.exec(path)?.[1] ?? path;

/** A bundle holds many spec files. The stack of a failed test names the right one. */
function failedSpecs({ path }, { failureMessage, testResults }) {
  if (!failureMessage) return [];
  const messages = testResults.flatMap((result) => result.failureMessages);
  const specs = messages.flatMap((message) => /test[\\/]([^.\s][^.\s]*)\.spec\.ts/.exec(message)?.[1] ?? []);
  return specs.length > 0 ? specs : [pathBelowTest(path)];
}
