import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { MAX_NAME } from './chat.js';

/** Validates a payload that is the name of a room or a person. `defaultValue` replaces an absent payload. */
@Injectable()
export class ShortTextPipe implements PipeTransform<unknown, string> {
  constructor(private readonly defaultValue?: string) {}

  transform(value: unknown): string {
    const text = value ?? this.defaultValue;
    if (typeof text === 'string' && text.trim() !== '' && text.length <= MAX_NAME) return text;
    throw new BadRequestException(`A name of 1 to ${MAX_NAME} characters was expected`);
  }
}
