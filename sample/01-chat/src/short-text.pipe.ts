import { BadRequestException, Injectable, type PipeTransform } from '@nestjs/common';
import { MAX_NAME } from './chat.js';

/** The name of a room or a person as the whole payload; `otherwise` stands in for a payload that is not there. */
@Injectable()
export class ShortTextPipe implements PipeTransform<unknown, string> {
  constructor(private readonly otherwise?: string) {}

  transform(value: unknown): string {
    const text = value ?? this.otherwise;
    if (typeof text === 'string' && text.trim() !== '' && text.length <= MAX_NAME) return text;
    throw new BadRequestException(`A name of 1 to ${MAX_NAME} characters was expected`);
  }
}
