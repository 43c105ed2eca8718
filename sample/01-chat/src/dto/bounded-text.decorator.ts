import { applyDecorators } from '@nestjs/common';
import { IsString, Length, Matches } from 'class-validator';

/** A string of bounded length that is not all blanks. */
export function BoundedText(maximum: number): PropertyDecorator {
  return applyDecorators(
    IsString(),
    Length(1, maximum),
    Matches(/\S/, { message: '$property must not be blank' }),
  );
}
