import { applyDecorators } from '@nestjs/common';
import { IsString, Length, Matches } from 'class-validator';

/** Validates a string of 1 to `maximum` characters that is not blank. */
export function BoundedText(maximum: number): PropertyDecorator {
  return applyDecorators(
    IsString(),
    Length(1, maximum),
    Matches(/\S/, { message: '$property must not be blank' }),
  );
}
