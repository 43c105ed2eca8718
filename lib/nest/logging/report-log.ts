import type { Logger } from '@nestjs/common';
import { LogSampler } from './log-sampler.js';
import { describeThrown, printable, printableStack } from '../../server/util/printable.js';

/**
 * Warnings and errors of one adapter. Clients can cause both at will, so both are sampled, each by itself: no number of
 * warnings keeps an error out of the log. What clients sent is escaped.
 */
export class ReportLog {
  private readonly warnings = this.sampler();
  private readonly errors = this.sampler();
  private readonly saidOnce = new Set<string>();

  constructor(private readonly logger: Logger) {}

  /**
   * @param subject what is counted as one; no text of a client
   * @returns whether the text was logged
   */
  readonly warn = (subject: string, text: string): boolean =>
    this.warnings.log(subject, () => this.logger.warn(printable(text)));

  /** Logs a warning about the set-up, once for each adapter. @param text of the program alone */
  warnOnce(text: string): void {
    if (this.saidOnce.has(text)) return;
    this.saidOnce.add(text);
    this.logger.warn(text);
  }

  /**
   * @param where what failed
   * @param subject what is counted as one
   */
  readonly error = (error: unknown, where: string, subject: string): void => {
    this.errors.log(subject, () => {
      const text = printable(`${where}: ${describeThrown(error)}`);
      // the stack by itself: loggers of applications make a field of it
      if (error instanceof Error) this.logger.error(text, printableStack(error));
      else this.logger.error(text);
    });
  };

  /** Ends the minute: logs how much was left out. */
  close(): void {
    this.warnings.close();
    this.errors.close();
  }

  private sampler(): LogSampler {
    return new LogSampler((subject, times) =>
      this.logger.warn(printable(`${subject}: ${times} more within the last minute`)),
    );
  }
}
