import type { Logger } from '@nestjs/common';
import { LogSampler } from './log-sampler.js';
import { describeThrown, printable, printableStack } from '../../server/util/printable.js';

/**
 * Logs the warnings and errors of one adapter. Clients can cause both at will, so it limits how many it logs. It counts
 * warnings and errors separately, so that no number of warnings keeps an error out of the log. It escapes the text,
 * because clients may have sent parts of it.
 */
export class ReportLog {
  private readonly warnings = this.sampler();
  private readonly errors = this.sampler();
  private readonly loggedOnce = new Set<string>();

  constructor(private readonly logger: Logger) {}

  /**
   * Logs a warning, five times a minute for each subject.
   *
   * @param subject the key to count by; it must not contain text of a client
   * @returns whether the text was logged
   */
  readonly warn = (subject: string, text: string): boolean =>
    this.warnings.log(subject, () => this.logger.warn(printable(text)));

  /** Logs a warning about the set-up, once for each adapter. The text is not escaped. */
  warnOnce(text: string): void {
    if (this.loggedOnce.has(text)) return;
    this.loggedOnce.add(text);
    this.logger.warn(text);
  }

  /**
   * Logs an error with its stack, five times a minute for each subject.
   *
   * @param where says what failed
   * @param subject the key to count by
   */
  readonly error = (error: unknown, where: string, subject: string): void => {
    this.errors.log(subject, () => {
      const text = printable(`${where}: ${describeThrown(error)}`);
      // the stack is a separate argument, because loggers make a separate field of it
      if (error instanceof Error) this.logger.error(text, printableStack(error));
      else this.logger.error(text);
    });
  };

  /** Logs how many warnings and errors were left out. */
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
